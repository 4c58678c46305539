import type { RequestRecord } from '../../domain/request-record.ts'
import { spansOf } from '../../domain/spans.ts'
import type { Service } from './otlp.ts'

const kinds = { server: 'SERVER', client: 'CLIENT', internal: undefined } as const

/** Zipkin knows no span shorter than a microsecond. */
const microseconds = (milliseconds: number): number => Math.max(1, Math.round(milliseconds * 1_000))

/** Requests as a list of Zipkin spans (zipkin.io/zipkin-api, version 2), in JSON; a provider is the remote end of its tries. */
export const encodeZipkin =
  (service: Service) =>
  (records: readonly RequestRecord[]): string =>
    JSON.stringify(
      records.flatMap((record) =>
        spansOf(record).map((span) => {
          const tags = Object.entries(span.attributes).map(([key, value]) => [key, String(value)])
          return {
            traceId: record.trace.traceId,
            id: span.spanId,
            ...(span.parentId !== null && { parentId: span.parentId }),
            name: span.name,
            ...(kinds[span.kind] && { kind: kinds[span.kind] }),
            timestamp: microseconds(record.at + span.startMs),
            duration: microseconds(span.durationMs),
            localEndpoint: { serviceName: service.name },
            ...(span.kind === 'client' && {
              remoteEndpoint: { serviceName: String(span.attributes['gen_ai.provider.name'] ?? 'provider') },
            }),
            tags: { ...Object.fromEntries(tags), ...(span.fault !== null && { error: span.fault }) },
            annotations: span.events.map(({ name, atMs }) => ({
              value: name,
              timestamp: microseconds(record.at + atMs),
            })),
          }
        }),
      ),
    )
