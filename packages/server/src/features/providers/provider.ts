import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { MediaTold } from '../../domain/media.ts'
import type { ProviderKind } from '../../domain/provider-kind.ts'
import type { StreamSource } from '../../domain/upstream.ts'
import type { Usage } from '../../domain/usage.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError, type AppErrorOptions } from '../../kernel/errors.ts'

/** One try at a provider. */
export interface ProviderCall {
  /** The model as this provider names it. */
  readonly model: string
  readonly request: InferenceRequest
  /** Sent upstream as `x-request-id`, so that its log can be matched with the ledger. */
  readonly requestId: string
  /** Headers of W3C Trace Context, name and value in turn; empty unless this provider is to know our trace. */
  readonly trace: readonly string[]
  /** Aborts when the caller goes away; an AppError as its reason is what the call then rejects with. */
  readonly signal: CancelSignal
}

/** What one try yielded: a whole answer, or a stream whose first event or bytes have arrived. */
export type ProviderAnswer = (
  | {
      readonly kind: 'json'
      readonly status: number
      readonly body: Buffer
      readonly usage: Usage | null
      /** Of images and audio. */
      readonly media?: MediaTold
      /** Of a body that is no JSON. */
      readonly contentType?: string
      /** It is a message of the Messages protocol, as the request was. */
      readonly isMessage?: boolean
    }
  | { readonly kind: 'binary'; readonly status: number; readonly contentType: string; readonly source: StreamSource }
  | { readonly kind: 'events'; readonly status: number; readonly source: StreamSource }
) & {
  /** What of the request could not be given to the provider. */
  readonly warning?: string
}

/** A model that a provider says it has. */
export interface ListedModel {
  /** As the provider names it. */
  readonly id: string
  /** null when the provider does not say. */
  readonly operations: readonly Operation[] | null
  readonly contextTokens: number | null
  /** Seconds since the epoch; null when the provider does not say. */
  readonly created: number | null
}

/** A place where models can be called. Every implementation passes provider.conformance.ts. */
export interface Provider {
  readonly name: string
  readonly kind: ProviderKind
  /** It is given a request of the Messages protocol as it was written. */
  readonly speaksMessages?: true
  /** @throws ProviderFault, or the reason of the signal. */
  call(call: ProviderCall): Promise<ProviderAnswer>
  /** @throws ProviderFault, or the reason of the signal. */
  listModels(signal: CancelSignal): Promise<readonly ListedModel[]>
  /** Lets go what is idle and can be had again. */
  relieve?(): void
  /** Takes no more calls; resolves when those under way have ended. */
  retire(): Promise<void>
  /** Cuts everything. */
  close(): Promise<void>
}

/**
 * Where a failed try may be repeated: `anywhere`; `elsewhere`, at another target only, because this one would answer the
 * same; `never`, because it is the request that is at fault, or the provider may have done and billed the work.
 */
export type RetryScope = 'anywhere' | 'elsewhere' | 'never'

/** What is known of a failed try beyond its catalogue code. */
export interface ProviderFaultOptions extends AppErrorOptions {
  /** HTTP status of the provider; 0 when none came. */
  readonly upstreamStatus: number
  readonly retry: RetryScope
  /** The wait that the provider asked for, uncapped. */
  readonly upstreamRetryAfterMs?: number | undefined
}

/** A failed try at a provider. */
export class ProviderFault extends AppError {
  readonly upstreamStatus: number
  readonly retry: RetryScope
  readonly upstreamRetryAfterMs: number | undefined

  constructor(code: ErrorCode, { upstreamStatus, retry, upstreamRetryAfterMs, ...options }: ProviderFaultOptions) {
    super(code, options)
    this.upstreamStatus = upstreamStatus
    this.retry = retry
    this.upstreamRetryAfterMs = upstreamRetryAfterMs
  }
}

/** The caller left before anything went to the provider, which therefore is owed nothing. */
export class CallNotSent extends AppError {
  constructor(reason: AppError) {
    super(reason.code, reason.options)
  }
}

/** What a call rejects with when its signal aborts. */
export const abortReason = (signal: CancelSignal): AppError =>
  signal.reason instanceof AppError ? signal.reason : new AppError('client_closed_request')
