import type { Decision } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import type { RateRules } from './rate-rules.ts'

/** The error of a refused decision: the longest wait, and the names of the limits that refused. */
export const refusalOf = ({ standings }: Decision, { policies }: RateRules): AppError => {
  let retryAfterMs = 0
  const violatedPolicies: string[] = []
  standings.forEach((standing, index) => {
    if (standing.retryAfterMs <= 0) return
    retryAfterMs = Math.max(retryAfterMs, standing.retryAfterMs)
    violatedPolicies.push(policies[index]?.name ?? '')
  })
  return new AppError('rate_limit_exceeded', { retryAfterMs: Math.ceil(retryAfterMs), violatedPolicies })
}
