import type { Operation } from '../../domain/inference.ts'
import type { Clock } from '../../kernel/clock.ts'

/** What is timed: a picture takes longer than a word, and a stream begins before a whole answer has come. */
export interface Pace {
  readonly operation: Operation
  readonly isStream: boolean
}

/** How the targets have answered lately, as seen by this process. */
export interface Standings {
  /** One try: how long until its answer began (of a stream) or was whole, and whether it failed. */
  observe(target: string, pace: Pace, durationMs: number, failed: boolean): void
  /** Milliseconds that an answer takes; null where it was not seen lately. */
  latencyMs(target: string, pace: Pace): number | null
  /** Share of failed tries lately, 0 to 1. */
  errorRate(target: string): number
}

/** A sample weighs at least this much, and all of it once the former ones are this old. */
const LEAST_WEIGHT = 0.2
const FADE_MS = 3_000
/** Nothing is said of what was not seen for this long. */
const STALE_MS = 10_000
/** Targets are named by callers; the longest unseen is forgotten first. */
const MAX_TARGETS = 4_096

interface Mean {
  value: number
  at: number
}
interface Standing {
  /** By what was timed. */
  readonly paces: Map<string, Mean>
  failures: Mean | null
}

const nameOf = ({ operation, isStream }: Pace): string => (isStream ? `${operation}, streamed` : operation)

/**
 * Exponentially weighted means whose weight grows with the pause since the last sample, so that a change is followed within
 * a few calls or a few seconds, whichever comes first.
 */
export const createStandings = (clock: Pick<Clock, 'monotonic'>): Standings => {
  const standings = new Map<string, Standing>()

  const mix = (mean: Mean | null | undefined, value: number, at: number): Mean => {
    if (mean === null || mean === undefined) return { value, at }
    const weight = Math.max(LEAST_WEIGHT, 1 - Math.exp(-(at - mean.at) / FADE_MS))
    mean.value += (value - mean.value) * weight
    mean.at = at
    return mean
  }
  const fresh = (mean: Mean | null | undefined): number | null =>
    mean && clock.monotonic() - mean.at < STALE_MS ? mean.value : null

  return {
    observe: (target, pace, durationMs, failed) => {
      let standing = standings.get(target)
      if (standing === undefined) {
        if (standings.size >= MAX_TARGETS) standings.delete(standings.keys().next().value as string)
        standing = { paces: new Map(), failures: null }
        standings.set(target, standing)
      }
      const now = clock.monotonic()
      standing.failures = mix(standing.failures, failed ? 1 : 0, now)
      // A failure says nothing of how long an answer takes.
      if (failed) return
      const name = nameOf(pace)
      standing.paces.set(name, mix(standing.paces.get(name), durationMs, now))
    },
    latencyMs: (target, pace) => fresh(standings.get(target)?.paces.get(nameOf(pace))),
    errorRate: (target) => fresh(standings.get(target)?.failures) ?? 0,
  }
}
