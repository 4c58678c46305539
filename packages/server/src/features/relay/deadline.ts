import type { Clock, Timer } from '../../kernel/clock.ts'

export type DeadlinePhase = 'idle' | 'total'

/** The two clocks of one stream. */
export interface Watch {
  /** A real event came: the idle clock starts anew. */
  touch(): void
  /** The reader stalls: silence is not the provider's fault, so the idle clock stands still until `resume`. */
  pause(): void
  resume(): void
  /** Calls back once `milliseconds` from now, instead of what was watched before. */
  expire(milliseconds: number, callback: () => void): void
  end(): void
}

export interface WatchOptions {
  readonly idleMs: number
  readonly totalMs: number
  /** Monotonic milliseconds from which the total counts. */
  readonly startedAt: number
  passed(phase: DeadlinePhase): void
}

const slowestTick = 1_000
const fastestTick = 5

/**
 * Deadlines of all open streams behind one timer that runs only while there are any: an event costs one timestamp, not
 * a timer reset. A deadline is noticed late by at most one tick: an eighth of the shortest deadline, 1 s at most.
 */
export const createDeadlines = (clock: Clock) => {
  const checks = new Set<(now: number) => void>()
  let timer: Timer | null = null
  let tick = slowestTick

  const turn = () => {
    const now = clock.monotonic()
    for (const check of checks) check(now)
  }
  const add = (check: (now: number) => void, shortest: number) => {
    checks.add(check)
    const wanted = Math.max(fastestTick, Math.min(slowestTick, shortest / 8))
    if (timer && wanted >= tick) return
    timer?.cancel()
    tick = wanted
    timer = clock.every(tick, turn)
  }
  const remove = (check: (now: number) => void) => {
    checks.delete(check)
    if (checks.size > 0) return
    timer?.cancel()
    timer = null
  }

  return {
    watch: (options: WatchOptions): Watch => {
      let touchedAt = clock.monotonic()
      let paused = false
      let expireAt = 0
      let expired: (() => void) | null = null
      const check = (now: number) => {
        if (expired) {
          if (now < expireAt) return
          remove(check)
          expired()
        } else if (now - options.startedAt >= options.totalMs) {
          remove(check)
          options.passed('total')
        } else if (!paused && now - touchedAt >= options.idleMs) {
          remove(check)
          options.passed('idle')
        }
      }
      add(check, Math.min(options.idleMs, options.totalMs))
      return {
        touch: () => {
          touchedAt = clock.monotonic()
        },
        pause: () => {
          paused = true
        },
        resume: () => {
          paused = false
          touchedAt = clock.monotonic()
        },
        expire: (milliseconds, callback) => {
          expireAt = clock.monotonic() + milliseconds
          expired = callback
          add(check, slowestTick * 8)
        },
        end: () => remove(check),
      }
    },
    /** Streams being watched. */
    open: () => checks.size,
  }
}
