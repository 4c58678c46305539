import type { Clock } from '../../kernel/clock.ts'

/** How many calls may be under way at a provider. */
export interface LimitBounds {
  /** What holds until something is known of the provider. */
  readonly initial: number
  readonly min: number
  readonly max: number
  /** Whether the limit follows what the provider bears; else it stays `max`. */
  readonly adaptive: boolean
}

/** A limit that follows how a provider answers. */
export interface AdaptiveLimit {
  current(): number
  /** An answer began after `latencyMs`, while `inFlight` calls were under way; `kind` names what may be compared with it. */
  answered(kind: string, stream: boolean, latencyMs: number, inFlight: number): void
  /** A call failed for want of capacity. */
  failed(inFlight: number): void
  reconfigure(bounds: LimitBounds): void
}

/** A decision takes this long and so many answers, that one slow answer decides nothing. */
const WINDOW_MS = 1_000
const WINDOW_ANSWERS = 10
/** Ratios kept of one window; of more the latest count. */
const KEPT = 256
/** Answers that are this many times slower than usual are no sign yet. */
const TOLERANCE = 2
/** Most that slow answers take away at once. */
const LEAST_GRADIENT = 0.5
/** Share of faults in a window from which on the provider is short of capacity, and what is left of the limit then. */
const FAULT_SHARE = 0.05
const BACKOFF = 0.8
/** What is usual is forgotten with this time constant. */
const USUAL_MS = 600_000
const FIRST_ANSWERS = 10
/** The usual latency follows faster when answers have become twice as fast. */
const DECAY = 0.95
/** Models are named by callers, so their number is bounded. */
const MOST_KINDS = 256

interface Usual {
  latencyMs: number
  answers: number
  at: number
}

/**
 * Gradient2 of Netflix’s concurrency-limits (com.netflix.concurrency.limits.limit.Gradient2Limit, 2018): the new limit is
 * `used × gradient + √used`, where the gradient is tolerance / (latency ÷ usual latency), from a half to one. The root is room
 * to try more, so that the limit rises until answers become slower. Three things differ, because answers of models differ:
 * latencies are compared per model and kind of answer, of their ratios the median of a window counts, and a window with more than a
 * twentieth of capacity faults (429, 503, 529, timeouts) multiplies by 0.8, as AIMD does. `used` is the most calls under way
 * in the window, where that is below the limit: what was never used was never proven (RFC 7661).
 */
export const createAdaptiveLimit = (clock: Clock, first: LimitBounds): AdaptiveLimit => {
  let bounds = first
  let limit = first.adaptive ? first.initial : first.max
  const usual = { stream: new Map<string, Usual>(), whole: new Map<string, Usual>() }
  const ratios = new Float64Array(KEPT)
  let answers = 0
  let faults = 0
  let peak = 0
  let startedAt = clock.monotonic()

  /** How much slower than usual; learns from it. */
  const ratioOf = (kinds: Map<string, Usual>, kind: string, latencyMs: number, now: number): number => {
    const known = kinds.get(kind)
    if (known === undefined) {
      if (kinds.size >= MOST_KINDS) kinds.delete(kinds.keys().next().value as string)
      kinds.set(kind, { latencyMs, answers: 1, at: now })
      return 1
    }
    const ratio = latencyMs / Math.max(known.latencyMs, 0.001)
    known.answers += 1
    const weight = known.answers <= FIRST_ANSWERS ? 1 / known.answers : 1 - Math.exp((known.at - now) / USUAL_MS)
    known.latencyMs += weight * (latencyMs - known.latencyMs)
    known.at = now
    return ratio
  }

  const within = (value: number): number => Math.min(bounds.max, Math.max(bounds.min, value))

  const decide = (): void => {
    const used = Math.min(limit, peak)
    const ratio = ratios.slice(0, Math.min(answers, KEPT)).sort()[Math.min(answers, KEPT) >> 1] ?? 1
    const gradient = Math.max(LEAST_GRADIENT, Math.min(1, TOLERANCE / ratio))
    if (faults > FAULT_SHARE * (answers + faults)) limit = within(Math.min(limit, used * BACKOFF))
    else if (gradient < 1) limit = within(Math.min(limit + Math.sqrt(used), used * gradient + Math.sqrt(used)))
    else if (peak >= limit / 2) limit = within(limit + Math.sqrt(limit))
    if (ratio * TOLERANCE < 1) {
      for (const kinds of Object.values(usual)) for (const known of kinds.values()) known.latencyMs *= DECAY
    }
  }

  const heard = (inFlight: number, now: number): void => {
    if (inFlight > peak) peak = inFlight
    if (now - startedAt < WINDOW_MS || answers + faults < WINDOW_ANSWERS) return
    decide()
    answers = 0
    faults = 0
    peak = 0
    startedAt = now
  }

  return {
    current: () => Math.floor(limit),
    answered: (kind, stream, latencyMs, inFlight) => {
      if (!bounds.adaptive) return
      const now = clock.monotonic()
      ratios[answers % KEPT] = ratioOf(stream ? usual.stream : usual.whole, kind, latencyMs, now)
      answers += 1
      heard(inFlight, now)
    },
    failed: (inFlight) => {
      if (!bounds.adaptive) return
      faults += 1
      heard(inFlight, clock.monotonic())
    },
    reconfigure: (next) => {
      // A limit that was never lowered follows its bound.
      const stoodAtMost = limit >= bounds.max
      bounds = next
      limit = !next.adaptive || stoodAtMost ? next.max : within(limit)
    },
  }
}
