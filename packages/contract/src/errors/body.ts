import type { ErrorCode } from './catalogue.ts'
import type { OpenAIErrorType } from './entry.ts'

/** One fault in what was sent: where it stands, what is wrong, what to do. */
export interface ErrorDetail {
  /** JSON pointer, header or query name. */
  readonly location: string
  readonly message: string
  readonly fix?: string
}

/** The one error body: RFC 9457 problem details that also satisfies OpenAI's error object (its extension member `error`). */
export interface ErrorBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly 'violated-policies'?: readonly string[]
  readonly error: {
    readonly message: string
    readonly type: OpenAIErrorType
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
