import { faultOfStatus } from '../openai/faults.ts'
import { ProviderFault } from '../provider.ts'
import { isObject, listOf, membersOf, textOf } from '../translation/parts.ts'

const detailsOf = (body: unknown): readonly Readonly<Record<string, unknown>>[] =>
  listOf(membersOf(membersOf(body)['error'])['details']).filter(isObject)

/** `"34.07s"`, as protocol buffers write a duration in JSON. */
const waitOf = (body: unknown): number | undefined => {
  const delay = detailsOf(body).map((detail) => /^(\d+(?:\.\d+)?)s$/.exec(textOf(detail['retryDelay']))?.[1])
  const seconds = delay.find((found) => found !== undefined)
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000)
}

/**
 * What a status of Google's means (ai.google.dev/gemini-api/docs/troubleshooting, error model google.rpc.Status): 429 is a rate for as long as a
 * delay stands beside it, though its words speak of a quota; a key that is not valid comes with 400.
 */
export const geminiFault: typeof faultOfStatus = (status, body, retryAfterMs, secrets) => {
  const first = Array.isArray(body) ? body[0] : body
  const wait = retryAfterMs ?? waitOf(first)
  const fault = faultOfStatus(status, first, wait, secrets)
  const { options } = fault
  const isKey = detailsOf(first).some(({ reason }) => reason === 'API_KEY_INVALID')
  if (status === 400 && isKey) {
    const { detail: _, ...rest } = options
    return new ProviderFault('provider_auth_failed', { ...rest, upstreamStatus: status, retry: 'elsewhere' })
  }
  if (status === 429 && wait !== undefined)
    return new ProviderFault('upstream_rate_limited', {
      ...options,
      upstreamStatus: status,
      retry: 'anywhere',
      upstreamRetryAfterMs: wait,
    })
  if (status === 404 && /\bmodel/i.test(options.detail ?? ''))
    return new ProviderFault('model_not_found', { ...options, upstreamStatus: status, retry: 'elsewhere' })
  return fault
}

/** A prompt that was blocked before anything was generated (`promptFeedback`). */
export const refusedPrompt = (reason: string): ProviderFault =>
  new ProviderFault('upstream_content_refused', {
    upstreamStatus: 200,
    retry: 'never',
    detail: `The provider says: the prompt was blocked (${reason.replace(/[^A-Z_]/g, '').slice(0, 40)}).`,
  })
