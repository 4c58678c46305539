import type { TraceContext, Walk } from '../../domain/walk.ts'
import type { Feature } from '../../kernel/feature.ts'
import { createContexts } from './contexts.ts'

export interface TelemetryOptions {
  /** Share of the traces that are exported, 0 to 1. */
  readonly sample: number
  /** Whether the other end of a connection is a front gate whose traces go on here. */
  readonly isTrusted: (peer: string) => boolean
}

/** Traces and logs on their way out of the house. */
export interface Telemetry extends Feature {
  /** Where a request stands in a trace; always the same for the same request. */
  readonly contextOf: (walk: Walk) => TraceContext
}

/** Builds what leaves the house for other systems to watch. */
export const createTelemetry = ({ sample, isTrusted }: TelemetryOptions): Telemetry => ({
  name: 'telemetry',
  contextOf: createContexts({ sample, isTrusted, random: Math.random }),
})
