import type { Clock } from '../../kernel/clock.ts'

/** How the targets have answered lately, as seen by this process. */
export interface Standings {
  /** One try: how long until its answer began (of a stream) or was whole, and whether it failed. */
  observe(target: string, isStream: boolean, durationMs: number, failed: boolean): void
  /** Milliseconds that an answer takes; null where it was not seen lately. */
  latencyMs(target: string, isStream: boolean): number | null
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
  stream: Mean | null
  whole: Mean | null
  failures: Mean | null
}

/**
 * Exponentially weighted means whose weight grows with the pause since the last sample, so that a change is followed within
 * a few calls or a few seconds, whichever comes first.
 */
export const createStandings = (clock: Pick<Clock, 'monotonic'>): Standings => {
  const standings = new Map<string, Standing>()

  const mix = (mean: Mean | null, value: number, at: number): Mean => {
    if (mean === null) return { value, at }
    const weight = Math.max(LEAST_WEIGHT, 1 - Math.exp(-(at - mean.at) / FADE_MS))
    mean.value += (value - mean.value) * weight
    mean.at = at
    return mean
  }
  const fresh = (mean: Mean | null | undefined): number | null =>
    mean && clock.monotonic() - mean.at < STALE_MS ? mean.value : null

  return {
    observe: (target, isStream, durationMs, failed) => {
      let standing = standings.get(target)
      if (standing === undefined) {
        if (standings.size >= MAX_TARGETS) standings.delete(standings.keys().next().value as string)
        standing = { stream: null, whole: null, failures: null }
        standings.set(target, standing)
      }
      const now = clock.monotonic()
      standing.failures = mix(standing.failures, failed ? 1 : 0, now)
      // A failure says nothing of how long an answer takes.
      if (failed) return
      if (isStream) standing.stream = mix(standing.stream, durationMs, now)
      else standing.whole = mix(standing.whole, durationMs, now)
    },
    latencyMs: (target, isStream) => {
      const standing = standings.get(target)
      return fresh(isStream ? standing?.stream : standing?.whole)
    },
    errorRate: (target) => fresh(standings.get(target)?.failures) ?? 0,
  }
}
