import { header } from '@headgate/contract/headers.ts'
import type { Standing } from '../../kernel/counters.ts'
import type { RequestPolicy } from './rate-rules.ts'

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

/** Index of the rule that binds first: the one that makes wait longest, else the one with the least left. */
const tightest = (standings: readonly Standing[]): number => {
  let found = 0
  for (let index = 1; index < standings.length; index++) {
    const one = standings[index] as Standing
    const best = standings[found] as Standing
    const wait = one.retryAfterMs - best.retryAfterMs
    const left = one.remaining - best.remaining
    if (wait > 0 || (wait === 0 && (left < 0 || (left === 0 && one.resetMs > best.resetMs)))) found = index
  }
  return found
}

/**
 * Writes the three families of limit fields from one state: `X-RateLimit-*` and OpenAI's of the tightest rule, and
 * `RateLimit-Policy` with `RateLimit` of all (draft-ietf-httpapi-ratelimit-headers-11). Resets are seconds from now.
 */
export const writeLimitHeaders = (
  headers: Record<string, string>,
  policies: readonly RequestPolicy[],
  standings: readonly Standing[],
): void => {
  const index = tightest(standings)
  const { remaining, resetMs } = standings[index] as Standing
  const { limit } = policies[index] as RequestPolicy
  const left = String(remaining)
  headers[header.rateLimitLimit] = limit
  headers[header.rateLimitRemaining] = left
  headers[header.rateLimitReset] = String(Math.ceil(resetMs / SECOND_MS))
  headers[header.openaiLimitRequests] = limit
  headers[header.openaiRemainingRequests] = left
  headers[header.openaiResetRequests] = formatDuration(resetMs)
  let policy = ''
  let state = ''
  for (let at = 0; at < policies.length; at++) {
    const { policyItem, stateStart, stateEnd } = policies[at] as RequestPolicy
    const standing = standings[at] as Standing
    const separator = at === 0 ? '' : ', '
    policy += separator + policyItem
    state += `${separator}${stateStart}${standing.remaining};t=${Math.ceil(standing.resetMs / SECOND_MS)}${stateEnd}`
  }
  headers[header.rateLimitPolicy] = policy
  headers[header.rateLimit] = state
}
