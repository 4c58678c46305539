import { type Static, type TSchema, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const count = Type.Integer({ minimum: 0 })
const time = Type.String({ description: 'RFC 3339, UTC.' })
const severity = Type.Enum(['page', 'ticket'], {
  description: '`page`: somebody must look at once; `ticket`: within days.',
})

/** An alert, as it is shown and as a webhook gets it. */
export const AlertSchema = Type.Object(
  {
    object: Type.Literal('alert'),
    id: Type.String(),
    name: Type.String({ description: '`objective/<name>` or `rule/<name>`.' }),
    state: Type.Enum(['firing', 'resolved']),
    severity,
    summary: Type.String(),
    value: Type.Number({ description: 'The reading when it began: a burn rate, or what the rule watches.' }),
    threshold: Type.Number(),
    started_at: time,
    ended_at: nullable(time),
  },
  { ...closed, title: 'Alert' },
)
export type AlertView = Static<typeof AlertSchema>

const DeliverySchema = Type.Object(
  {
    receiver: Type.String(),
    state: Type.Enum(['firing', 'resolved'], { description: 'What it is told of.' }),
    attempts: count,
    delivered: Type.Boolean(),
    fault: nullable(Type.String({ description: 'Why the last try was not taken.' })),
  },
  closed,
)

/** Answer of `GET /admin/v1/alerts`. */
export const AlertListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(Type.Object({ ...AlertSchema.properties, deliveries: Type.Array(DeliverySchema) }, closed)),
    has_more: Type.Boolean(),
    next_cursor: nullable(Type.String({ description: 'Send it as `after` for the next page.' })),
  },
  { ...closed, title: 'AlertList' },
)
export type AlertList = Static<typeof AlertListSchema>

/** Query of `GET /admin/v1/alerts`. */
export const AlertQuerySchema = Type.Object(
  {
    state: Type.Optional(Type.Enum(['firing', 'all'], { description: '`firing` unless told.' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9]|[1-9]\\d|100)$', description: '1 to 100; 20 unless told.' })),
    after: Type.Optional(
      Type.String({ pattern: '^\\d{1,15}_[A-Za-z0-9_-]{1,64}$', description: 'Cursor of the page before.' }),
    ),
  },
  closed,
)
export type AlertQuery = Static<typeof AlertQuerySchema>

/** Answer of `GET /admin/v1/objectives`. */
export const ObjectiveListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(
      Type.Object(
        {
          object: Type.Literal('objective'),
          name: Type.String(),
          measure: Type.Enum(['errors', 'upstream_errors', 'duration', 'first_byte']),
          route: nullable(Type.String()),
          within_ms: nullable(Type.Integer()),
          target_percent: Type.Number(),
          window_days: Type.Integer(),
          requests: Type.Integer({ description: 'Answers that it judges, over its days.' }),
          bad: Type.Integer({ description: 'Those of them that broke it.' }),
          attained_percent: nullable(Type.Number({ description: 'null without requests.' })),
          budget_left_percent: Type.Number({
            description: 'What is left of the bad answers that may be; below 0 it is broken.',
          }),
          burn_rates: Type.Object(
            {
              '5m': Type.Number(),
              '30m': Type.Number(),
              '1h': Type.Number(),
              '6h': Type.Number(),
              '3d': Type.Number(),
            },
            { ...closed, description: 'How fast the budget goes; at 1 it ends just with the days.' },
          ),
          worst: Type.Array(
            Type.Object(
              { route: Type.String(), target: nullable(Type.String({ description: '`provider/model`.' })), bad: count },
              closed,
            ),
            { description: 'Where most bad answers came from, the worst first.' },
          ),
        },
        closed,
      ),
    ),
    has_more: Type.Boolean(),
    next_cursor: Type.Null(),
  },
  { ...closed, title: 'ObjectiveList' },
)
export type ObjectiveList = Static<typeof ObjectiveListSchema>

/** Answer of `POST /admin/v1/receivers/{name}/test`. */
export const ReceiverTestSchema = Type.Object(
  {
    object: Type.Literal('receiver_test'),
    receiver: Type.String(),
    delivered: Type.Boolean(),
    fault: nullable(Type.String()),
  },
  { ...closed, title: 'ReceiverTest' },
)
export const ReceiverPathSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) })
