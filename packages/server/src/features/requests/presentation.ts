import type { RequestView, TraceView } from '@headgate/contract/requests.ts'
import { formatUsd } from '../../domain/money.ts'
import { spansOf } from '../../domain/spans.ts'
import type { KeptRecord } from './requests.store.ts'

/** A kept request as operators see it. */
export const viewRequest = ({ record, kept }: KeptRecord): RequestView => ({
  object: 'request',
  id: record.id,
  request_id: record.requestId,
  trace_id: record.trace.traceId,
  created_at: new Date(record.at).toISOString(),
  method: record.method,
  route: record.route,
  status: record.status,
  code: record.code,
  project: record.projectId,
  key_id: record.keyId,
  tier: record.tier,
  operation: record.operation,
  asked_model: record.askedModel,
  provider: record.provider,
  model: record.model,
  stream: record.stream,
  outcome: record.outcome,
  estimated: record.estimated,
  input_tokens: record.inputTokens,
  output_tokens: record.outputTokens,
  cost_usd: record.costNano === null ? null : formatUsd(record.costNano),
  duration_ms: record.durationMs,
  first_byte_ms: record.firstByteMs,
  slowest_stage: record.slowest,
  kept,
  stages: record.stages.map(({ name, startMs, durationMs }) => ({ name, start_ms: startMs, duration_ms: durationMs })),
  tries: record.tries.map(({ target, startMs, durationMs, status, fault }) => ({
    target,
    start_ms: startMs,
    duration_ms: durationMs,
    status,
    fault,
  })),
  verdicts: record.verdicts.map(({ of, check, decision, category, score }) => ({
    of,
    check,
    decision,
    category,
    score,
  })),
})

/** The same request as a trace. */
export const viewTrace = ({ record }: KeptRecord): TraceView => ({
  object: 'trace',
  trace_id: record.trace.traceId,
  request: record.id,
  name: `${record.method} ${record.route}`,
  created_at: new Date(record.at).toISOString(),
  duration_ms: record.durationMs,
  slowest_stage: record.slowest,
  code: record.code,
  exported: record.trace.sampled,
  linked_trace_id: record.trace.link?.traceId ?? null,
  spans: spansOf(record).map((span) => ({
    span_id: span.spanId,
    parent_id: span.parentId,
    name: span.name,
    kind: span.kind,
    start_ms: span.startMs,
    duration_ms: span.durationMs,
    fault: span.fault,
    attributes: span.attributes,
    events: span.events.map(({ name, atMs }) => ({ name, at_ms: atMs })),
  })),
})
