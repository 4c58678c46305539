import { type Static, Type } from 'typebox'
import { PageLimitSchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const line = (most: number) => Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const projectId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' })

/** Body of `POST /admin/v1/ledger/adjustments`. */
export const CreateAdjustmentSchema = Type.Object(
  {
    key_id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9]{1,64}$', description: 'The key, and its budget.' })),
    project: Type.Optional(Type.String({ ...projectId, description: 'The project, where it is of no single key.' })),
    amount_usd: Type.String({
      pattern: '^-?\\d{1,9}(\\.\\d{1,9})?$',
      description: 'Decimal USD, not 0: positive charges, negative credits.',
    }),
    reason: line(500),
    reference: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._:/-]{1,128}$',
        description: 'Your own name for it, such as an invoice number: sent again, nothing is added twice.',
      }),
    ),
  },
  {
    ...closed,
    title: 'CreateAdjustment',
    examples: [{ key_id: '7Qm2xW4kZ9tB', amount_usd: '-10.00', reason: 'Top-up', reference: 'invoice-1042' }],
  },
)
export type CreateAdjustment = Static<typeof CreateAdjustmentSchema>

/** A row that an operator added to the ledger. */
export const AdjustmentSchema = Type.Object(
  {
    object: Type.Literal('adjustment'),
    id: Type.String(),
    project: Type.String(),
    key_id: Type.Union([Type.String(), Type.Null()]),
    amount_usd: Type.String({ description: 'Decimal USD: positive charges, negative credits.' }),
    reason: Type.String(),
    reference: Type.Union([Type.String(), Type.Null()]),
    budget_window: Type.Union([Type.String(), Type.Null()], {
      description: 'Begin of the window of the budget that it counts in; null where there was no budget.',
    }),
    created_at: Type.String(),
  },
  {
    ...closed,
    title: 'Adjustment',
    examples: [
      {
        object: 'adjustment',
        id: 'adj_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        project: 'default',
        key_id: '7Qm2xW4kZ9tB',
        amount_usd: '-10',
        reason: 'Top-up',
        reference: 'invoice-1042',
        budget_window: '2026-01-01T00:00:00.000Z',
        created_at: '2026-01-31T09:15:00.000Z',
      },
    ],
  },
)
export type Adjustment = Static<typeof AdjustmentSchema>

/** Query of `GET /admin/v1/ledger/adjustments`. */
export const AdjustmentQuerySchema = Type.Object(
  {
    project: Type.Optional(projectId),
    limit: PageLimitSchema,
    after: Type.Optional(
      Type.String({ pattern: '^\\d{1,14}_[A-Za-z0-9._-]{1,128}$', description: '`next_cursor` of the page before.' }),
    ),
  },
  closed,
)
export type AdjustmentQuery = Static<typeof AdjustmentQuerySchema>

/** Answer of `GET /admin/v1/ledger/adjustments`: the newest first. */
export const AdjustmentListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(AdjustmentSchema),
    has_more: Type.Boolean(),
    next_cursor: Type.Union([Type.String(), Type.Null()]),
  },
  { ...closed, title: 'AdjustmentList' },
)
