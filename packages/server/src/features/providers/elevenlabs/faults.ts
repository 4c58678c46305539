import { faultOfStatus } from '../openai/faults.ts'
import { ProviderFault } from '../provider.ts'
import { isObject, membersOf, textOf } from '../translation/parts.ts'

/** The word and the sentence of `{"detail": {"status": …, "message": …}}`; of a list of faults in the request, its first sentence. */
const complaintOf = (body: unknown): { status: string; message: string } => {
  const { detail } = membersOf(body)
  if (Array.isArray(detail)) return { status: '', message: textOf(membersOf(detail.find(isObject))['msg']) }
  const { status, message } = membersOf(detail)
  return { status: textOf(status), message: textOf(message) || textOf(detail) }
}

/**
 * What a status of ElevenLabs means (help.elevenlabs.io, "API Error Code 400 or 401"): 401 is also a quota that is used up, and
 * 400 a voice that is not known.
 */
export const elevenLabsFault: typeof faultOfStatus = (status, body, retryAfterMs, secrets) => {
  const said = complaintOf(body)
  const code = said.status === 'quota_exceeded' ? 'insufficient_quota' : said.status
  const fault = faultOfStatus(status, { error: { code, message: said.message } }, retryAfterMs, secrets)
  if (said.status !== 'voice_not_found') return fault
  return new ProviderFault('upstream_invalid_request', { ...fault.options, upstreamStatus: status, retry: 'never' })
}
