import { nanoseconds, otlpAttributes, otlpResource, type Service } from './otlp.ts'

/** opentelemetry-proto, logs.proto: the first number of each range. */
const severities: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 }

type Line = Readonly<Record<string, unknown>>

const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** Members of a line by OpenTelemetry’s names where it has one. */
const attributesOf = (line: Line): Record<string, string | number | boolean> => {
  const attributes: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(line)) {
    if (isPlain(value)) attributes[name] = value
    else if (name === 'stages' && typeof value === 'object' && value !== null) {
      for (const [stage, ms] of Object.entries(value)) if (isPlain(ms)) attributes[`stages.${stage}`] = ms
    } else if (name === 'error' && typeof value === 'object' && value !== null) {
      for (const [inner, of] of Object.entries(value)) {
        const called = { type: 'exception.type', message: 'exception.message', stack: 'exception.stacktrace' }[inner]
        if (isPlain(of)) attributes[called ?? `error.${inner}`] = of
      }
    }
  }
  return attributes
}

const toRecord = (text: string) => {
  const { level, time, message, ...rest } = JSON.parse(text) as Line
  const at = Date.parse(String(time))
  const severity = String(level)
  return {
    timeUnixNano: nanoseconds(at),
    observedTimeUnixNano: nanoseconds(at),
    severityNumber: severities[severity] ?? 0,
    severityText: severity.toUpperCase(),
    body: { stringValue: String(message) },
    attributes: otlpAttributes(attributesOf(rest)),
  }
}

/** Lines of the log, as they were written, as an OTLP `ExportLogsServiceRequest` in JSON. */
export const encodeLogs =
  (service: Service) =>
  (lines: readonly string[]): string =>
    JSON.stringify({
      resourceLogs: [
        {
          resource: otlpResource(service),
          scopeLogs: [
            {
              scope: { name: service.name, version: service.version },
              logRecords: lines.map((line) => toRecord(line)),
            },
          ],
        },
      ],
    })
