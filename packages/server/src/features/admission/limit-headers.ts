import { header } from '@headgate/contract/headers.ts'
import type { Standing } from '../../kernel/counters.ts'
import type { ShownLimit } from './rate-rules.ts'

const SECOND_MS = 1000
const MINUTE_S = 60

/** A duration as OpenAI writes it: `120ms`, `1.25s`, `6m0s`; rounded up, so that nobody comes too early. */
export const formatDuration = (milliseconds: number): string => {
  const whole = Math.ceil(milliseconds)
  if (whole < SECOND_MS) return `${whole}ms`
  if (whole < MINUTE_S * SECOND_MS) return `${whole / SECOND_MS}s`
  const seconds = Math.ceil(whole / SECOND_MS)
  const minutes = Math.floor(seconds / MINUTE_S)
  const rest = `${minutes % MINUTE_S}m${seconds % MINUTE_S}s`
  return minutes < MINUTE_S ? rest : `${Math.floor(minutes / MINUTE_S)}h${rest}`
}

/** Whether a standing binds before another: it makes wait longer, else has less left. */
const isTighter = (one: Standing, other: Standing): boolean => {
  const wait = one.retryAfterMs - other.retryAfterMs
  // Both infinite.
  if (!Number.isNaN(wait) && wait !== 0) return wait > 0
  const left = one.remaining - other.remaining
  return left < 0 || (left === 0 && one.resetMs > other.resetMs)
}

/** Index of the limit that binds first among those of which `counts` holds; -1 for none. */
export const tightestOf = (
  limits: readonly ShownLimit[],
  standings: readonly Standing[],
  counts: (limit: ShownLimit) => boolean,
): number => {
  let found = -1
  for (let index = 0; index < limits.length; index++) {
    if (!counts(limits[index] as ShownLimit)) continue
    if (found < 0 || isTighter(standings[index] as Standing, standings[found] as Standing)) found = index
  }
  return found
}

const countsRequests = ({ unit, shadow }: ShownLimit): boolean => unit === 'requests' && !shadow
const countsTokens = ({ unit, shadow }: ShownLimit): boolean => unit.endsWith('tokens') && !shadow
/** The draft knows requests and requests under way; other units have no name there. */
const isStandardUnit = ({ unit, shadow }: ShownLimit): boolean =>
  (unit === 'requests' || unit === 'concurrent') && !shadow

/**
 * Writes the three families of limit fields from one state: `X-RateLimit-*` and OpenAI's of the tightest rule of requests,
 * OpenAI's of the tightest of tokens, and `RateLimit-Policy` with `RateLimit` of all whose unit
 * draft-ietf-httpapi-ratelimit-headers-11 knows. Resets are seconds from now.
 */
export const writeLimitHeaders = (
  headers: Record<string, string>,
  limits: readonly ShownLimit[],
  standings: readonly Standing[],
): void => {
  const requests = tightestOf(limits, standings, countsRequests)
  if (requests >= 0) {
    const { remaining, resetMs } = standings[requests] as Standing
    const { limit } = limits[requests] as ShownLimit
    const left = String(remaining)
    headers[header.rateLimitLimit] = limit
    headers[header.rateLimitRemaining] = left
    headers[header.rateLimitReset] = String(Math.ceil(resetMs / SECOND_MS))
    headers[header.openaiLimitRequests] = limit
    headers[header.openaiRemainingRequests] = left
    headers[header.openaiResetRequests] = formatDuration(resetMs)
  }
  const tokens = tightestOf(limits, standings, countsTokens)
  if (tokens >= 0) {
    const { remaining, resetMs } = standings[tokens] as Standing
    headers[header.openaiLimitTokens] = (limits[tokens] as ShownLimit).limit
    headers[header.openaiRemainingTokens] = String(remaining)
    headers[header.openaiResetTokens] = formatDuration(resetMs)
  }
  let policy = ''
  let state = ''
  for (let at = 0; at < limits.length; at++) {
    const shown = limits[at] as ShownLimit
    if (!isStandardUnit(shown)) continue
    const { policyItem, stateStart, stateEnd } = shown
    const standing = standings[at] as Standing
    const separator = policy === '' ? '' : ', '
    policy += separator + policyItem
    const reset = shown.unit === 'concurrent' ? '' : `;t=${Math.ceil(standing.resetMs / SECOND_MS)}`
    state += `${separator}${stateStart}${standing.remaining}${reset}${stateEnd}`
  }
  headers[header.rateLimitPolicy] = policy
  headers[header.rateLimit] = state
}
