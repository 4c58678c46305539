import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { AppError } from '../../kernel/errors.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { StreamSource } from '../../domain/upstream.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { CallerInput, Reply } from '../../kernel/route.ts'

/** Whose events these are: decides how an error is written. Events of `responses` number themselves; all others get an `id`. */
export type StreamProtocol = 'chat' | 'messages' | 'responses'

/** The only caller that may read a stream, look at it, or cancel it. */
export interface StreamHolder {
  readonly projectId: string
  readonly keyId: string
  /** The end user; null when unnamed. */
  readonly user: string | null
}

/** What stands at the head of a kept stream, whoever reads it. */
export interface StreamHead {
  /** Digest of the holder. */
  readonly holder: string
  readonly protocol: StreamProtocol
  /** Of the request that began it, as its caller saw it. */
  readonly requestId: string
}

/** How a stream ended: `code` is what its last event tells, null when it is whole. */
export interface StreamEnding {
  readonly state: 'completed' | 'failed' | 'cancelled'
  readonly code: ErrorCode | null
}

/** Where a stream stands. */
export interface StreamStanding {
  readonly id: string
  readonly state: 'running' | StreamEnding['state']
  /** Number of its last event; 0 when there is none. */
  readonly last: number
  readonly code: ErrorCode | null
}

/** What is to be kept. */
export interface KeptCall {
  readonly id: string
  readonly holder: StreamHolder
  readonly protocol: StreamProtocol
  readonly requestId: string
  /** How long it goes on without a reader; null: to its end. */
  readonly lingerMs: number | null
  /** Makes the call; what it gives hands on whole events. The signal aborts when nobody wants it any more. */
  readonly begin: (signal: CancelSignal) => Promise<StreamSource>
}

/** Writes an error as an event of a protocol; `number` is the event's own. */
export type PresentFault = (protocol: StreamProtocol, fault: AppError, requestId: string, number: number) => string

/** What the buffer may hold, and for how long. */
export interface StreamBounds {
  /** Most bytes of one stream; its oldest events go first. */
  readonly streamBytes: number
  /** Most bytes of all streams of this process. */
  readonly totalBytes: number
  /** How long a stream is kept after its end. */
  readonly keepMs: number
  /** How long a stream goes on without a reader. */
  readonly lingerMs: number
}

/** A page of a stream as another replica keeps it. */
export interface MirrorPage {
  readonly head: StreamHead
  /** Events by their numbers, in order. */
  readonly frames: readonly { readonly number: number; readonly event: Buffer }[]
  /** Number of the last event that is kept, and of the first. */
  readonly last: number
  readonly base: number
  readonly ending: StreamEnding | null
  /** Milliseconds since its owner was last heard of. */
  readonly silentMs: number
}

/** What an owner is told when it has written. */
export interface MirrorAnswer {
  /** Number of the last event that is kept. */
  readonly last: number
  /** Somebody has cancelled it, here or elsewhere. */
  readonly isCancelled: boolean
  /** A reader on another replica follows it. */
  readonly isWatched: boolean
  /** Ended, perhaps by another replica that took its owner for dead. */
  readonly isEnded: boolean
}

/** Where replicas read each other's streams. Its methods reject when it is away, in bounded time. */
export interface StreamMirror {
  /**
   * Appends the frames that are not there yet, and says that the owner lives. What would leave a gap is not taken, unless it begins at
   * `base`, the first event that there still is.
   */
  write(
    id: string,
    part: {
      readonly head: StreamHead
      readonly first: number
      readonly frames: readonly Buffer[]
      readonly base: number
      readonly ending: StreamEnding | null
      readonly keepMs: number
    },
  ): Promise<MirrorAnswer>
  /** Events after a number; null where there is no such stream. `watchMs` tells its owner that somebody follows it. */
  read(id: string, after: number, watchMs: number): Promise<MirrorPage | null>
  /** Ends a stream at event `last` whose owner has been silent for so long, unless somebody was faster; `frame` becomes its last event. */
  bury(
    id: string,
    part: {
      readonly silentMs: number
      readonly last: number
      readonly number: number
      readonly frame: Buffer
      readonly ending: StreamEnding
    },
  ): Promise<void>
  /** Tells the owner to end it. */
  cancel(id: string): Promise<void>
  forget(id: string): Promise<void>
  close(): Promise<void>
}

/** A call whose stream goes on while readers come and go. */
export interface KeptStream {
  readonly id: string
  readonly head: StreamHead
  readonly log: { readonly bytes: number; readonly last: number; readonly ending: StreamEnding | null }
  /** The reader of who asked for it. Rejects with the fault of a call that gave no stream. */
  readonly first: Promise<StreamSource>
  /** Its id is with the caller: from now on it outlives them. */
  announced(): void
  /** The caller has left; `reason` where all calls are ended. */
  left(reason: unknown): void
  /** Another reader, of what comes after an event. */
  attach(after: number): StreamSource
  standing(): StreamStanding
  /** Ends it, unless it has ended. */
  end(state: 'failed' | 'cancelled', fault: AppError): void
  /** Once a second. */
  beat(): void
  /** Resolves when other replicas know of its end, or cannot be told. */
  shared(): Promise<void>
  /** It is kept no longer. */
  forgotten(): void
}

/** What became of one who came back. */
export type ResumeResult = 'here' | 'elsewhere' | 'over' | 'missing'

/** Streams that outlive their readers. */
export interface Streams extends Feature {
  /** Begins a call whose stream is kept; null where there is no room for one more. */
  keep(call: KeptCall): KeptStream | null
  /**
   * The answer to a request for a stream, where it is to be kept; null where it is not asked for, or cannot be.
   * @throws AppError `invalid_parameter`
   */
  answer(
    input: CallerInput,
    protocol: StreamProtocol,
    begin: (signal: CancelSignal) => Promise<StreamSource>,
    /** Its id, where what it tells has one already. */
    id?: string,
  ): Reply | null
  /** Begins a call for this caller that goes on to its end, whoever reads; null where there is no room for one more. */
  keepOn(input: CallerInput, id: string, begin: KeptCall['begin']): KeptStream | null
  /** What comes after an event of a stream: `over` when nothing more will; null where the holder has no such stream. @throws AppError `streams_unavailable` */
  attach(id: string, holder: StreamHolder, after: number): Promise<StreamSource | 'over' | null>
  /** @throws AppError `streams_unavailable` */
  standing(id: string, holder: StreamHolder): Promise<StreamStanding | null>
  /** Ends a stream, wherever it runs; one that has ended stays as it is. @throws AppError `streams_unavailable` */
  cancel(id: string, holder: StreamHolder): Promise<StreamStanding | null>
  /** Ends all that run here. */
  endAll(fault: AppError): void
  /** Streams that are kept here, and their bytes. */
  held(): { readonly streams: number; readonly bytes: number }
}
