import { eventStreamMessage } from './event-stream.ts'

/** How a protocol words its errors and its sign of life. */
export interface Dialect {
  /** An error body. */
  error(message: string, type: string, code: string | null): string
  /** Type and code of the error that goes with a status. */
  nameOf(status: number): readonly [type: string, code: string]
  /** What keeps a silent stream alive. */
  readonly ping: string
  /** An error in the middle of a stream. */
  readonly errorEvent: string | Buffer
  /** Type of a stream where it is not server-sent events. */
  readonly streamType?: string
}

const openaiNames: Readonly<Record<number, readonly [string, string]>> = {
  400: ['invalid_request_error', 'invalid_request'],
  401: ['invalid_request_error', 'invalid_api_key'],
  403: ['invalid_request_error', 'permission_denied'],
  404: ['invalid_request_error', 'model_not_found'],
  429: ['requests', 'rate_limit_exceeded'],
  529: ['overloaded_error', 'overloaded'],
}

const openaiError = (message: string, type: string, code: string | null): string =>
  JSON.stringify({ error: { message, type, param: null, code } })

/** OpenAI's. */
export const openaiDialect: Dialect = {
  error: openaiError,
  nameOf: (status) => openaiNames[status] ?? ['server_error', 'scripted_status'],
  ping: ': ping\n\n',
  errorEvent: `data: ${openaiError('The server had an error while processing your request.', 'server_error', 'scripted_error')}\n\n`,
}

/** Error types by status (docs: API errors). */
const anthropicNames: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

const anthropicError = (message: string, type: string): string =>
  JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_scripted' })

/** Anthropic's; its errors have no code. */
export const anthropicDialect: Dialect = {
  error: anthropicError,
  nameOf: (status) => [anthropicNames[status] ?? 'api_error', ''],
  ping: 'event: ping\ndata: {"type": "ping"}\n\n',
  errorEvent: `event: error\ndata: ${anthropicError('Overloaded', 'overloaded_error')}\n\n`,
}

const elevenLabsNames: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'invalid_api_key',
  404: 'not_found',
  429: 'too_many_concurrent_requests',
}

const elevenLabsError = (message: string, status: string): string => JSON.stringify({ detail: { status, message } })

/** ElevenLabs' (help.elevenlabs.io, "API Error Code 400 or 401"); it has no events. */
export const elevenLabsDialect: Dialect = {
  error: elevenLabsError,
  nameOf: (status) => [elevenLabsNames[status] ?? 'internal_error', ''],
  ping: '',
  errorEvent: '',
}

/** Statuses of Google's error model by HTTP status (cloud.google.com/apis/design/errors). */
const googleNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const googleError = (message: string, status: string): string => {
  const code = Object.entries(googleNames).find(([, name]) => name === status)?.[0] ?? '500'
  return JSON.stringify({ error: { code: Number(code), message, status } })
}

/** Google's. */
export const googleDialect: Dialect = {
  error: googleError,
  nameOf: (status) => [googleNames[status] ?? 'INTERNAL', ''],
  ping: ': ping\n\n',
  errorEvent: `data: ${googleError('The model is overloaded. Please try again later.', 'UNAVAILABLE')}\n\n`,
}

/** Bedrock's; its errors are named in a header, which nobody needs. */
export const bedrockDialect: Dialect = {
  error: (message) => JSON.stringify({ message }),
  nameOf: () => ['', ''],
  ping: '',
  errorEvent: eventStreamMessage(
    {
      ':exception-type': 'serviceUnavailableException',
      ':content-type': 'application/json',
      ':message-type': 'exception',
    },
    '{"message":"Bedrock is unable to process your request."}',
  ),
  streamType: 'application/vnd.amazon.eventstream',
}
