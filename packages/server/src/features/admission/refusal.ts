import type { Decision } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import type { RateRules } from './rate-rules.ts'

/** The error of a refused decision: the longest wait, and the names of the limits that refused. */
export const refusalOf = ({ standings }: Pick<Decision, 'standings'>, { policies }: RateRules): AppError => {
  let retryAfterMs = 0
  const refusing = policies.filter((policy, index) => {
    const wait = standings[index]?.retryAfterMs ?? 0
    if (wait <= 0 || policy.shadow) return false
    retryAfterMs = Math.max(retryAfterMs, wait)
    return true
  })
  const violatedPolicies = refusing.map(({ name }) => name)
  if (retryAfterMs === Number.POSITIVE_INFINITY) {
    const tooSmall = refusing.map(({ name, limit, unit }) => `${name} (${limit} ${unit})`).join(', ')
    return new AppError('request_exceeds_limit', {
      detail: `This request alone needs more than a limit ever allows: ${tooSmall}.`,
      violatedPolicies,
    })
  }
  return new AppError('rate_limit_exceeded', { retryAfterMs: Math.ceil(retryAfterMs), violatedPolicies })
}
