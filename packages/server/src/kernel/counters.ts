import type { HealthReport } from './feature.ts'

/** A token bucket in the terms of the generic cell rate algorithm: time instead of tokens. */
export interface Bucket {
  /** Most tokens it holds. */
  readonly burst: number
  /** Milliseconds in which one token comes back. */
  readonly intervalMs: number
  /** Milliseconds in which an empty bucket fills. */
  readonly capacityMs: number
}

/** One limit of a decision: whose bucket, and which. A decision names every key once. */
export interface CounterRule {
  readonly key: string
  readonly bucket: Bucket
}

/** Where a bucket stands after a decision. */
export interface Standing {
  /** Whole tokens left. */
  readonly remaining: number
  /** Milliseconds until the bucket is full. */
  readonly resetMs: number
  /** Milliseconds until this bucket would allow what it refused; 0 when it allows. */
  readonly retryAfterMs: number
}

/** What several rules come to together. */
export interface Decision {
  readonly allowed: boolean
  /** In the order of the rules. */
  readonly standings: readonly Standing[]
}

/** Counts what is used of limits. It always decides: where the shared count is away, locally and bounded. */
export interface Counters {
  /** Takes one token of every bucket, or of none when any of them refuses. Never rejects. */
  take(rules: readonly CounterRule[]): Decision | Promise<Decision>
  /** Begins to connect, without waiting for it. */
  start(): void
  close(): Promise<void>
  health(): HealthReport
}

const MINUTE_MS = 60_000
/** Part of a token by which times may be off: it takes up the rounding of floats and of whole microseconds. */
export const TOKEN_SLACK = 1e-4

/** The bucket of a configured limit. */
export const bucketOf = (ratePerMinute: number, burst: number): Bucket => {
  const intervalMs = MINUTE_MS / ratePerMinute
  return { burst, intervalMs, capacityMs: burst * intervalMs }
}

/**
 * The part of a bucket that one of `count` replicas may give away alone: it fills that much slower, and holds that much
 * less, but always one token. Its time to be full is that of the whole bucket when the replicas took alike.
 */
export const shareOf = (bucket: Bucket, count: number): Bucket => {
  if (count <= 1) return bucket
  const intervalMs = bucket.intervalMs * count
  return { burst: Math.max(1, bucket.burst / count), intervalMs, capacityMs: Math.max(intervalMs, bucket.capacityMs) }
}

/** Whether a bucket that needs `fullInMs` to be full has a token (ITU-T I.371, generic cell rate algorithm). */
export const hasToken = ({ intervalMs, capacityMs }: Bucket, fullInMs: number): boolean =>
  fullInMs + intervalMs <= capacityMs + intervalMs * TOKEN_SLACK

/** Describes a bucket that needs `fullInMs` to be full; `refused` when it just had no token to give. */
export const standingOf = ({ intervalMs, capacityMs }: Bucket, fullInMs: number, refused: boolean): Standing => ({
  remaining: Math.max(0, Math.floor((capacityMs - fullInMs) / intervalMs + TOKEN_SLACK)),
  resetMs: fullInMs,
  retryAfterMs: refused ? fullInMs + intervalMs - capacityMs : 0,
})
