import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { MediaTold } from '../../domain/media.ts'
import type { FlowingAnswer } from '../../domain/upstream.ts'
import type { Outcome, Usage } from '../../domain/usage.ts'

/** How a stream ended and what flowed. */
export interface StreamEnd {
  readonly outcome: Outcome
  /** What the provider said last; null when it never did. */
  readonly usage: Usage | null
  /** Events with content, reasoning or tool arguments that were handed on. */
  readonly outputParts: number
  /** The text handed on, to be counted where the provider did not say. */
  text(): string
  /** What the provider said of images or audio. */
  readonly media?: MediaTold
  /** Code of what the caller is told; null after a whole answer. */
  readonly fault: ErrorCode | null
  /** Milliseconds from `startedAt` to the first byte for the caller; null when there was none. */
  readonly firstByteMs: number | null
}

/** What the settlement came to, for the usage chunk. */
export interface StreamReceipt {
  /** Decimal USD; null without a price. */
  readonly costUsd: string | null
  readonly estimated: boolean
}

/** One stream to relay: of a conversation as events, of media as events or bytes. */
export interface RelayInput {
  readonly answer: FlowingAnswer
  readonly request: InferenceRequest
  /** As the caller sees it. */
  readonly requestId: string
  /** Monotonic milliseconds at which the call began: the total deadline counts from here. */
  readonly startedAt: number
  /** Deadlines of this provider where they differ. */
  readonly idleMs?: number
  readonly totalMs?: number
  /** Told how many output tokens the parts so far are at least, before the bytes of the newest are handed on. */
  mark(outputTokens: number): void
  /**
   * Told exactly once how the stream ended. The terminal follows when this has returned, or when what it returned has
   * resolved; a fault in here ends the stream with `internal_error`, never with `[DONE]`.
   */
  settle(end: StreamEnd): StreamReceipt | Promise<StreamReceipt>
}
