import type { Clock } from './clock.ts'

/**
 * Milliseconds to wait before retry number `retry` (1 is the first): exponential backoff with full jitter, so that
 * callers that failed together do not come back together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 * @param random in [0, 1).
 */
export const backoffMs = (retry: number, random: number, baseMs = 200, capMs = 2_000): number =>
  Math.round(random * Math.min(capMs, baseMs * 2 ** (retry - 1)))

/** Whether retries are still a small part of the traffic. */
export interface RetryBudget {
  /** Notes one request, tried for the first time. */
  request(): void
  /** Takes one retry; false when too many were taken of late. */
  take(): boolean
}

const SLICES = 10

/**
 * A retry budget over the last ten seconds: retries ≤ `ratio` × requests, so that a failing provider is not hit harder
 * than a healthy one ("Addressing Cascading Failures", Google SRE book). `floor` retries are free in every window, so that
 * a lone user is helped too.
 */
export const createRetryBudget = (
  clock: Clock,
  { ratio = 0.1, floor = 3, windowMs = 10_000 }: { ratio?: number; floor?: number; windowMs?: number } = {},
): RetryBudget => {
  const sliceMs = windowMs / SLICES
  const requests = new Array<number>(SLICES).fill(0)
  const retries = new Array<number>(SLICES).fill(0)
  let current = Math.floor(clock.monotonic() / sliceMs)
  let requestSum = 0
  let retrySum = 0
  const turn = (): number => {
    const slice = Math.floor(clock.monotonic() / sliceMs)
    for (let passed = Math.min(SLICES, slice - current); passed > 0; passed--) {
      const index = (slice - passed + 1) % SLICES
      requestSum -= requests[index] as number
      retrySum -= retries[index] as number
      requests[index] = 0
      retries[index] = 0
    }
    current = slice
    return slice % SLICES
  }
  return {
    request() {
      const index = turn()
      requests[index] = (requests[index] as number) + 1
      requestSum++
    },
    take() {
      const index = turn()
      if (retrySum + 1 > Math.max(floor, requestSum * ratio)) return false
      retries[index] = (retries[index] as number) + 1
      retrySum++
      return true
    },
  }
}

/**
 * Reads a Retry-After header (RFC 9110, 10.2.3): seconds or an HTTP date, to milliseconds from `now`. Undefined for
 * garbage, negatives and dates that have passed.
 */
export const parseRetryAfter = (value: string | string[] | undefined, now: number): number | undefined => {
  const text = (Array.isArray(value) ? value[0] : value)?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,15}(\.\d{1,6})?$/.test(text)) return Math.round(Number(text) * 1000)
  // Date.parse reads far more than HTTP dates ("-5" is a year), so the shape is checked first.
  if (!/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const wait = Date.parse(text) - now
  return wait > 0 ? wait : undefined
}
