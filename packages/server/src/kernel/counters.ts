import type { HealthReport } from './feature.ts'

/**
 * How a limit counts: `token_bucket` refills steadily and lets a burst through (generic cell rate algorithm, ITU-T I.371);
 * `sliding_window` never lets more through in any window of its length; `concurrency` counts what is under way.
 */
export type Algorithm = 'token_bucket' | 'sliding_window' | 'concurrency'

/** One limit, in units of its own: requests, tokens, nano-USD. */
export interface Limit {
  readonly algorithm: Algorithm
  /** Units a full bucket holds, a window lets through, or that may be under way at once. */
  readonly quota: number
  /** Milliseconds in which an empty bucket fills, or of the window; 0 for concurrency. */
  readonly windowMs: number
}

/** One limit of a decision: whose count, and which. A decision names every key once, and a key always has one limit. */
export interface CounterRule {
  readonly key: string
  readonly limit: Limit
  /** Units to take. */
  readonly cost: number
  /** It is counted and never refuses. */
  readonly shadow?: boolean
}

/** Where a limit stands after a decision. */
export interface Standing {
  /** Whole units left. */
  readonly remaining: number
  /** Milliseconds until everything is back. */
  readonly resetMs: number
  /** Milliseconds until this limit would allow what it refused; 0 when it allows, infinite when it never can. */
  readonly retryAfterMs: number
  /** Of a bucket: milliseconds that were ever given back of it, as who counts knows; absent for none. */
  readonly givenMs?: number
}

/** When units were taken, in the words of who counted them: handed back with what is corrected of them. */
export interface Taken {
  /** Monotonic milliseconds of this process. */
  readonly at: number
  /** The shared count's own time, in its own unit; null where this process decided. */
  readonly store: number | null
}

/** What several rules come to together. */
export interface Decision {
  readonly allowed: boolean
  /** In the order of the rules. */
  readonly standings: readonly Standing[]
  readonly taken: Taken
}

/** Where a bucket stood when units were taken of it: `resetMs` and `givenMs` of the standing. */
export interface BucketStanding {
  readonly fullInMs: number
  readonly givenMs: number
}

/**
 * Milliseconds of a bucket that can be given back for what was taken `agoMs` ago, when `givenMs` were ever given back. Had less been
 * taken, the bucket might have been full since: then it would hold no more now. It was not for so long as what was missing then, less
 * what was given back meanwhile, had not come back.
 */
export const returnableMs = (then: BucketStanding, agoMs: number, givenMs: number): number =>
  Math.max(0, then.fullInMs - agoMs - Math.max(0, givenMs - then.givenMs))

/** What was taken and turned out otherwise: more was used, or less, or it is no longer under way. */
export interface Correction {
  readonly key: string
  readonly limit: Limit
  /** Units to take on top (positive) or to give back (negative). */
  readonly change: number
  /** When the units were taken, as the decision told. */
  readonly taken: Taken
  /** Of a bucket: where it stood then. Absent where all is to be given back, whatever came back of itself since. */
  readonly bucket?: BucketStanding
}

/** Counts what is used of limits. It always decides: where the shared count is away, locally and bounded. */
export interface Counters {
  /**
   * Takes the cost of every rule, or of none when any that is no shadow refuses; a shadow that would refuse takes nothing.
   * `holder` names the call that takes from a concurrency limit. Never rejects.
   */
  take(rules: readonly CounterRule[], holder?: string): Decision | Promise<Decision>
  /** Corrects what `holder` took; soon, and without an answer. What was refused must not be corrected. */
  correct(corrections: readonly Correction[], holder: string): void
  /** Begins to connect, without waiting for it. */
  start(): void
  close(): Promise<void>
  health(): HealthReport
}

const MINUTE_MS = 60_000
/** Part of a unit by which counts may be off: it takes up the rounding of floats. */
export const UNIT_SLACK = 1e-4
/** Milliseconds by which a bucket may be early: whole microseconds. A part of a unit that takes minutes to come back would be longer. */
export const BUCKET_SLACK_MS = 1e-3
/** Parts in which a window's use is kept: a part counts until it has left the window whole, so 1/60 may go unused. */
export const WINDOW_PARTS = 60
/** When a refused caller of a concurrency limit may ask again: nobody knows when a call under way ends. */
export const CONCURRENCY_RETRY_MS = 1000

/** The bucket of a rate per minute. */
export const bucketOf = (ratePerMinute: number, burst: number): Limit => ({
  algorithm: 'token_bucket',
  quota: burst,
  windowMs: (burst * MINUTE_MS) / ratePerMinute,
})

/**
 * The part of a limit that one of `count` replicas may give away alone: it holds that much less, but always one unit. A
 * bucket refills that much slower; its time to be full is that of the whole bucket when the replicas took alike.
 */
export const shareOf = (limit: Limit, count: number): Limit => {
  if (count <= 1) return limit
  const quota = Math.max(1, limit.quota / count)
  if (limit.algorithm !== 'token_bucket') return { ...limit, quota }
  const intervalMs = (limit.windowMs / limit.quota) * count
  return { ...limit, quota, windowMs: Math.max(intervalMs, limit.windowMs) }
}

const slackOf = ({ algorithm, quota, windowMs }: Limit): number =>
  algorithm === 'token_bucket' ? Math.min(UNIT_SLACK, (BUCKET_SLACK_MS * quota) / windowMs) : UNIT_SLACK

/** Whether `used` units leave room for `cost` more. */
export const hasRoom = (limit: Limit, used: number, cost: number): boolean =>
  used + cost <= limit.quota + slackOf(limit)

/** Whole units that `used` leaves. */
export const remainingOf = (limit: Limit, used: number): number =>
  Math.max(0, Math.floor(limit.quota - used + slackOf(limit)))

/** Describes a bucket of which `used` units are missing, `cost` of which were just refused, or 0. */
export const bucketStanding = (limit: Limit, used: number, refused: number): Standing => {
  const intervalMs = limit.windowMs / limit.quota
  const missing = refused > limit.quota + UNIT_SLACK ? Number.POSITIVE_INFINITY : used + refused - limit.quota
  return {
    remaining: remainingOf(limit, used),
    // Whole microseconds: the rounding of floats must not make a second of a second and nothing.
    resetMs: Math.round(used * intervalMs * 1000) / 1000,
    retryAfterMs: refused > 0 ? Math.max(missing * intervalMs, Number.EPSILON) : 0,
  }
}
