import type { ErrorDetail } from '@headgate/contract/errors/body.ts'
import { type ErrorCode, errorCatalogue } from '@headgate/contract/errors/catalogue.ts'

/** What may accompany a catalogued error. */
export interface AppErrorOptions {
  /** For the developer, about this case; never a stack, an address or a secret. */
  readonly detail?: string
  readonly details?: readonly ErrorDetail[]
  readonly params?: Readonly<Record<string, string | number>>
  /** The least wait before a retry can help. */
  readonly retryAfterMs?: number
  /** Overrides the catalogue: false where waiting a minute would not help either. */
  readonly shouldRetry?: boolean
  /** Names of the rate-limit policies that refused (member `violated-policies`). */
  readonly violatedPolicies?: readonly string[]
  /** Kept for the log; never sent. */
  readonly cause?: unknown
}

/** A fault from the catalogue: the only kind of error that a caller ever sees. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly options: AppErrorOptions

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.detail ?? errorCatalogue[code].developer, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.options = options
  }

  /** HTTP status of this error by the catalogue. */
  get status(): number {
    return errorCatalogue[this.code].http
  }
}
