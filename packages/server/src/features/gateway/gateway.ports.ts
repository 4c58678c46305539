import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { CacheWish } from '../../domain/cached-answer.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { Attempt, Hold, Intent, Settlement } from '../../domain/hold.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { MediaTold } from '../../domain/media.ts'
import type { Target } from '../../domain/model.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'
import type { ExplainedChoice } from '../../domain/route.ts'
import type { FlowingAnswer, StreamSource, UpstreamAnswer } from '../../domain/upstream.ts'
import type { Outcome, Usage } from '../../domain/usage.ts'
import type { Walk } from '../../domain/walk.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'

/** An admitted call: its hold, and the request as it may go to a provider (with an output cap where money is bounded). */
export interface Admitted {
  readonly hold: Hold
  readonly request: InferenceRequest
}

/** How a relayed stream ended. */
export interface StreamEnd {
  readonly outcome: Outcome
  readonly usage: Usage | null
  readonly outputParts: number
  /** The text that was forwarded. */
  readonly text: () => string
  /** What the provider said of images or audio. */
  readonly media?: MediaTold
  readonly fault: ErrorCode | null
  readonly firstByteMs: number | null
}

/** What is known of the money when the terminal of a stream leaves. */
export interface StreamReceipt {
  readonly costUsd: string | null
  readonly estimated: boolean
}

/** What the relay needs to pass a stream on. */
export interface RelayInput {
  readonly answer: FlowingAnswer
  readonly request: InferenceRequest
  readonly requestId: string
  /** Monotonic milliseconds. */
  readonly startedAt: number
  readonly mark: (outputTokens: number) => void
  readonly settle: (end: StreamEnd) => StreamReceipt | Promise<StreamReceipt>
}

/** The stages of a call, in the order of the walk. */
export interface FlowPorts {
  readonly route: (exchange: Exchange, request: InferenceRequest) => ExplainedChoice | Promise<ExplainedChoice>
  /** Judges what is asked for, before it is admitted, and gives it as it may go on; nothing where it need not be. @throws AppError */
  readonly judge: (
    exchange: Exchange,
    request: InferenceRequest,
    targets: readonly Target[],
    signal: CancelSignal,
  ) => Promise<InferenceRequest> | undefined
  readonly admit: (
    exchange: Exchange,
    request: InferenceRequest,
    targets: readonly Target[],
  ) => Promise<Admitted> | Admitted
  readonly call: (
    targets: readonly Target[],
    request: InferenceRequest,
    exchange: Exchange,
    signal: CancelSignal,
  ) => Promise<UpstreamAnswer>
  /** The same for a call that may be answered by an answer given before. */
  readonly recall: (
    targets: readonly Target[],
    request: InferenceRequest,
    exchange: Exchange,
    wish: CacheWish,
    signal: CancelSignal,
  ) => Promise<UpstreamAnswer>
  readonly relay: (input: RelayInput) => StreamSource
}

/** Takes the answer of one call; null where it had none. */
export type TakeAnswer = (answer: Buffer | string | null) => void

/** What settling needs of metering. */
export interface AccountPorts {
  readonly priceOf: (target: string, at: number, operation: Operation) => Price | null
  /** Whether a call at this price is paid by its tokens. */
  readonly needsTokens: (price: Price, operation: Operation) => boolean
  readonly costOf: (price: Price, usage: Usage) => NanoUsd
  readonly countText: (text: string) => Promise<number>
  readonly estimateInput: (request: InferenceRequest) => Promise<number>
  readonly monotonic: () => number
  /** Told of every settled call, for the log and the counters. */
  readonly onSettled: (intent: Intent, settlement: Settlement, walk: Walk) => void
  /** Takes the answer of a call whose bodies are logged; null where none are. */
  readonly bodyLog: ((exchange: Exchange, request: InferenceRequest) => TakeAnswer | null) | null
  /** Tries that a failed call made; empty when the fault is not a provider's. */
  readonly attemptsOf: (fault: unknown) => readonly Attempt[]
}
