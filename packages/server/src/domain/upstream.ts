import type { Recording } from './cached-answer.ts'
import type { Attempt } from './hold.ts'
import type { Target } from './model.ts'
import type { MediaTold } from './media.ts'
import type { Usage } from './usage.ts'

/** A complete JSON answer of a provider, its bytes unchanged. */
export interface JsonAnswer {
  readonly kind: 'json'
  readonly target: Target
  readonly attempts: readonly Attempt[]
  readonly status: number
  readonly body: Buffer
  /** null when the provider did not say. */
  readonly usage: Usage | null
  /** What it says of images or audio. */
  readonly media?: MediaTold | undefined
  /** Of a body that is no JSON, such as subtitles. */
  readonly contentType?: string | undefined
  /** The body is a message of the Messages protocol, as the request was. */
  readonly isMessage?: boolean | undefined
  /** It was given before: no provider was called for it. */
  readonly isRecalled?: boolean | undefined
  /** What of the request could not be given to the provider. */
  readonly warning?: string | undefined
}

/** Receives a stream. After `end` or `fail` nothing follows. */
export interface StreamListener {
  data(chunk: Buffer): void
  end(): void
  /** The stream broke; the reason is an AppError of the catalogue. */
  fail(fault: Error): void
}

/** A stream in flight, with back-pressure: nothing flows before `start`, and nothing while paused. */
export interface StreamSource {
  /** Attaches the one listener; bytes that already came are delivered first. */
  start(listener: StreamListener): void
  pause(): void
  resume(): void
  /** Ends the stream towards its producer at once. The listener hears nothing more. */
  abort(): void
  /**
   * Ends the stream for a reason of the house's own: it is settled with what was made so far, then the listener is told the fault.
   * @returns false where it was over already, and nothing is told
   */
  refuse?(fault: Error): boolean
  /** The event that tells a fault, where the stream knows more of it than the fault says. */
  tell?(fault: Error): string
}

/** A stream of bytes that says what they are. */
export interface BinarySource extends StreamSource {
  readonly contentType: string
}

/** A server-sent event stream of a provider whose first bytes have arrived. */
export interface EventAnswer {
  readonly kind: 'events'
  readonly target: Target
  readonly attempts: readonly Attempt[]
  readonly source: StreamSource
  /** Gives the place at the provider back; called once the stream is over. Later calls are ignored. */
  readonly release: () => void
  /** What of the request could not be given to the provider. */
  readonly warning?: string | undefined
  /** It was given before: no provider was called for it. */
  readonly isRecalled?: boolean | undefined
  /** It is written down as it flows. */
  readonly recording?: Recording | undefined
}

/** Bytes of a provider whose first ones have arrived: speech, as it is spoken. */
export interface BinaryAnswer extends Omit<EventAnswer, 'kind'> {
  readonly kind: 'binary'
  readonly contentType: string
}

/** What flows as it comes. */
export type FlowingAnswer = EventAnswer | BinaryAnswer

export type UpstreamAnswer = JsonAnswer | FlowingAnswer
