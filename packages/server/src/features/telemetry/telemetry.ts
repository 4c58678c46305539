import type { RequestRecord } from '../../domain/request-record.ts'
import { spanIdOfTry } from '../../domain/spans.ts'
import type { TraceContext, Walk } from '../../domain/walk.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { Deliver } from '../../kernel/outbound.ts'
import { formatTraceparent } from '../../kernel/trace-context.ts'
import { createContexts } from './contexts.ts'
import { createExporter, type Sink } from './exporter.ts'
import type { Service } from './otlp.ts'
import { encodeLogs } from './otlp-logs.ts'
import { encodeTraces } from './otlp-traces.ts'
import { encodeZipkin } from './zipkin.ts'

/** Kinds of telemetry, as they are named in the configuration and the counters. */
export type Signal = 'traces' | 'zipkin' | 'logs'

/** What a reload changes. */
export interface TraceSettings {
  /** Share of the traces that are exported, 0 to 1. */
  readonly sample: number
  /** Whether the other end of a connection is a front gate whose traces go on here. */
  readonly isTrusted: (peer: string) => boolean
  /** Providers that are told our trace. */
  readonly propagateTo: readonly string[]
}

export interface TelemetryOptions {
  readonly settings: TraceSettings
  readonly sinks: Readonly<Partial<Record<Signal, Sink>>>
  readonly service: Service
  readonly deliver: Deliver
  readonly clock: Clock
  readonly log: Log
  readonly onSent: (signal: Signal, count: number) => void
  readonly onDropped: (signal: Signal, count: number) => void
}

/** Traces and logs on their way out of the house. */
export interface Telemetry extends Feature {
  /** Where a request stands in a trace; always the same for the same request. */
  readonly contextOf: (walk: Walk) => TraceContext
  readonly reconfigure: (settings: TraceSettings) => void
  /** Whether traces have anywhere to go. */
  readonly exportsTraces: boolean
  /** Exports a request whose trace is sampled. */
  readonly exportTrace: (record: RequestRecord) => void
  /** Exports a line of the log; null where lines have nowhere to go. */
  readonly exportLine: ((line: string) => void) | null
  /** Headers that tell a provider of our trace, name and value in turn. */
  readonly traceHeaders: (walk: Walk, provider: string, index: number) => readonly string[]
}

/** A trace of ten spans takes a tenth of a millisecond to encode, a line a hundredth. */
const TRACES_AT_ONCE = 64
const LINES_AT_ONCE = 512

const nothing: readonly string[] = Object.freeze([])

/** Builds what leaves the house for other systems to watch. */
export const createTelemetry = (options: TelemetryOptions): Telemetry => {
  const { sinks, service, onSent, onDropped } = options
  const read = ({ sample, isTrusted, propagateTo }: TraceSettings) => ({
    contextOf: createContexts({ sample, isTrusted, random: Math.random }),
    told: new Set(propagateTo),
  })
  let traced = read(options.settings)

  const exporter = <Item>(signal: Signal, batch: number, encode: (items: readonly Item[]) => string) => {
    const sink = sinks[signal]
    if (sink === undefined) return null
    return createExporter<Item>({
      ...options,
      signal,
      sink,
      batch,
      encode,
      onSent: (count) => onSent(signal, count),
      onDropped: (count) => onDropped(signal, count),
    })
  }
  const traces = exporter('traces', TRACES_AT_ONCE, encodeTraces(service))
  const zipkin = exporter('zipkin', TRACES_AT_ONCE, encodeZipkin(service))
  const logs = exporter('logs', LINES_AT_ONCE, encodeLogs(service))

  return {
    name: 'telemetry',
    contextOf: (walk) => traced.contextOf(walk),
    reconfigure: (settings) => {
      traced = read(settings)
    },
    exportsTraces: traces !== null || zipkin !== null,
    exportTrace: (record) => {
      if (!record.trace.sampled) return
      traces?.push(record)
      zipkin?.push(record)
    },
    exportLine: logs && ((line) => logs.push(line)),
    traceHeaders: (walk, provider, index) => {
      if (!traced.told.has(provider)) return nothing
      const { traceId, spanId, sampled, state } = traced.contextOf(walk)
      const parent = formatTraceparent({ traceId, spanId: spanIdOfTry(spanId, index), sampled })
      return state === '' ? ['traceparent', parent] : ['traceparent', parent, 'tracestate', state]
    },
    stop: async () => {
      await Promise.all([traces?.stop(), zipkin?.stop(), logs?.stop()])
    },
  }
}
