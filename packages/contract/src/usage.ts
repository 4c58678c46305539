import { type Static, type TSchema, Type } from 'typebox'
import { BudgetStandingSchema } from './budgets.ts'
import { PageLimitSchema } from './keys.ts'
import { usageRowExample, usageTotalsExample } from './usage-examples.ts'

const closed = { additionalProperties: false } as const
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const money = Type.String({ description: 'Decimal USD.' })
const count = Type.Integer({ minimum: 0 })
const time = Type.String({
  maxLength: 40,
  pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))?$',
  description: 'RFC 3339 with zone, or a date (UTC).',
  examples: ['2026-01-31T00:00:00Z'],
})

const tokens = {
  input_tokens: count,
  cached_input_tokens: count,
  cache_write_input_tokens: count,
  output_tokens: count,
  reasoning_tokens: count,
  images: Type.Integer({ minimum: 0, description: 'Images that were made.' }),
  audio_seconds: Type.Number({ minimum: 0, description: 'Audio that was heard or spoken.' }),
  characters: Type.Integer({ minimum: 0, description: 'Characters that were spoken.' }),
}

/** One try at a provider. */
export const AttemptSchema = Type.Object(
  {
    target: Type.String(),
    status: Type.Integer({ description: 'HTTP status of the provider; 0 when none came.' }),
    duration_ms: count,
    fault: nullable(Type.String()),
  },
  { ...closed, title: 'Attempt' },
)

/** What one call came to. */
export const UsageRowSchema = Type.Object(
  {
    object: Type.Literal('usage'),
    id: Type.String(),
    request_id: Type.String({ description: 'As the caller saw it in x-request-id.' }),
    project: Type.String(),
    key_id: Type.String(),
    user: nullable(Type.String()),
    operation: Type.String(),
    provider: Type.String(),
    model: Type.String(),
    stream: Type.Boolean(),
    outcome: Type.Enum(['complete', 'failed', 'client_gone', 'upstream_cut', 'timeout', 'killed']),
    estimated: Type.Boolean({ description: 'The tokens were counted here: the provider did not get to say them.' }),
    ...tokens,
    cost_usd: nullable(money),
    saved_usd: nullable(
      Type.String({
        description:
          'Decimal USD; of an answer from the cache: what it would have cost. null where it did not come from there.',
      }),
    ),
    price_version: nullable(Type.String()),
    fault: nullable(Type.String()),
    attempts: count,
    duration_ms: count,
    first_byte_ms: nullable(count),
    created_at: Type.String(),
    recorded: Type.Boolean({ description: 'False while the row is only in the journal of its replica.' }),
  },
  { ...closed, title: 'UsageRow', examples: [usageRowExample] },
)
export type UsageRow = Static<typeof UsageRowSchema>

/** One call with its tries. */
export const UsageDetailSchema = Type.Object(
  {
    ...UsageRowSchema.properties,
    tries: Type.Array(AttemptSchema),
    corrections: Type.Array(
      Type.Object({ amount_usd: money, price_version: Type.String(), created_at: Type.String() }, closed),
      { description: 'What was added to the cost when it was priced anew; negative: given back.' },
    ),
  },
  {
    ...closed,
    title: 'UsageDetail',
    examples: [
      {
        ...usageRowExample,
        tries: [{ target: 'openai/gpt-4o-mini', status: 200, duration_ms: 812, fault: null }],
        corrections: [],
      },
    ],
  },
)
export type UsageDetail = Static<typeof UsageDetailSchema>

/** Sums over a range. */
export const UsageTotalsSchema = Type.Object(
  {
    requests: count,
    estimated_requests: count,
    unpriced_requests: count,
    ...tokens,
    cost_usd: money,
    adjustments_usd: Type.String({
      description: 'Decimal USD; the part of cost_usd that operators charged or credited.',
    }),
    saved_usd: Type.String({ description: 'Decimal USD; what answers from the cache would have cost.' }),
  },
  { ...closed, title: 'UsageTotals', examples: [usageTotalsExample] },
)
export type UsageTotals = Static<typeof UsageTotalsSchema>

/** Where a budget stands in its present window. */
export const BudgetStateSchema = Type.Object(
  {
    limit_usd: money,
    window: Type.Enum(['total', 'hour', 'day', 'month']),
    spent_usd: money,
    reserved_usd: money,
    remaining_usd: money,
    resets_at: nullable(Type.String()),
  },
  { ...closed, title: 'BudgetState' },
)

/** Query of `GET /v1/usage`: the last 30 days of the calling key, unless told. */
export const UsageQuerySchema = Type.Object(
  {
    from: Type.Optional(time),
    to: Type.Optional(time),
    scope: Type.Optional(
      Type.Enum(['key', 'project'], { description: 'Of the calling key, or of its whole project.' }),
    ),
    limit: PageLimitSchema,
    after: Type.Optional(
      Type.String({ pattern: '^\\d{1,14}_[A-Za-z0-9._-]{1,128}$', description: '`next_cursor` of the page before.' }),
    ),
  },
  closed,
)
export type UsageQuery = Static<typeof UsageQuerySchema>

/** Answer of `GET /v1/usage`. */
export const UsageListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(UsageRowSchema),
    has_more: Type.Boolean(),
    next_cursor: nullable(Type.String()),
    totals: UsageTotalsSchema,
    budget: nullable(BudgetStateSchema),
    budgets: Type.Array(BudgetStandingSchema, {
      description:
        'What is left by each budget that holds for the caller: to a secret key those of itself, of its project and of the user it names, to a person their own alone.',
    }),
  },
  { ...closed, title: 'UsageList' },
)

/** Query of `GET /admin/v1/usage`. */
export const UsageReportQuerySchema = Type.Object(
  {
    group_by: Type.Optional(Type.Enum(['model', 'key', 'user', 'day'], { description: 'By model unless told.' })),
    from: Type.Optional(time),
    to: Type.Optional(time),
    project: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$', description: 'Of this project only.' })),
  },
  closed,
)
export type UsageReportQuery = Static<typeof UsageReportQuerySchema>

/** Answer of `GET /admin/v1/usage`: the dearest group first, days in order. */
export const UsageReportSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(
      Type.Object(
        { group: nullable(Type.String()), ...UsageTotalsSchema.properties },
        { ...closed, title: 'UsageGroup', examples: [{ group: 'openai/gpt-4o-mini', ...usageTotalsExample }] },
      ),
    ),
    has_more: Type.Boolean(),
    next_cursor: Type.Null(),
    from: Type.String(),
    to: Type.String(),
  },
  { ...closed, title: 'UsageReport' },
)

/** Path of one call. */
export const UsagePathSchema = Type.Object({
  request_id: Type.String({
    description: 'The id of the row, or the `x-request-id` of the answer.',
    examples: ['req_01KG9V6V80Q3M5YJ8T2N4R7WXA'],
  }),
})
