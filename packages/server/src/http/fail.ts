import { type ErrorBody, messagesErrorTypes, type MessagesErrorType } from '@headgate/contract/errors/body.ts'
import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { header } from '@headgate/contract/headers.ts'
import { DatabaseUnavailable } from '../kernel/db-errors.ts'
import { AppError } from '../kernel/errors.ts'
import { SealErased } from '../kernel/seal-cipher.ts'
import type { ErrorWords } from '../kernel/route.ts'

/** SDKs ignore, or sleep through, longer waits; a minute is the most that is ever asked for. */
const MOST_RETRY_AFTER_MS = 60_000
const LEAST_RETRY_AFTER_MS = 1_000
/** Herds spread when each waits a little longer than told, never shorter. */
const JITTER = 0.2

/** An error as it goes on the wire. */
export interface Presented {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: ErrorBody
}

const messagesType = (status: number): MessagesErrorType =>
  (messagesErrorTypes as Readonly<Record<number, MessagesErrorType>>)[status] ??
  (status < 500 ? 'invalid_request_error' : 'api_error')

/** The same body where Anthropic's clients find what they look for. */
const inMessagesWords = (body: ErrorBody): ErrorBody => ({
  ...body,
  type: 'error',
  request_id: body.error.request_id,
  error: { ...body.error, type: messagesType(body.status) },
})

/** Anything thrown becomes an error of the catalogue; what is not one already is our own defect. */
export const asAppError = (thrown: unknown): AppError => {
  if (thrown instanceof AppError) return thrown
  if (thrown instanceof SealErased) return new AppError('content_erased', { cause: thrown })
  return new AppError(thrown instanceof DatabaseUnavailable ? 'database_unavailable' : 'internal_error', {
    cause: thrown,
  })
}

const retryHeaders = (error: AppError): { headers: Record<string, string>; waitMs: number | null } => {
  if (errorCatalogue[error.code].retryable === 'no') return { headers: { [header.shouldRetry]: 'false' }, waitMs: null }
  const { retryAfterMs, shouldRetry } = error.options
  const mustSay = error.status === 429 || error.status === 503
  const final: Record<string, string> = shouldRetry === false ? { [header.shouldRetry]: 'false' } : {}
  if (retryAfterMs === undefined && !mustSay) return { headers: final, waitMs: null }
  const least = Math.max(LEAST_RETRY_AFTER_MS, retryAfterMs ?? LEAST_RETRY_AFTER_MS)
  const waitMs = Math.min(MOST_RETRY_AFTER_MS, Math.round(least * (1 + Math.random() * JITTER)))
  const headers: Record<string, string> = {
    [header.retryAfter]: String(Math.ceil(waitMs / 1000)),
    [header.retryAfterMs]: String(waitMs),
    ...final,
  }
  if (least > MOST_RETRY_AFTER_MS) headers[header.shouldRetry] = 'false'
  return { headers, waitMs }
}

/**
 * Turns errors into answers: the only place that chooses a status. `address` tells where callers reach this server,
 * without a trailing slash.
 */
export const createFail = (address: () => string) => {
  const present = (error: AppError, requestId: string, words: ErrorWords = 'openai'): Presented => {
    const entry = errorCatalogue[error.code]
    const { details = [], params = {}, shouldRetry, violatedPolicies } = error.options
    const retryable = entry.retryable !== 'no' && shouldRetry !== false
    const { headers, waitMs } = retryHeaders(error)
    const page = `${address()}/docs/errors/${error.code.replaceAll('_', '-')}`
    const body: ErrorBody = {
      type: page,
      title: entry.title,
      status: entry.http,
      detail: error.message,
      instance: `/requests/${requestId}`,
      ...(violatedPolicies && { 'violated-policies': violatedPolicies }),
      error: {
        message: error.message,
        type: entry.type,
        code: error.code,
        param: details[0]?.location ?? null,
        id: entry.id,
        doc_url: page,
        request_id: requestId,
        retryable,
        retry_after_ms: waitMs,
        details,
        params,
      },
    }
    return { status: entry.http, headers, body: words === 'messages' ? inMessagesWords(body) : body }
  }
  /** The same error inside a stream whose status line has left: an event that makes the SDKs throw. */
  const presentEvent = (error: AppError, requestId: string, words: ErrorWords = 'openai'): string => {
    const { error: inner } = present(error, requestId, words).body
    if (words === 'responses') {
      const { code, message, param } = inner
      return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param, error: inner })}\n\n`
    }
    if (words === 'openai') return `data: ${JSON.stringify({ error: inner })}\n\n`
    return `event: error\ndata: ${JSON.stringify({ type: 'error', error: inner, request_id: requestId })}\n\n`
  }
  return { present, presentEvent }
}

export type Fail = ReturnType<typeof createFail>
