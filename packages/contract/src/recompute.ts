import { type Static, type TSchema, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const count = Type.Integer({ minimum: 0 })
const time = Type.String({
  maxLength: 40,
  pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))?$',
  description: 'RFC 3339 with zone, or a date (UTC).',
  examples: ['2026-01-31T00:00:00Z'],
})
const price = Type.Union([
  Type.String({ pattern: '^\\d{1,7}(\\.\\d{1,9})?$' }),
  Type.Number({ minimum: 0, maximum: 1_000_000, description: 'Read by its shortest decimal text.' }),
])

/** USD per million tokens, and per call; members as in `models.<name>.price` of the configuration. */
export const GivenPriceSchema = Type.Object(
  {
    input: price,
    output: price,
    cached_input: Type.Optional(price),
    cache_write: Type.Optional(price),
    cache_write_1h: Type.Optional(price),
    per_request: Type.Optional(price),
  },
  { ...closed, title: 'GivenPrice' },
)
export type GivenPrice = Static<typeof GivenPriceSchema>

/** Prices by model, `provider/model`, in the shape of `models` in the configuration. */
export const GivenPricesSchema = Type.Record(
  Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}/\\S{1,200}$' }),
  Type.Object(
    {
      price: Type.Optional(GivenPriceSchema),
      prices: Type.Optional(
        Type.Record(
          Type.String({ pattern: '^20\\d{2}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2})?Z)?$' }),
          GivenPriceSchema,
          {
            additionalProperties: false,
            description: 'What holds from a date on (UTC), until the next.',
          },
        ),
      ),
    },
    closed,
  ),
  { additionalProperties: false, maxProperties: 1_000 },
)
export type GivenPrices = Static<typeof GivenPricesSchema>

/** Body of `POST /admin/v1/ledger/recompute`. */
export const RecomputeSchema = Type.Object(
  {
    from: time,
    to: { ...time, description: 'End, itself excluded; RFC 3339 with zone, or a date (UTC).' },
    model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        description: '`provider/model`, or the begin of several with a * at the end; absent: all.',
      }),
    ),
    prices: Type.Optional({
      ...GivenPricesSchema,
      description: 'In the place of the configured prices of these models.',
    }),
    apply: Type.Optional(Type.Boolean({ description: 'Writes the corrections; absent or false: only says them.' })),
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        description: 'Why, for the rows and the audit.',
      }),
    ),
    after: Type.Optional(
      Type.String({
        pattern: '^\\d{1,14}_[A-Za-z0-9._-]{1,128}$',
        description: '`next_cursor` of the answer before, where the range has more calls than one request looks at.',
      }),
    ),
  },
  {
    ...closed,
    title: 'Recompute',
    examples: [{ from: '2026-01-01', to: '2026-02-01', model: 'openai/gpt-4o-mini' }],
  },
)
export type RecomputeInput = Static<typeof RecomputeSchema>

const RecomputedModelSchema = Type.Object(
  {
    model: Type.String(),
    calls: { ...count, description: 'Calls that were looked at.' },
    corrected: { ...count, description: 'Calls that cost something else by the price of their time.' },
    unpriced: { ...count, description: 'Calls whose model has no known price; they stay as they are.' },
    undetermined: {
      ...count,
      description:
        'Calls for images or audio, whose kinds no row tells, and calls that wrote to the prompt cache before the ledger told for how long, where that makes a difference; they stay as they are.',
    },
    before_usd: Type.String(),
    after_usd: Type.String(),
    difference_usd: Type.String({ description: 'What corrections add; negative: what they give back.' }),
  },
  { ...closed, title: 'RecomputedModel' },
)

/** Answer of `POST /admin/v1/ledger/recompute`. */
export const RecomputationSchema = Type.Object(
  {
    object: Type.Literal('recomputation'),
    applied: Type.Boolean(),
    from: Type.String(),
    to: Type.String(),
    data: Type.Array(RecomputedModelSchema, { description: 'By model.' }),
    examples: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          model: Type.String(),
          created_at: Type.String(),
          before_usd: nullable(Type.String()),
          after_usd: Type.String(),
          price_version: nullable(Type.String()),
          new_price_version: Type.String(),
        },
        closed,
      ),
      { description: 'The first ten calls that differ.' },
    ),
    has_more: Type.Boolean(),
    next_cursor: nullable(Type.String()),
  },
  { ...closed, title: 'Recomputation' },
)
export type Recomputation = Static<typeof RecomputationSchema>
