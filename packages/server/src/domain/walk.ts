import type { Operation } from './inference.ts'

/** One try at a provider, in monotonic milliseconds. */
interface Try {
  readonly target: string
  readonly startedAt: number
  readonly endedAt: number
  /** HTTP status of the provider; 0 when none came. */
  readonly status: number
  /** Catalogue code of the fault; null when the try succeeded. */
  readonly fault: string | null
}

const noTries: readonly Try[] = Object.freeze([])

/**
 * The stamps of one request on its walk, one per stage: when the stage was over, in monotonic milliseconds; 0 for a stage that
 * was not reached. All fields stand from the start, so that a stamp is one write.
 */
export class Walk {
  readonly startedAt: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The other end of the connection, and what it says of a trace; read only where a trace is made. */
  readonly peer: string
  readonly traceparent: string | string[] | undefined
  readonly tracestate: string | string[] | undefined
  identifiedAt = 0
  receivedAt = 0
  readAt = 0
  routedAt = 0
  admittedAt = 0
  answeredAt = 0
  settlingAt = 0
  settledAt = 0
  endedAt = 0
  /** null until a body is read as an inference call. */
  operation: Operation | null = null
  /** The model as the caller named it. */
  model = ''
  stream = false
  tries: readonly Try[] = noTries

  constructor(
    startedAt: number,
    at: number,
    peer = '',
    traceparent?: string | string[],
    tracestate?: string | string[],
  ) {
    this.startedAt = startedAt
    this.at = at
    this.peer = peer
    this.traceparent = traceparent
    this.tracestate = tracestate
  }

  /** Notes a try that is over. */
  tried(one: Try): void {
    if (this.tries === noTries) this.tries = [one]
    else (this.tries as Try[]).push(one)
  }
}
