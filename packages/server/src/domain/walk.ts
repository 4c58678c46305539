import type { Caller } from './caller.ts'
import type { Intent, Settlement } from './hold.ts'
import type { Operation } from './inference.ts'

/** One try at a provider, in monotonic milliseconds. */
export interface Try {
  readonly target: string
  readonly startedAt: number
  readonly endedAt: number
  /** HTTP status of the provider; 0 when none came. */
  readonly status: number
  /** Catalogue code of the fault; null when the try succeeded. */
  readonly fault: string | null
}

/** How a request was answered. */
export interface Ending {
  readonly id: string
  readonly requestId: string
  readonly method: string
  /** The declared path. */
  readonly route: string
  readonly status: number
  /** Catalogue code; null when all went well. */
  readonly code: string | null
  readonly caller: Caller | null
}

/** Where a call stands in a distributed trace (W3C Trace Context). Ids are lower-case hex. */
export interface TraceContext {
  readonly traceId: string
  /** Span of the whole request; spans below it share all but its last four digits. */
  readonly spanId: string
  /** Span of a trusted front gate under which this one stands; null where the trace begins here. */
  readonly parentId: string | null
  readonly sampled: boolean
  /** Of a trusted front gate, passed on as it came; '' when there is none. */
  readonly state: string
  /** The trace that a caller told of who is not trusted with ours. */
  readonly link: { readonly traceId: string; readonly spanId: string } | null
}

/** What a safety check said of a call: never what it read. */
export interface RecordedVerdict {
  readonly of: 'prompt' | 'answer'
  readonly check: 'block_list' | 'redaction' | 'injection' | 'moderation' | 'pictures'
  readonly decision: 'passed' | 'redacted' | 'reported' | 'refused' | 'not_judged'
  /** What was found, in the words of the check; null where nothing was. */
  readonly category: string | null
  /** How sure it was, from 0 to 1; null where the check knows no degrees. */
  readonly score: number | null
}

const noTries: readonly Try[] = Object.freeze([])
const noVerdicts: readonly RecordedVerdict[] = Object.freeze([])
/** A long stream is judged again and again: what it says no later than this is kept. */
const MOST_VERDICTS = 20

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
  /** The end of the wait for a place at a provider; 0 for a call that did not wait before its first try. */
  queuedAt = 0
  answeredAt = 0
  settlingAt = 0
  settledAt = 0
  endedAt = 0
  /** null until a body is read as an inference call. */
  operation: Operation | null = null
  /** The model as the caller named it. */
  model = ''
  stream = false
  /** Its bodies are logged. */
  isBodyLogged = false
  tries: readonly Try[] = noTries
  verdicts: readonly RecordedVerdict[] = noVerdicts
  /** All waits for places at providers, in milliseconds. */
  queuedMs = 0
  /** From the moment the call is admitted, and once it is settled. */
  intent: Intent | null = null
  settlement: Settlement | null = null
  /** How it was answered, where that came before the settlement. */
  ending: Ending | null = null
  /** Made when it is first asked for. */
  trace: TraceContext | null = null

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

  /** Notes what a safety check said; that another part of a stream passed too is no news. */
  judged(one: RecordedVerdict): void {
    const { verdicts } = this
    if (verdicts === noVerdicts) this.verdicts = [one]
    else if (
      verdicts.length < MOST_VERDICTS &&
      !(one.decision === 'passed' && verdicts.some((known) => known.check === one.check && known.of === one.of))
    )
      (verdicts as RecordedVerdict[]).push(one)
  }

  /** Notes a try that is over. */
  tried(one: Try): void {
    if (this.tries === noTries) this.tries = [one]
    else (this.tries as Try[]).push(one)
  }
}
