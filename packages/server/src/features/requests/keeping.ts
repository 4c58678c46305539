import type { Kept } from '../../domain/request-record.ts'

const MINUTE_MS = 60_000
/** Failed and slow requests kept per minute and process: a storm of them must not become one of rows. */
const MOST_TELLING_PER_MINUTE = 6_000
/** Of ordinary ones, this many may come at once where more are allowed per minute. */
const MOST_AT_ONCE = 100

/** Lets through so many per minute, at most `most` at once; asked with monotonic milliseconds. */
export const createBucket = (perMinute: number, most: number) => {
  let level = most
  let filledAt = 0
  return (now: number): boolean => {
    level = Math.min(most, level + ((now - filledAt) * perMinute) / MINUTE_MS)
    filledAt = now
    if (level < 1) return false
    level--
    return true
  }
}

/**
 * Decides which requests are kept: failed and slow ones always, but for a bound that only a storm meets; of the ordinary ones so
 * many per minute, spread over it.
 */
export const createKeeping = (options: { readonly perMinute: number; readonly slowMs: number }) => {
  const ordinary = createBucket(options.perMinute, Math.min(options.perMinute, MOST_AT_ONCE))
  const telling = createBucket(MOST_TELLING_PER_MINUTE, MOST_TELLING_PER_MINUTE)
  /** `now` is monotonic. null: it is counted and forgotten. */
  return (now: number, code: string | null, durationMs: number): Exclude<Kept, 'body'> | null => {
    if (code !== null) return telling(now) ? 'failed' : null
    if (durationMs >= options.slowMs) return telling(now) ? 'slow' : null
    return ordinary(now) ? 'sample' : null
  }
}
