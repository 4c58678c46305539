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
    rolling: Type.Optional(
      Type.Boolean({
        description:
          'The window ends now, instead of following the calendar (UTC): in no stretch of its length is more spent. A month of these has 30 days.',
      }),
    ),
    mode: Type.Optional(
      Type.Enum(['hard', 'soft'], {
        description:
          'A soft budget refuses nobody: a call that does not fit is flagged in `x-headgate-warning`. Hard unless told.',
      }),
    ),
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
    resets_at: Type.Union([Type.String(), Type.Null()], {
      description: 'When the window begins anew; of a rolling one, when money comes back next. Null: it does not.',
    }),
  },
  { ...closed, title: 'BudgetAccount' },
)
export type BudgetAccount = Static<typeof BudgetAccountSchema>

const BudgetAlertSchema = Type.Object(
  {
    threshold: Type.Enum(['50', '80', '100', 'forecast'], {
      description:
        'Percent of the limit; `forecast`: at the pace of that moment the window spends more than its limit.',
    }),
    project: Type.Union([Type.String(), Type.Null()]),
    subject: Type.String(),
    window_start: Type.String({ description: 'Each threshold is told once per account and window.' }),
    limit_usd: Type.String(),
    spent_usd: Type.String(),
    forecast_usd: Type.Union([Type.String(), Type.Null()], {
      description: 'What the window would have spent at its end: spent × length / elapsed.',
    }),
    raised_at: Type.String(),
  },
  { ...closed, title: 'BudgetAlert' },
)

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
    alerts: Type.Array(BudgetAlertSchema, { description: 'Thresholds that accounts reached, the newest first.' }),
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

const nullableText = (description?: string) =>
  Type.Union([Type.String(), Type.Null()], description === undefined ? {} : { description })

/** How a budget stands for one caller in its present window. */
export const BudgetStandingSchema = Type.Object(
  {
    name: nullableText('Null: the budget of the key itself.'),
    level: Type.Enum([...budgetLevels]),
    project: nullableText(
      'Null: of all projects together; to a key its figures are then null, for they are those of others too.',
    ),
    subject: nullableText('The project, user, key or model whose account it is; null: each model has its own.'),
    mode: Type.Enum(['hard', 'soft']),
    window: BudgetWindowSchema,
    rolling: Type.Boolean(),
    limit_usd: nullableText(),
    spent_usd: nullableText(),
    reserved_usd: nullableText('Held for calls under way, and by replicas that may admit some.'),
    remaining_usd: nullableText(),
    resets_at: nullableText('When the window begins anew; of a rolling one, when money comes back next.'),
    exhausted: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'Whether nothing is left of it. Null where each model has its own account.',
    }),
  },
  { ...closed, title: 'BudgetStanding' },
)
export type BudgetStanding = Static<typeof BudgetStandingSchema>
