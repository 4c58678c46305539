import type { RequestRecord } from '../../domain/request-record.ts'
import { conventionsUrl } from '../../domain/semantic-conventions.ts'
import { type Span, spansOf } from '../../domain/spans.ts'
import { nanoseconds, otlpAttributes, otlpResource, type Service } from './otlp.ts'

/** opentelemetry-proto, trace.proto: SpanKind and StatusCode. */
const kinds = { internal: 1, server: 2, client: 3 } as const
const statusError = 2
/** SpanFlags: bit 0 is the trace flag "sampled", bit 8 says that bit 9, "the parent is remote", is known. */
const SAMPLED = 0x001
const REMOTE_KNOWN = 0x100
const REMOTE = 0x200

const toOtlp = ({ at, trace }: RequestRecord, span: Span) => {
  const isRoot = span.spanId === trace.spanId
  return {
    traceId: trace.traceId,
    spanId: span.spanId,
    ...(span.parentId !== null && { parentSpanId: span.parentId }),
    ...(trace.state !== '' && { traceState: trace.state }),
    flags: SAMPLED | REMOTE_KNOWN | (isRoot && trace.parentId !== null ? REMOTE : 0),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanoseconds(at + span.startMs),
    endTimeUnixNano: nanoseconds(at + span.startMs + span.durationMs),
    attributes: otlpAttributes(span.attributes),
    ...(span.events.length > 0 && {
      events: span.events.map(({ name, atMs }) => ({ name, timeUnixNano: nanoseconds(at + atMs) })),
    }),
    ...(isRoot && trace.link !== null && { links: [{ traceId: trace.link.traceId, spanId: trace.link.spanId }] }),
    ...(span.fault !== null && { status: { code: statusError, message: span.fault } }),
  }
}

/** Requests as an OTLP `ExportTraceServiceRequest`, in JSON. */
export const encodeTraces =
  (service: Service) =>
  (records: readonly RequestRecord[]): string =>
    JSON.stringify({
      resourceSpans: [
        {
          resource: otlpResource(service),
          scopeSpans: [
            {
              scope: { name: service.name, version: service.version },
              spans: records.flatMap((record) => spansOf(record).map((span) => toOtlp(record, span))),
              schemaUrl: conventionsUrl,
            },
          ],
        },
      ],
    })
