import type { Clock } from '../../kernel/clock.ts'

/** What the circuit of a target says to one more try. */
export interface CircuitVerdict {
  readonly allowed: boolean
  /** When not allowed: milliseconds until a try may be. */
  readonly retryAfterMs: number
}

/** Health of targets, named `provider/model`. */
export interface Circuits {
  allow(target: string): CircuitVerdict
  /** Whether a try now would be refused; asking takes no probe. */
  isResting(target: string): boolean
  /** How a try went; `retryAfterMs` closes the whole provider for that long, at most ten minutes. */
  report(target: string, outcome: 'ok' | 'fault', retryAfterMs?: number): void
  /** A provider is another now: what was found of the former one does not count. */
  forget(provider: string): void
  /** Targets and providers that nothing or little goes to at the moment. */
  open(): readonly string[]
}

/** Faults in a row that open a circuit. */
const CONSECUTIVE_FAULTS = 5
/** Or this share of the last tries, from so many on. */
const FAULT_RATE = 0.5
const RATE_TRIES = 20
/** Older tries weigh nothing. */
const WINDOW_MS = 10_000
/** An open circuit lets one try through each second; the first that succeeds closes it. */
const PROBE_MS = 1_000
const MAX_HOLD_MS = 600_000
/** Targets are named by callers, so their number is bounded; the longest unheard of is forgotten first. */
const MAX_TARGETS = 4_096

interface Health {
  isOpen: boolean
  nextProbeAt: number
  consecutive: number
  windowStart: number
  tries: number
  faults: number
}

const allowed: CircuitVerdict = { allowed: true, retryAfterMs: 0 }

/**
 * Circuit breakers. A target that is well has no entry, so that health costs one look-up. Opens after five faults in a
 * row, or when half of at least twenty tries in ten seconds failed; then one try a second is let through as a probe.
 */
export const createCircuits = (clock: Clock): Circuits => {
  const targets = new Map<string, Health>()
  /** Monotonic time until which a provider has asked to be left alone. */
  const held = new Map<string, number>()

  const providerOf = (target: string): string => target.slice(0, target.indexOf('/'))

  const healthOf = (target: string, now: number): Health => {
    let health = targets.get(target)
    if (health === undefined) {
      if (targets.size >= MAX_TARGETS) targets.delete(targets.keys().next().value as string)
      health = { isOpen: false, nextProbeAt: 0, consecutive: 0, windowStart: now, tries: 0, faults: 0 }
      targets.set(target, health)
    }
    if (now - health.windowStart > WINDOW_MS) {
      health.windowStart = now
      health.tries = 0
      health.faults = 0
    }
    return health
  }

  const onOk = (target: string, now: number): void => {
    if (!targets.has(target)) return
    const health = healthOf(target, now)
    health.tries++
    health.consecutive = 0
    if (health.isOpen || health.faults === 0) targets.delete(target)
  }

  const onFault = (target: string, now: number): void => {
    const health = healthOf(target, now)
    health.tries++
    health.faults++
    health.consecutive++
    const isOften = health.tries >= RATE_TRIES && health.faults >= health.tries * FAULT_RATE
    if (health.consecutive < CONSECUTIVE_FAULTS && !isOften) return
    if (!health.isOpen) health.nextProbeAt = now + PROBE_MS
    health.isOpen = true
  }

  return {
    allow(target) {
      if (targets.size === 0 && held.size === 0) return allowed
      const now = clock.monotonic()
      if (held.size > 0) {
        const provider = providerOf(target)
        const until = held.get(provider)
        if (until !== undefined) {
          if (until > now) return { allowed: false, retryAfterMs: until - now }
          held.delete(provider)
        }
      }
      const health = targets.get(target)
      if (health === undefined || !health.isOpen) return allowed
      if (now < health.nextProbeAt) return { allowed: false, retryAfterMs: health.nextProbeAt - now }
      health.nextProbeAt = now + PROBE_MS
      return allowed
    },
    isResting(target) {
      if (targets.size === 0 && held.size === 0) return false
      const now = clock.monotonic()
      if ((held.get(providerOf(target)) ?? 0) > now) return true
      const health = targets.get(target)
      return health?.isOpen === true && now < health.nextProbeAt
    },
    report(target, outcome, retryAfterMs) {
      if (outcome === 'ok' && targets.size === 0) return
      const now = clock.monotonic()
      if (outcome === 'ok') onOk(target, now)
      else onFault(target, now)
      if (retryAfterMs === undefined || !(retryAfterMs > 0)) return
      const provider = providerOf(target)
      const until = now + Math.min(MAX_HOLD_MS, retryAfterMs)
      if (until > (held.get(provider) ?? 0)) held.set(provider, until)
    },
    forget(provider) {
      held.delete(provider)
      for (const target of targets.keys()) if (providerOf(target) === provider) targets.delete(target)
    },
    open() {
      const now = clock.monotonic()
      return [
        ...[...held].filter(([, until]) => until > now).map(([provider]) => provider),
        ...[...targets].filter(([, { isOpen }]) => isOpen).map(([target]) => target),
      ]
    },
  }
}
