import type { Clock } from './clock.ts'
import {
  type Algorithm,
  type CounterRule,
  type Correction,
  type Counters,
  type Decision,
  type Limit,
  shareOf,
} from './counters.ts'
import { createBucketTally } from './tally.bucket.ts'
import { createConcurrencyTally } from './tally.concurrency.ts'
import type { Tally } from './tally.ts'
import { createWindowTally } from './tally.window.ts'

/** Counters of this process alone, which can also stand in for shared ones. */
export interface MemoryCounters extends Counters {
  /** `replicas`: how many processes share the limits; this one then gives away its share. */
  take(rules: readonly CounterRule[], holder?: string, replicas?: number): Decision
  /** Units of `key` in use at a time of the monotonic clock, as far as known here. */
  used(key: string, limit: Limit, at: number): number
  /** Notes how much of a shared limit was found in use at a time of the monotonic clock. */
  note(key: string, limit: Limit, at: number, used: number): void
}

/** Counts in memory. Each kind of limit holds at most `capacity` keys; beyond them the one known longest is forgotten. */
export const createMemoryCounters = ({
  clock,
  capacity = 200_000,
}: {
  clock: Clock
  capacity?: number
}): MemoryCounters => {
  const tallies: Readonly<Record<Algorithm, Tally>> = {
    token_bucket: createBucketTally(capacity),
    sliding_window: createWindowTally(capacity),
    concurrency: createConcurrencyTally(),
  }
  const tallyOf = (limit: Limit): Tally => tallies[limit.algorithm]

  return {
    take: (rules, _holder, replicas = 1) => {
      const now = clock.monotonic()
      let allowed = true
      for (let index = 0; index < rules.length; index++) {
        const { key, limit, cost, shadow } = rules[index] as CounterRule
        if (!shadow && !tallyOf(limit).fits(key, shareOf(limit, replicas), cost, now)) allowed = false
      }
      const standings = rules.map(({ key, limit, cost, shadow }) => {
        const tally = tallyOf(limit)
        const share = shareOf(limit, replicas)
        const fits = (allowed && !shadow) || tally.fits(key, share, cost, now)
        if (allowed && fits) tally.add(key, share, cost, now, now)
        return tally.standing(key, share, now, fits ? 0 : cost)
      })
      return { allowed, standings, taken: { at: now, store: null } }
    },
    correct: (corrections: readonly Correction[]) => {
      const now = clock.monotonic()
      for (const { key, limit, change, taken, bucket } of corrections)
        tallyOf(limit).add(key, limit, change, taken.at, now, bucket)
    },
    used: (key, limit, at) => tallyOf(limit).used(key, limit, at),
    note: (key, limit, at, used) => tallyOf(limit).note(key, limit, used, at),
    start: () => {},
    close: () => Promise.resolve(),
    health: () => ({ state: 'ok' }),
  }
}
