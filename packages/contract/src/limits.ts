import { type Static, Type } from 'typebox'
import { BudgetStandingSchema, budgetLevels } from './budgets.ts'

/** As it is once read: nobody changes it in place. */
type Kept<T> = T extends readonly (infer Item)[]
  ? readonly Kept<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Kept<T[Name]> }
    : T

const closed = { additionalProperties: false } as const
const line = (most: number) => Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const lines = (description: string) =>
  Type.Optional(Type.Array(line(256), { minItems: 1, maxItems: 500, uniqueItems: true, description }))

/** What a limit counts. `concurrent`: calls under way; `audio_seconds`: heard or spoken; `usd`: money. */
export const limitUnits = [
  'requests',
  'tokens',
  'input_tokens',
  'output_tokens',
  'concurrent',
  'images',
  'audio_seconds',
  'usd',
] as const
/**
 * Whose count it is: one for each value of these together; none of them is one count for everybody. `user` is the person,
 * proven or named by a secret key; `person` only a proven one that calls without a secret key.
 */
export const limitSubjects = [
  'ip',
  'country',
  'key',
  'user',
  'person',
  'project',
  'tier',
  'endpoint',
  'model',
  'provider',
] as const
export const limitAlgorithms = ['token_bucket', 'sliding_window'] as const
export const limitModes = ['enforce', 'shadow', 'off'] as const
export const endpointNames = [
  'chat',
  'embeddings',
  'images',
  'image_edits',
  'image_variations',
  'speech',
  'transcriptions',
  'translations',
  'moderations',
] as const

export const PolicyMatchSchema = Type.Object(
  {
    tiers: lines('Tiers it holds for.'),
    projects: lines('Projects it holds for.'),
    keys: lines('Public ids of keys it holds for.'),
    users: lines('End users it holds for.'),
    kinds: Type.Optional(
      Type.Array(Type.Enum(['secret', 'publishable', 'person']), {
        description: 'Kinds of keys; `person`: the token of a person without a key.',
      }),
    ),
    endpoints: Type.Optional(Type.Array(Type.Enum([...endpointNames]), { description: 'What is asked for.' })),
    models: lines('Models, in full or with a * at the end.'),
    providers: lines('Providers.'),
    countries: lines('Countries by ISO 3166 code; `unknown` where the table has no answer.'),
  },
  { ...closed, title: 'PolicyMatch' },
)
export type PolicyMatch = Kept<Static<typeof PolicyMatchSchema>>

/** A limit as data. */
export const PolicySchema = Type.Object(
  {
    unit: Type.Enum([...limitUnits]),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: 'Units per window, or at once.' }),
    ),
    limit_usd: Type.Optional(
      Type.String({ pattern: '^\\d{1,7}(\\.\\d{1,9})?$', description: 'The limit of unit `usd`.' }),
    ),
    window_seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 31_622_400, description: 'Length of the window; 60 unless told.' }),
    ),
    algorithm: Type.Optional(Type.Enum([...limitAlgorithms])),
    burst: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000_000_000,
        description: 'What a bucket holds; the limit unless told.',
      }),
    ),
    per: Type.Optional(Type.Array(Type.Enum([...limitSubjects]), { maxItems: 10, uniqueItems: true })),
    match: Type.Optional(PolicyMatchSchema),
    mode: Type.Optional(Type.Enum([...limitModes])),
  },
  {
    ...closed,
    title: 'Policy',
    examples: [{ unit: 'tokens', limit: 100_000, window_seconds: 60, per: ['user'], match: { tiers: ['free'] } }],
  },
)
export type PolicyInput = Kept<Static<typeof PolicySchema>>

export const policyNamePattern = '^[a-z0-9][a-z0-9_-]{0,63}$'
export const PolicyPathSchema = Type.Object({ name: Type.String({ pattern: policyNamePattern }) }, closed)

export const NamedPolicySchema = Type.Object(
  {
    object: Type.Literal('limit_policy'),
    name: Type.String(),
    source: Type.Enum(['configuration', 'operator'], { description: 'Those of the configuration change only there.' }),
    policy: PolicySchema,
  },
  { ...closed, title: 'NamedPolicy' },
)
export type NamedPolicy = Kept<Static<typeof NamedPolicySchema>>

export const PolicyListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(NamedPolicySchema),
    has_more: Type.Boolean(),
    next_cursor: Type.Null(),
  },
  { ...closed, title: 'PolicyList' },
)

const ranges = Type.Array(line(64), { maxItems: 10_000 })
const countries = Type.Array(Type.String({ pattern: '^([A-Z]{2}|unknown)$' }), { maxItems: 300 })

/** Who may call at all, by address and country. The longest range that holds an address decides; then its country. */
export const AccessSchema = Type.Object(
  {
    default: Type.Enum(['allow', 'deny'], { description: 'What holds where no range and no country decides.' }),
    allow: ranges,
    deny: ranges,
    allow_countries: countries,
    deny_countries: countries,
  },
  {
    ...closed,
    title: 'Access',
    examples: [
      { default: 'allow', allow: ['203.0.113.7'], deny: ['203.0.113.0/24'], allow_countries: [], deny_countries: [] },
    ],
  },
)
export type Access = Kept<Static<typeof AccessSchema>>

/** For whom `POST /admin/v1/limits/explain` explains. */
export const ExplainSchema = Type.Object(
  {
    key_id: line(64),
    model: line(256),
    endpoint: Type.Optional(Type.Enum([...endpointNames])),
    address: Type.Optional(line(64)),
    user: Type.Optional(line(256)),
    max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000_000 })),
    input_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000 })),
    images: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
    audio_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  },
  { ...closed, title: 'ExplainLimits', examples: [{ key_id: 'Ab3dE6gH9jKl', model: 'demo', address: '203.0.113.7' }] },
)
export type ExplainInput = Kept<Static<typeof ExplainSchema>>

/**
 * What a budget says to a call. `depends`: it fits once money that is reserved comes back, which leases of other calls and replicas
 * may hold; `flags`: a soft one is passed.
 */
export const budgetVerdicts = ['fits', 'depends', 'refuses', 'flags'] as const

export const ExplanationSchema = Type.Object(
  {
    object: Type.Literal('limit_explanation'),
    allowed: Type.Boolean(),
    refusal: Type.Union([Type.String(), Type.Null()], {
      description: 'Code of the error that the call would get; of limits and budgets the first that refuses.',
    }),
    decides: Type.Union([Type.String(), Type.Null()], { description: 'The limit that refuses or binds first.' }),
    country: Type.Union([Type.String(), Type.Null()]),
    access: Type.Union([Type.String(), Type.Null()], { description: 'Why the address would be refused, if it would.' }),
    rules: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          unit: Type.String(),
          algorithm: Type.String(),
          mode: Type.Enum(['enforce', 'shadow']),
          counted_for: Type.String(),
          cost: Type.Number(),
          limit: Type.Number(),
          remaining: Type.Number(),
          reset_ms: Type.Number(),
          would_refuse: Type.Boolean(),
        },
        closed,
      ),
    ),
    not_applied: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }, closed)),
    worst_case_usd: Type.Union([Type.String(), Type.Null()], {
      description: 'What budgets would hold for the call: the most it can cost. Null where no price is known.',
    }),
    budget_decides: Type.Union(
      [
        Type.Object(
          {
            name: Type.Union([Type.String(), Type.Null()]),
            level: Type.Enum([...budgetLevels]),
            reason: Type.String(),
          },
          closed,
        ),
        Type.Null(),
      ],
      { description: 'The budget that refuses, else the one with the least left; null where none holds.' },
    ),
    budgets: Type.Array(
      Type.Object(
        { ...BudgetStandingSchema.properties, verdict: Type.Enum([...budgetVerdicts]) },
        { ...closed, title: 'ExplainedBudget' },
      ),
      { description: 'All that must have room for the call, that of its key first.' },
    ),
    budgets_not_applied: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }, closed)),
  },
  { ...closed, title: 'LimitExplanation' },
)
export type Explanation = Static<typeof ExplanationSchema>
