import type { TraceContext, Walk } from '../../domain/walk.ts'
import { newSpanId, newTraceId, parseTraceparent, parseTracestate } from '../../kernel/trace-context.ts'

export interface ContextOptions {
  /** Share of the traces that are exported, 0 to 1. */
  readonly sample: number
  /** Whether the other end of a connection is a front gate whose traces go on here. */
  readonly isTrusted: (peer: string) => boolean
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * Gives each request its place in a trace, when it is first asked for. Headgate is the edge: a trace begins here, and what a
 * caller says of its own is kept as a link, since whoever may name our trace ids could mix into other traces. Below a
 * trusted front gate its trace goes on, with its decision on sampling.
 */
export const createContexts =
  ({ sample, isTrusted, random }: ContextOptions) =>
  (walk: Walk): TraceContext => {
    if (walk.trace !== null) return walk.trace
    const told = parseTraceparent(walk.traceparent)
    const trusted = told !== null && isTrusted(walk.peer)
    const spanId = newSpanId()
    walk.trace = trusted
      ? {
          traceId: told.traceId,
          spanId,
          parentId: told.spanId,
          sampled: told.sampled,
          state: parseTracestate(walk.tracestate),
          link: null,
        }
      : {
          traceId: newTraceId(),
          spanId,
          parentId: null,
          sampled: random() < sample,
          state: '',
          link: told && { traceId: told.traceId, spanId: told.spanId },
        }
    return walk.trace
  }
