import type { StreamSource } from '../../domain/upstream.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import { type Log, silentLog } from '../../kernel/log.ts'
import { createDeadlines } from './deadline.ts'
import { createGlance } from './glance.ts'
import type { RelayInput } from './relay.ports.ts'
import { relayMedia } from './media-stream.ts'
import { relayStream } from './stream.ts'

export interface RelayOptions {
  readonly clock: Clock
  /** Longest silence between real events; comments are no events. */
  readonly idleMs: number
  /** Longest whole call. */
  readonly totalMs: number
  /** Most bytes of speech. */
  readonly maxBytes?: number
  readonly faultPoints: FaultPoints
  /** Told of streams that could not be settled. */
  readonly log?: Log
  /** Takes out of a provider's words the secrets that were sent to it, should it repeat them. */
  readonly redact?: (words: string, provider: string) => string
}

export interface Relay {
  /** The provider's stream as the caller is to see it: whole events, one terminal, deadlines kept. */
  stream(input: RelayInput): StreamSource
  /** Streams in flight. */
  open(): number
}

/** Builds the relay. All streams share one timer and one walker over their chunks. */
export const createRelay = (options: RelayOptions): Relay => {
  const { clock, idleMs, totalMs, faultPoints, redact = (words) => words, log = silentLog } = options
  const deadlines = createDeadlines(clock)
  const glance = createGlance()
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
  const house = { clock, deadlines, glance, faultPoints, redact, log, idleMs, totalMs, maxBytes }
  return {
    stream: (input) =>
      input.request.media === undefined ? relayStream(input, house) : relayMedia(input, input.request.media, house),
    open: deadlines.open,
  }
}
