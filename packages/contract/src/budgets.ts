import { type Static, Type } from 'typebox'
import { BudgetWindowSchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const line = (most: number, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description }))

/** Whose money a budget counts: one account for each of them. */
export const budgetLevels = ['project', 'user', 'key', 'model'] as const

/** A budget as data. The members from `project` on say which calls it holds for; absent: all. */
export const BudgetRuleSchema = Type.Object(
  {
    level: Type.Enum([...budgetLevels], {
      description: 'Whose money it counts: each project, end user, key or model that it holds for has an account.',
    }),
    limit_usd: Type.String({
      pattern: '^\\d{1,9}(\\.\\d{1,9})?$',
      description: 'Decimal USD that each account has per window.',
    }),
    window: BudgetWindowSchema,
    project: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$', description: 'A project.' })),
    key: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9]{1,64}$', description: 'Public id of a key.' })),
    user: line(256, 'An end user, as calls name them.'),
    model: line(256, 'A model by `provider/model`, or the begin of several with a * at the end, counted together.'),
  },
  {
    ...closed,
    title: 'BudgetRule',
    examples: [{ level: 'user', limit_usd: '1.00', window: 'day', project: 'web' }],
  },
)
export type BudgetRule = Readonly<Static<typeof BudgetRuleSchema>>

export const budgetNamePattern = '^[a-z0-9][a-z0-9_-]{0,63}$'
export const BudgetPathSchema = Type.Object({ name: Type.String({ pattern: budgetNamePattern }) }, closed)

const BudgetAccountSchema = Type.Object(
  {
    project: Type.Union([Type.String(), Type.Null()], { description: 'Null: of all projects together.' }),
    subject: Type.String({ description: 'The project, user, key or model whose account it is.' }),
    spent_usd: Type.String(),
    reserved_usd: Type.String({ description: 'Held for calls under way, and by replicas that may admit some.' }),
    remaining_usd: Type.String(),
    resets_at: Type.Union([Type.String(), Type.Null()], { description: 'Null: never.' }),
  },
  { ...closed, title: 'BudgetAccount' },
)
export type BudgetAccount = Static<typeof BudgetAccountSchema>

export const BudgetSchema = Type.Object(
  {
    object: Type.Literal('budget'),
    name: Type.String(),
    source: Type.Enum(['configuration', 'operator'], { description: 'Those of the configuration change only there.' }),
    rule: BudgetRuleSchema,
    accounts: Type.Array(BudgetAccountSchema, {
      description: 'Accounts that were met, those that spent most in the present window first.',
    }),
    has_more: Type.Boolean({ description: 'Whether there are more accounts than these.' }),
  },
  { ...closed, title: 'Budget' },
)
export type Budget = Static<typeof BudgetSchema>

export const BudgetListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(BudgetSchema),
    has_more: Type.Boolean(),
    next_cursor: Type.Null(),
  },
  { ...closed, title: 'BudgetList' },
)
