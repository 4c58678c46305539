import { Type } from 'typebox'
import { type ErrorCode, errorCatalogue } from './catalogue.ts'
import type { OpenAIErrorType } from './entry.ts'

/** One fault in what was sent: where it stands, what is wrong, what to do. */
export interface ErrorDetail {
  /** JSON pointer, header or query name. */
  readonly location: string
  readonly message: string
  readonly fix?: string
}

/**
 * Kinds of errors in Anthropic's words, by HTTP status (docs.anthropic.com/en/api/errors); what is not here is an
 * `api_error`, or below 500 an `invalid_request_error`.
 */
export const messagesErrorTypes = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
} as const satisfies Readonly<Record<number, string>>

/** A kind of error in Anthropic's words. */
export type MessagesErrorType =
  | (typeof messagesErrorTypes)[keyof typeof messagesErrorTypes]
  | 'api_error'
  | 'invalid_request_error'

/** The one error body: RFC 9457 problem details that also satisfies OpenAI's error object (its extension member `error`). */
export interface ErrorBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  /** Where Anthropic’s clients look for it. */
  readonly request_id?: string
  readonly 'violated-policies'?: readonly string[]
  readonly error: {
    readonly message: string
    readonly type: OpenAIErrorType | MessagesErrorType
    readonly code: ErrorCode
    readonly param: string | null
    readonly id: string
    readonly doc_url: string
    readonly request_id: string
    readonly retryable: boolean
    readonly retry_after_ms: number | null
    readonly details: readonly ErrorDetail[]
    /** Values for a client that builds its own text, for translation. */
    readonly params: Readonly<Record<string, string | number>>
  }
}

const entries = Object.values(errorCatalogue)

/** The member `error` of an error body, which OpenAI’s clients read; in a stream it stands alone. */
export const InnerErrorSchema = Type.Object(
  {
    message: Type.String(),
    type: Type.Enum(
      [...new Set([...entries.map(({ type }) => type), ...Object.values(messagesErrorTypes), 'api_error' as const])],
      { description: 'In OpenAI’s words; on the Messages routes in Anthropic’s.' },
    ),
    code: Type.Enum(Object.keys(errorCatalogue), { description: 'Decide by this: a code never changes its meaning.' }),
    param: Type.Union([Type.String(), Type.Null()], { description: 'Where the first fault stands.' }),
    id: Type.String({ pattern: '^HG-[0-9]{4}$' }),
    doc_url: Type.String({ description: 'The page of this error.' }),
    request_id: Type.String(),
    retryable: Type.Boolean(),
    retry_after_ms: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    details: Type.Array(
      Type.Object({
        location: Type.String({ description: 'JSON path, header or query name.' }),
        message: Type.String(),
        fix: Type.Optional(Type.String()),
      }),
    ),
    params: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), {
      description: 'Values for a client that builds its own text.',
    }),
  },
  { title: 'InnerError' },
)

/** Schema of every error answer. */
export const ErrorSchema = Type.Object(
  {
    type: Type.String({ description: 'Address of the page of this error; `error` on the Messages routes.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong in this case, for the developer.' }),
    instance: Type.String(),
    request_id: Type.Optional(Type.String({ description: 'On the Messages routes.' })),
    'violated-policies': Type.Optional(
      Type.Array(Type.String(), { description: 'Of `rate_limit_exceeded`: names in `RateLimit-Policy`.' }),
    ),
    error: InnerErrorSchema,
  },
  {
    title: 'Error',
    description: 'RFC 9457 problem details and OpenAI’s error object in one body.',
  },
)
