import type { BucketStanding, Limit, Standing } from './counters.ts'

/** Counts, in memory, what is used of all limits of one kind. Times are monotonic milliseconds. */
export interface Tally {
  /** Whether `cost` more units fit. */
  fits(key: string, limit: Limit, cost: number, now: number): boolean
  /** Adds units, or takes them back, as of the time at which they were taken; `bucket` as in a correction. */
  add(key: string, limit: Limit, change: number, takenAt: number, now: number, bucket?: BucketStanding): void
  /** Where the limit stands; `refused` is the cost that just did not fit, or 0. */
  standing(key: string, limit: Limit, now: number, refused: number): Standing
  /** Units in use. */
  used(key: string, limit: Limit, at: number): number
  /** Takes in how much was in use at a time, as learnt elsewhere; what is known here to be more stays. */
  note(key: string, limit: Limit, used: number, at: number): void
}
