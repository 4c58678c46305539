import type { StreamSource } from '../../domain/upstream.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import { createDeadlines } from './deadline.ts'
import { createGlance } from './glance.ts'
import type { RelayInput } from './relay.ports.ts'
import { relayStream } from './stream.ts'

export interface RelayOptions {
  readonly clock: Clock
  /** Longest silence between real events; comments are no events. */
  readonly idleMs: number
  /** Longest whole call. */
  readonly totalMs: number
  readonly faultPoints: FaultPoints
}

export interface Relay {
  /** The provider's stream as the caller is to see it: whole events, one terminal, deadlines kept. */
  stream(input: RelayInput): StreamSource
  /** Streams in flight. */
  open(): number
}

/** Builds the relay. All streams share one timer and one walker over their chunks. */
export const createRelay = ({ clock, idleMs, totalMs, faultPoints }: RelayOptions): Relay => {
  const deadlines = createDeadlines(clock)
  const glance = createGlance()
  return {
    stream: (input) => relayStream({ ...input, clock, deadlines, glance, faultPoints, defaults: { idleMs, totalMs } }),
    open: deadlines.open,
  }
}
