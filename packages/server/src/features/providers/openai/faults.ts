import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { ProviderFault, type RetryScope } from '../provider.ts'

/** What a provider says went wrong, as far as it can be read. */
interface Complaint {
  readonly message: string
  readonly code: string
  readonly type: string
}

const DETAIL_CHARACTERS = 500

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

/** Reads the error member of OpenAI's shape and its common variations (a bare string, `message` or `detail` at the top). */
export const readComplaint = (body: unknown): Complaint => {
  if (typeof body !== 'object' || body === null) return { message: '', code: '', type: '' }
  const { error, message, detail } = body as Record<string, unknown>
  if (typeof error !== 'object' || error === null)
    return { message: text(error) || text(message) || text(detail), code: '', type: '' }
  const inner = error as Record<string, unknown>
  return { message: text(inner['message']), code: text(inner['code']), type: text(inner['type']) }
}

/** Takes keys, addresses, host names and control characters out of a provider's words, and cuts them to 500 characters. */
export const sanitise = (words: string, secrets: readonly string[]): string => {
  let clean = words.slice(0, 4_000)
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, '***')
  return clean
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/\b(bearer|basic)\s+\S+/gi, '$1 ***')
    .replace(/\b(sk|pk|rk|gsk|xai|key|hg_sk|hg_pk|AIza)[-_][A-Za-z0-9_*.-]{6,}/g, '***')
    .replace(/\b[A-Za-z0-9_-]{32,}\b/g, '***')
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[address]')
    .replace(/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, '[address]')
    .replace(/\[?(?:[0-9a-f]{0,4}:){3,}[0-9a-f]{0,4}\]?(:\d+)?/gi, '[address]')
    .replace(
      /\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|app|cloud|local|localhost|internal|lan|svc)\b(:\d+)?/gi,
      '[host]',
    )
    .replace(/\blocalhost(:\d+)?\b/gi, '[host]')
    .trim()
    .slice(0, DETAIL_CHARACTERS)
}

interface Verdict {
  readonly code: ErrorCode
  readonly retry: RetryScope
}

const contextWords =
  /context[ _](length|window|size)|maximum context|too many tokens|prompt is too long|exceeds? the (model'?s )?(maximum|limit).*tokens/i
const contentWords =
  /content[ _](policy|filter|management)|safety system|responsible ?ai|flagged (as|by|for)|moderation_blocked/i
const quotaWords =
  /insufficient[ _](quota|funds|credits?|balance)|exceeded your current quota|billing[ _]hard[ _]limit|billing_not_active/i
const modelWords = /model[ _]not[ _]found|model .{0,200}(does not exist|not found)|no such model/i

/** Which catalogued fault a status and its words amount to; money first, since it must never be retried. */
const judge = (status: number, { message, code, type }: Complaint): Verdict => {
  const words = `${code} ${type} ${message}`
  if (status === 402 || quotaWords.test(words)) return { code: 'provider_quota_exhausted', retry: 'never' }
  switch (status) {
    case 401:
    case 403:
      return contentWords.test(words)
        ? { code: 'upstream_content_refused', retry: 'never' }
        : { code: 'provider_auth_failed', retry: 'elsewhere' }
    case 404:
      return modelWords.test(words)
        ? { code: 'model_not_found', retry: 'elsewhere' }
        : { code: 'upstream_invalid_request', retry: 'elsewhere' }
    case 408:
    case 504:
      return { code: 'upstream_timeout', retry: 'never' }
    case 429:
      return { code: 'upstream_rate_limited', retry: 'anywhere' }
    case 503:
    case 529:
      return { code: 'upstream_overloaded', retry: 'anywhere' }
  }
  if (status >= 500) return { code: 'upstream_error', retry: 'anywhere' }
  if (status >= 400) {
    if (contextWords.test(words)) return { code: 'context_length_exceeded', retry: 'never' }
    if (contentWords.test(words)) return { code: 'upstream_content_refused', retry: 'never' }
    return { code: 'upstream_invalid_request', retry: 'never' }
  }
  // A redirect: the address of the provider is wrong.
  return { code: 'upstream_malformed', retry: 'elsewhere' }
}

/** Codes whose detail is the provider's own words; the rest keep ours, because the caller cannot act on them. */
const spoken = new Set<ErrorCode>([
  'upstream_invalid_request',
  'context_length_exceeded',
  'upstream_content_refused',
  'upstream_error',
  'upstream_overloaded',
  'upstream_rate_limited',
  'model_not_found',
])

/** The fault of an answer with an error status. */
export const faultOfStatus = (
  status: number,
  body: unknown,
  retryAfterMs: number | undefined,
  secrets: readonly string[],
): ProviderFault => {
  const complaint = readComplaint(body)
  const { code, retry } = judge(status, complaint)
  const words = sanitise(complaint.message, secrets)
  return new ProviderFault(code, {
    upstreamStatus: status,
    retry,
    upstreamRetryAfterMs: retryAfterMs,
    ...(words !== '' && spoken.has(code) ? { detail: `The provider says: ${words}` } : {}),
    params: code === 'upstream_timeout' ? { phase: 'provider', provider_status: status } : { provider_status: status },
  })
}

const statusByWord: readonly (readonly [RegExp, number])[] = [
  [/insufficient_quota|billing/i, 402],
  [/rate.?limit|too_many_requests/i, 429],
  [/overloaded|unavailable|capacity/i, 503],
  [/invalid_api_key|authentication|permission/i, 401],
  [/timeout/i, 504],
  [/invalid_request|context_length|content_(policy|filter)|bad_request/i, 400],
]

/** The fault of an error object that came with status 200: as the first event of a stream, or instead of an answer. */
export const faultOfErrorObject = (body: unknown, status: number, secrets: readonly string[]): ProviderFault => {
  const { code, type } = readComplaint(body)
  const numeric = /^[45]\d\d$/.test(code) ? Number(code) : undefined
  const likely = numeric ?? statusByWord.find(([words]) => words.test(`${code} ${type}`))?.[1] ?? 500
  const fault = faultOfStatus(likely, body, undefined, secrets)
  return new ProviderFault(fault.code, { ...fault.options, retry: fault.retry, upstreamStatus: status })
}

const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null) return ''
  const { code, errors } = error as { code?: unknown; errors?: unknown }
  if (typeof code === 'string') return code
  return Array.isArray(errors) ? codeOf(errors[0]) : ''
}

/** The fault of a connection that failed before or instead of an answer: DNS, TCP, TLS, a reset, or a deadline. */
export const faultOfConnection = (error: unknown, status: number): ProviderFault => {
  const code = codeOf(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return timeoutFault('connect', status)
  const isParser = error instanceof Error && error.name === 'HTTPParserError'
  if (isParser || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new ProviderFault('upstream_malformed', { upstreamStatus: status, retry: 'elsewhere', cause: error })
  const isName = code === 'ENOTFOUND' || code === 'EAI_AGAIN'
  const isTls = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|ERR_OSSL/.test(code)
  const reason = isName ? 'dns' : isTls ? 'tls' : code === 'ECONNREFUSED' ? 'refused' : 'connection'
  return new ProviderFault('upstream_unreachable', {
    upstreamStatus: status,
    // A wrong certificate will not get better by asking again.
    retry: isTls ? 'elsewhere' : 'anywhere',
    cause: error,
    params: { reason },
  })
}

/** A deadline that passed. A connection can be tried again; work that was begun may be billed, so it is not. */
export const timeoutFault = (phase: 'connect' | 'first_byte' | 'idle' | 'total', status: number): ProviderFault =>
  new ProviderFault('upstream_timeout', {
    upstreamStatus: status,
    retry: phase === 'connect' ? 'anywhere' : 'never',
    params: { phase },
  })
