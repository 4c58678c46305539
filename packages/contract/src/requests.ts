import { type Static, type TSchema, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const count = Type.Integer({ minimum: 0 })
const milliseconds = Type.Number({ minimum: 0, description: 'Milliseconds.' })
const time = Type.String({
  maxLength: 40,
  pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))?$',
  description: 'RFC 3339 with zone, or a date (UTC).',
})
const text = (most: number) => Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const list = <Item extends TSchema>(title: string, item: Item) =>
  Type.Object(
    {
      object: Type.Literal('list'),
      data: Type.Array(item),
      has_more: Type.Boolean(),
      next_cursor: nullable(Type.String({ description: 'Send it as `after` for the next page.' })),
    },
    { ...closed, title },
  )

/** What a request passes, in this order. */
export const StageNameSchema = Type.Enum([
  'identify',
  'receive',
  'read',
  'route',
  'admit',
  'queue',
  'call',
  'relay',
  'settle',
  'respond',
  'handle',
])

const keptSchema = Type.Enum(['sample', 'slow', 'failed', 'body'], {
  description: 'Why it was kept: by chance, for its duration, for its fault, or because its bodies are logged.',
})

const decisions = ['passed', 'redacted', 'reported', 'refused', 'not_judged'] as const
const checks = ['block_list', 'redaction', 'injection', 'moderation', 'pictures'] as const

/** What a safety check said of a request; never what it read. */
export const RequestVerdictSchema = Type.Object(
  {
    of: Type.Enum(['prompt', 'answer']),
    check: Type.Enum([...checks]),
    decision: Type.Enum([...decisions]),
    category: nullable(Type.String({ description: 'What was found: names of lists, kinds with counts, categories.' })),
    score: nullable(Type.Number({ minimum: 0, maximum: 1, description: 'How sure the check was.' })),
  },
  { ...closed, title: 'RequestVerdict' },
)

/** Query of `GET /admin/v1/requests` and `GET /admin/v1/traces`. */
export const RequestQuerySchema = Type.Object(
  {
    from: Type.Optional(time),
    to: Type.Optional(time),
    status: Type.Optional(Type.String({ pattern: '^[1-5](\\d\\d|xx)$', description: 'A status, or `4xx`.' })),
    code: Type.Optional(
      Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$', description: 'Code of the error catalogue.' }),
    ),
    route: Type.Optional(
      Type.String({ pattern: '^/[\\x21-\\x7e]{0,255}$', description: 'As declared: `/v1/usage/:request_id`.' }),
    ),
    model: Type.Optional(text(400)),
    provider: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' })),
    key: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$', description: 'Id of an API key.' })),
    project: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' })),
    kept: Type.Optional(keptSchema),
    verdict: Type.Optional(Type.Enum([...decisions], { description: 'What a safety check decided.' })),
    check: Type.Optional(Type.Enum([...checks], { description: 'The safety check that decided it.' })),
    trace_id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })),
    min_duration_ms: Type.Optional(Type.String({ pattern: '^\\d{1,9}$' })),
    limit: Type.Optional(Type.String({ pattern: '^(100|[1-9]\\d?)$' })),
    after: Type.Optional(Type.String({ pattern: '^\\d{1,14}_[A-Za-z0-9._-]{1,128}$' })),
  },
  closed,
)
export type RequestQuery = Static<typeof RequestQuerySchema>

/** One stage of a request. */
export const StageSchema = Type.Object(
  { name: StageNameSchema, start_ms: milliseconds, duration_ms: milliseconds },
  { ...closed, title: 'Stage' },
)

/** One try at a provider. */
export const TrySchema = Type.Object(
  {
    target: Type.String(),
    start_ms: milliseconds,
    duration_ms: milliseconds,
    status: Type.Integer({ description: 'HTTP status of the provider; 0 when none came.' }),
    fault: nullable(Type.String()),
  },
  { ...closed, title: 'Try' },
)

/** Names a kept request in a path. */
export const RequestPathSchema = Type.Object({
  id: Type.String({ description: 'Its id, or the `x-request-id` it was sent with.' }),
})

/** A request that was kept. */
export const RequestSchema = Type.Object(
  {
    object: Type.Literal('request'),
    id: Type.String(),
    request_id: Type.String({ description: 'As the caller saw it in x-request-id.' }),
    trace_id: Type.String(),
    created_at: Type.String(),
    method: Type.String(),
    route: Type.String(),
    status: Type.Integer(),
    code: nullable(Type.String()),
    project: nullable(Type.String()),
    key_id: nullable(Type.String()),
    tier: nullable(Type.String()),
    operation: nullable(Type.String()),
    asked_model: nullable(Type.String()),
    provider: nullable(Type.String()),
    model: nullable(Type.String()),
    stream: Type.Boolean(),
    outcome: nullable(Type.String()),
    estimated: nullable(Type.Boolean()),
    input_tokens: nullable(count),
    output_tokens: nullable(count),
    cost_usd: nullable(Type.String({ description: 'Decimal USD.' })),
    duration_ms: milliseconds,
    first_byte_ms: nullable(milliseconds),
    slowest_stage: StageNameSchema,
    kept: keptSchema,
    stages: Type.Array(StageSchema),
    tries: Type.Array(TrySchema),
    verdicts: Type.Array(RequestVerdictSchema, { description: 'Of the safety checks; empty where none was made.' }),
  },
  { ...closed, title: 'Request' },
)
export type RequestView = Static<typeof RequestSchema>
export const RequestListSchema = list('RequestList', RequestSchema)

/** The logged bodies of a request. */
export const RequestBodiesSchema = Type.Object(
  {
    object: Type.Literal('request_bodies'),
    id: Type.String(),
    request: Type.String({ description: 'As it was sent, redacted.' }),
    answer: nullable(Type.String({ description: 'The whole answer, or the text of a stream; redacted.' })),
    request_bytes: count,
    answer_bytes: count,
    cut: Type.Boolean({ description: 'One of them was longer than `body_log.max_bytes`.' }),
    redactions: Type.Integer({ minimum: 0, description: 'Places from which something was taken out.' }),
  },
  { ...closed, title: 'RequestBodies' },
)

/** One span of a trace, for a waterfall. */
export const SpanSchema = Type.Object(
  {
    span_id: Type.String(),
    parent_id: nullable(Type.String()),
    name: Type.String(),
    kind: Type.Enum(['server', 'client', 'internal']),
    start_ms: milliseconds,
    duration_ms: milliseconds,
    fault: nullable(Type.String()),
    attributes: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    events: Type.Array(Type.Object({ name: Type.String(), at_ms: milliseconds }, closed)),
  },
  { ...closed, title: 'Span' },
)

/** A request as a trace: the spans that are exported of it. */
export const TraceSchema = Type.Object(
  {
    object: Type.Literal('trace'),
    trace_id: Type.String(),
    request: Type.String({ description: 'Id of the request.' }),
    name: Type.String(),
    created_at: Type.String(),
    duration_ms: milliseconds,
    slowest_stage: StageNameSchema,
    code: nullable(Type.String()),
    exported: Type.Boolean({ description: 'Chosen by sampling to be exported, where an exporter is configured.' }),
    linked_trace_id: nullable(Type.String({ description: 'What the caller said its own trace is.' })),
    spans: Type.Array(SpanSchema),
  },
  { ...closed, title: 'Trace' },
)
export type TraceView = Static<typeof TraceSchema>
export const TraceListSchema = list('TraceList', TraceSchema)

const percentiles = Type.Object(
  { p50: nullable(milliseconds), p95: nullable(milliseconds), p99: nullable(milliseconds) },
  { ...closed, title: 'Percentiles' },
)
const figures = {
  requests: count,
  per_second: Type.Number({ minimum: 0 }),
  errors: Type.Integer({ minimum: 0, description: 'Those with an error code, but for callers who left.' }),
  error_rate: Type.Number({ minimum: 0, maximum: 1 }),
  mean_ms: nullable(milliseconds),
  duration_ms: percentiles,
  first_byte_ms: percentiles,
  input_tokens: count,
  output_tokens: count,
}
const range = { from: Type.String(), to: Type.String() }

/** Query of `GET /admin/v1/stats`: the last hour, unless told. */
export const StatsQuerySchema = Type.Object(
  {
    from: Type.Optional(time),
    to: Type.Optional(time),
    group_by: Type.Optional(Type.Enum(['route', 'model', 'provider', 'tier', 'code'])),
  },
  closed,
)
export type StatsQuery = Static<typeof StatsQuerySchema>

/** Rates, percentiles and errors of a time range. */
export const StatsSchema = Type.Object(
  {
    object: Type.Literal('stats'),
    ...range,
    totals: Type.Object(figures, closed),
    groups: Type.Array(Type.Object({ group: nullable(Type.String()), ...figures }, closed)),
    errors: Type.Array(Type.Object({ code: Type.String(), count }, closed)),
    step_seconds: count,
    series: Type.Array(Type.Object({ at: Type.String(), ...figures }, closed)),
  },
  { ...closed, title: 'Stats' },
)
export type Stats = Static<typeof StatsSchema>

/** Query of `GET /admin/v1/services`. */
export const ServicesQuerySchema = Type.Object({ from: Type.Optional(time), to: Type.Optional(time) }, closed)

const traffic = {
  requests: count,
  per_second: Type.Number({ minimum: 0 }),
  errors: count,
  error_rate: Type.Number({ minimum: 0, maximum: 1 }),
  duration_ms: percentiles,
}

/** The service map: who calls whom, how often, how fast, with how many errors. */
export const ServicesSchema = Type.Object(
  {
    object: Type.Literal('service_map'),
    ...range,
    nodes: Type.Array(
      Type.Object(
        { id: Type.String(), kind: Type.Enum(['callers', 'gateway', 'provider']), name: Type.String(), ...traffic },
        closed,
      ),
    ),
    edges: Type.Array(Type.Object({ from: Type.String(), to: Type.String(), ...traffic }, closed)),
  },
  { ...closed, title: 'ServiceMap' },
)
export type ServiceMap = Static<typeof ServicesSchema>
