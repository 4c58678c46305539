import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One delivery as it came. */
export interface Delivered {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** A receiver of telemetry over HTTP, in JSON. */
export interface Receiver {
  readonly url: string
  readonly deliveries: Delivered[]
  /** What the next deliveries are answered with. */
  answer: number
  readonly close: () => Promise<void>
}

/** Listens on a free port. */
export const startReceiver = async (): Promise<Receiver> => {
  const deliveries: Delivered[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (receiver.answer < 300) {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
        deliveries.push({ path: request.url ?? '', headers: request.headers, body })
      }
      response.writeHead(receiver.answer, { 'content-type': 'application/json' })
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliveries,
    answer: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}

type Json = Readonly<Record<string, unknown>>

const object = (value: unknown, members: readonly string[], where: string): Json => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where} is no object`)
  for (const name of Object.keys(value)) if (!members.includes(name)) throw new Error(`${where} has no member ${name}`)
  return value as Json
}
const list = (value: unknown, where: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw new Error(`${where} is no list`)
  return value
}
const text = (value: unknown, pattern: RegExp, where: string): string => {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`${where} is ${String(value)}`)
  return value
}

const readAttributes = (value: unknown): Record<string, string | number | boolean> =>
  Object.fromEntries(
    list(value, 'attributes').map((one) => {
      const entry = object(one, ['key', 'value'], 'attribute')
      const [kind, of] =
        Object.entries(object(entry['value'], ['stringValue', 'boolValue', 'intValue', 'doubleValue'], 'value'))[0] ??
        []
      if (kind === 'intValue') return [text(entry['key'], /./, 'key'), Number(text(of, /^-?\d+$/, 'intValue'))]
      const type = { stringValue: 'string', boolValue: 'boolean', doubleValue: 'number' }[kind ?? '']
      if (typeof of !== type) throw new Error(`${String(kind)} is ${String(of)}`)
      return [text(entry['key'], /./, 'key'), of as string]
    }),
  )

/** A span as OTLP told it. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly traceState: string
  readonly name: string
  readonly kind: number
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly failed: boolean
  readonly service: unknown
}

/** Reads `ExportTraceServiceRequest`s (opentelemetry-proto, trace.proto) and refuses every member that it does not know. */
export const readOtlpSpans = (deliveries: readonly Delivered[]): ReceivedSpan[] =>
  deliveries.flatMap(({ body }) =>
    list(object(body, ['resourceSpans'], 'request')['resourceSpans'], 'resourceSpans').flatMap((one) => {
      const resourceSpan = object(one, ['resource', 'scopeSpans', 'schemaUrl'], 'resourceSpans')
      const resource = readAttributes(object(resourceSpan['resource'], ['attributes'], 'resource')['attributes'])
      return list(resourceSpan['scopeSpans'], 'scopeSpans').flatMap((scoped) => {
        const scope = object(scoped, ['scope', 'spans', 'schemaUrl'], 'scopeSpans')
        object(scope['scope'], ['name', 'version'], 'scope')
        return list(scope['spans'], 'spans').map((raw): ReceivedSpan => {
          const members =
            'traceId spanId parentSpanId traceState flags name kind startTimeUnixNano endTimeUnixNano'.split(' ')
          const span = object(raw, [...members, 'attributes', 'events', 'links', 'status'], 'span')
          for (const event of list(span['events'] ?? [], 'events')) object(event, ['name', 'timeUnixNano'], 'event')
          const parent = span['parentSpanId']
          return {
            traceId: text(span['traceId'], /^[0-9a-f]{32}$/, 'traceId'),
            spanId: text(span['spanId'], /^[0-9a-f]{16}$/, 'spanId'),
            parentSpanId: parent === undefined ? null : text(parent, /^[0-9a-f]{16}$/, 'parentSpanId'),
            traceState: text(span['traceState'] ?? '', /^/, 'traceState'),
            name: text(span['name'], /./, 'name'),
            kind: Number(span['kind']),
            start: BigInt(text(span['startTimeUnixNano'], /^\d{19}$/, 'startTimeUnixNano')),
            end: BigInt(text(span['endTimeUnixNano'], /^\d{19}$/, 'endTimeUnixNano')),
            attributes: readAttributes(span['attributes']),
            links: list(span['links'] ?? [], 'links') as ReceivedSpan['links'],
            failed: (span['status'] as { code?: number } | undefined)?.code === 2,
            service: resource['service.name'],
          }
        })
      })
    }),
  )

/** A line as OTLP told it. */
export interface ReceivedLine {
  readonly severityNumber: number
  readonly body: string
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** Reads `ExportLogsServiceRequest`s (opentelemetry-proto, logs.proto) as strictly. */
export const readOtlpLines = (deliveries: readonly Delivered[]): ReceivedLine[] =>
  deliveries.flatMap(({ body }) =>
    list(object(body, ['resourceLogs'], 'request')['resourceLogs'], 'resourceLogs').flatMap((one) => {
      const resourceLog = object(one, ['resource', 'scopeLogs'], 'resourceLogs')
      readAttributes(object(resourceLog['resource'], ['attributes'], 'resource')['attributes'])
      return list(resourceLog['scopeLogs'], 'scopeLogs').flatMap((scoped) =>
        list(object(scoped, ['scope', 'logRecords'], 'scopeLogs')['logRecords'], 'logRecords').map(
          (raw): ReceivedLine => {
            const members = [
              'timeUnixNano',
              'observedTimeUnixNano',
              'severityNumber',
              'severityText',
              'body',
              'attributes',
            ]
            const line = object(raw, members, 'logRecord')
            text(line['timeUnixNano'], /^\d{19}$/, 'timeUnixNano')
            return {
              severityNumber: Number(line['severityNumber']),
              body: String(object(line['body'], ['stringValue'], 'body')['stringValue']),
              attributes: readAttributes(line['attributes']),
            }
          },
        ),
      )
    }),
  )
