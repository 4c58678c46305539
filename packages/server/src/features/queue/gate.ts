import type { Caller } from '../../domain/caller.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { type LimitBounds, createAdaptiveLimit } from './adaptive-limit.ts'
import { createFairLine } from './fair-line.ts'

/** How calls wait. */
export interface WaitBounds {
  /** Most calls that wait for one provider. */
  readonly maxWaiting: number
  readonly maxWaitMs: number
  /** Longest whole call, its wait included. */
  readonly totalMs: number
}

interface GateOptions {
  readonly clock: Clock
  readonly limit: LimitBounds
  /** Asked at each wait, so that a reload holds at once. */
  readonly waits: () => WaitBounds
  /** Calls per round, by the caller's tier. */
  readonly weightOf: (caller: Caller) => number
  /** A call was served after waiting. */
  readonly onWaited: (milliseconds: number) => void
}

/** The places at one provider. */
export interface Gate {
  /** Takes a place; false where there is none, or others wait already. */
  enter(): boolean
  /**
   * Waits in line until there is a place and takes it. `startedAt`: when the request began, in monotonic milliseconds.
   * @throws AppError `upstream_busy` when the line is full or the wait too long, `server_draining`, or the reason of the signal.
   */
  wait(caller: Caller, startedAt: number, signal: CancelSignal): Promise<void>
  /** An answer began. `kind`: what its latency may be compared with. */
  answered(kind: string, stream: boolean, latencyMs: number): void
  /** The provider was short of capacity. */
  failed(): void
  /** Gives the place back; null when nothing was sent. */
  leave(heldMs: number | null): void
  /** Ends all that wait, and those that would from now on. */
  drain(): void
  reconfigure(limit: LimitBounds): void
  /** Forgets what was learned of the provider. */
  relearn(limit: LimitBounds): void
  read(): { readonly inFlight: number; readonly limit: number; readonly waiting: number }
}

/** Part of a new duration in the mean of how long places are held. */
const HELD_WEIGHT = 0.1
/** Bounds of the wait that a refused caller is told. */
const MIN_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000

/** What waits: told once either way. */
interface Waiting {
  readonly admit: () => void
  readonly refuse: (reason: AppError) => void
}

/** Builds the gate of a provider: a limit of calls under way, and a fair line before it. */
export const createGate = ({ clock, limit: bounds, waits, weightOf, onWaited }: GateOptions): Gate => {
  let limit = createAdaptiveLimit(clock, bounds)
  const line = createFairLine<Waiting>()
  let most = limit.current()
  let inFlight = 0
  let draining = false
  /** Mean milliseconds for which a place is held; 0 until one was given back. */
  let heldMs = 0

  const serve = (): void => {
    while (inFlight < most) {
      const next = line.next()
      if (next === undefined) return
      inFlight += 1
      next.admit()
    }
  }

  const reread = (): void => {
    most = limit.current()
    if (line.size() > 0) serve()
  }

  const expectedMs = (flow: string, weight: number): number => ((line.ahead(flow, weight) + 1) * heldMs) / most

  const busy = (waitMs: number, detail: string): AppError =>
    new AppError('upstream_busy', {
      detail,
      retryAfterMs: Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, Math.ceil(waitMs))),
    })

  const queue = (flow: string, weight: number, longestMs: number, signal: CancelSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const from = clock.monotonic()
      let timer: Timer | null = null
      const settle = (): void => {
        timer?.cancel()
        signal.removeEventListener('abort', abandon)
      }
      const waiting: Waiting = {
        admit: () => {
          settle()
          onWaited(clock.monotonic() - from)
          resolve()
        },
        refuse: (reason) => {
          settle()
          reject(reason)
        },
      }
      const abandon = (): void => {
        line.remove(flow, waiting)
        waiting.refuse(signal.reason instanceof AppError ? signal.reason : new AppError('client_closed_request'))
      }
      line.push(flow, weight, waiting)
      timer = clock.after(longestMs, () => {
        line.remove(flow, waiting)
        waiting.refuse(busy(expectedMs(flow, weight), 'No place at the provider became free in time.'))
      })
      signal.addEventListener('abort', abandon)
      if (signal.aborted) abandon()
    })

  return {
    enter: () => {
      if (inFlight >= most || line.size() > 0) return false
      inFlight += 1
      return true
    },
    wait: async (caller, startedAt, signal) => {
      if (draining) throw new AppError('server_draining')
      const { maxWaiting, maxWaitMs, totalMs } = waits()
      // What nobody waits for stands in a flow of its own, so that it keeps no call of the same key waiting.
      const flow = caller.isBackground === true ? `${caller.keyId}/background` : caller.keyId
      const weight = weightOf(caller)
      const longestMs = Math.min(maxWaitMs, startedAt + totalMs - clock.monotonic())
      const expected = expectedMs(flow, weight)
      if (expected > longestMs) throw busy(expected, 'The wait for a place at the provider would be too long.')
      if (line.size() >= maxWaiting) {
        const displaced = line.displace(flow, weight)
        const full = busy(expected, `${maxWaiting} calls wait for this provider, as many as may.`)
        if (displaced === undefined) throw full
        displaced.refuse(full)
      }
      await queue(flow, weight, longestMs, signal)
    },
    answered: (kind, stream, latencyMs) => {
      limit.answered(kind, stream, latencyMs, inFlight)
      reread()
    },
    failed: () => {
      limit.failed(inFlight)
      reread()
    },
    leave: (held) => {
      inFlight -= 1
      if (held !== null) heldMs = heldMs === 0 ? held : heldMs + HELD_WEIGHT * (held - heldMs)
      if (line.size() > 0) serve()
    },
    drain: () => {
      draining = true
      for (const waiting of line.clear()) waiting.refuse(new AppError('server_draining'))
    },
    reconfigure: (next) => {
      limit.reconfigure(next)
      reread()
    },
    relearn: (next) => {
      limit = createAdaptiveLimit(clock, next)
      heldMs = 0
      reread()
    },
    read: () => ({ inFlight, limit: most, waiting: line.size() }),
  }
}
