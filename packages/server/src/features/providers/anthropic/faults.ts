import { faultOfErrorObject } from '../openai/faults.ts'
import { ProviderFault } from '../provider.ts'

/** Anthropic tells of money with status 400 or 429, and only its words say so (docs: API errors; SDK: `…SpendLimit…Error`). */
const moneyWords = /credit balance is too low|spend(ing)? limit|specified API usage limits/i

/**
 * What the status alone does not tell of an Anthropic fault: 413 is a body beyond its limit, 404 a model that it does not
 * have, and no money is left where its words say that.
 */
export const refineFault = (fault: unknown): unknown => {
  if (!(fault instanceof ProviderFault)) return fault
  const { options, upstreamStatus } = fault
  if (upstreamStatus === 413)
    return new ProviderFault('request_too_large', { ...options, upstreamStatus, retry: 'never' })
  if (upstreamStatus === 404 && /\bmodel\b/i.test(options.detail ?? ''))
    return new ProviderFault('model_not_found', { ...options, upstreamStatus, retry: 'elsewhere' })
  if (!moneyWords.test(options.detail ?? '')) return fault
  const { detail: _, ...rest } = options
  return new ProviderFault('provider_quota_exhausted', { ...rest, upstreamStatus, retry: 'never' })
}

/** The fault that an `error` event inside a stream means; the answer had begun, so it is not asked for again. */
export const faultOfEvent = (event: unknown, secrets: readonly string[]): ProviderFault => {
  const refined = refineFault(faultOfErrorObject(event, 200, secrets)) as ProviderFault
  return new ProviderFault(refined.code, { ...refined.options, upstreamStatus: 200, retry: 'never' })
}
