import { type Static, type TSchema, Type } from 'typebox'

const closed = { additionalProperties: false } as const
/** No control characters: they have no place in a name, and PostgreSQL takes no NUL. */
const line = (most: number) => Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** States of a key's life: NIST SP 800-57 Part 1, section 7. */
export const KeyStateSchema = Type.Enum([
  'pre-activation',
  'active',
  'suspended',
  'deactivated',
  'compromised',
  'destroyed',
])
export type KeyState = Static<typeof KeyStateSchema>

/** Windows after which a budget is full again; UTC. */
export const BudgetWindowSchema = Type.Enum(['total', 'hour', 'day', 'month'])

/** Money is a decimal string of USD, or a number read by its shortest decimal text. */
export const BudgetInputSchema = Type.Object(
  {
    limit_usd: Type.Union([
      Type.String({ pattern: '^\\d{1,9}(\\.\\d{1,9})?$' }),
      Type.Number({ minimum: 0, maximum: 999_999_999 }),
    ]),
    window: BudgetWindowSchema,
  },
  { ...closed, title: 'BudgetInput', examples: [{ limit_usd: '25.00', window: 'month' }] },
)
export type BudgetInput = Static<typeof BudgetInputSchema>

const models = Type.Array(line(256), { minItems: 1, maxItems: 500, uniqueItems: true })
const origins = Type.Array(line(300), { minItems: 1, maxItems: 100, uniqueItems: true })
const time = Type.String({
  maxLength: 40,
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$',
  description: 'RFC 3339, with zone.',
})
const projectPattern = '^[A-Za-z0-9_-]{1,128}$'
const projectId = Type.String({ pattern: projectPattern })

/** Body of `POST /admin/v1/keys`. */
export const CreateKeySchema = Type.Object(
  {
    name: line(200),
    project: Type.Optional(projectId),
    kind: Type.Optional(Type.Enum(['secret', 'publishable'])),
    tier: Type.Optional(line(64)),
    models: Type.Optional(nullable(models)),
    origins: Type.Optional(origins),
    expires_at: Type.Optional(nullable(time)),
    budget: Type.Optional(nullable(BudgetInputSchema)),
    state: Type.Optional(Type.Enum(['pre-activation', 'active'])),
  },
  {
    ...closed,
    title: 'CreateKey',
    examples: [
      { name: 'support bot' },
      {
        name: 'shop page',
        kind: 'publishable',
        origins: ['https://shop.example.org'],
        models: ['openai/gpt-4o-mini'],
        budget: { limit_usd: '25.00', window: 'month' },
      },
    ],
  },
)
export type CreateKey = Static<typeof CreateKeySchema>

/** Body of `PATCH /admin/v1/keys/:id`; what is absent stays, null takes away. */
export const UpdateKeySchema = Type.Object(
  {
    name: Type.Optional(line(200)),
    tier: Type.Optional(line(64)),
    models: Type.Optional(nullable(models)),
    origins: Type.Optional(origins),
    expires_at: Type.Optional(nullable(time)),
    budget: Type.Optional(nullable(BudgetInputSchema)),
    state: Type.Optional(KeyStateSchema),
    reason: Type.Optional(line(500)),
  },
  { ...closed, minProperties: 1, title: 'UpdateKey', examples: [{ state: 'suspended', reason: 'Too many calls.' }] },
)
export type UpdateKey = Static<typeof UpdateKeySchema>

/** Body of `POST /admin/v1/keys/:id/rotate`. */
export const RotateKeySchema = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 30 * 86_400, description: 'How long the former secret stays valid; a day.' }),
    ),
  },
  { ...closed, title: 'RotateKey', examples: [{ overlap_seconds: 3600 }] },
)
export type RotateKey = Static<typeof RotateKeySchema>

/** Body of `POST /admin/v1/keys/:id/revoke`; `compromised` says that the secret has become known to others. */
export const RevokeKeySchema = Type.Object(
  { reason: Type.Optional(line(500)), compromised: Type.Optional(Type.Boolean()) },
  { ...closed, title: 'RevokeKey', examples: [{ reason: 'Found in a public repository.', compromised: true }] },
)
export type RevokeKey = Static<typeof RevokeKeySchema>

const keyExample = {
  object: 'key',
  id: '7Qm2xW4kZ9tB',
  project: 'default',
  kind: 'secret',
  name: 'support bot',
  tier: 'standard',
  models: null,
  origins: [],
  state: 'active',
  budget: null,
  expires_at: null,
  created_at: '2026-01-31T09:15:00.000Z',
  last_used_at: null,
}

/** A key as operators see it; the secret is never part of it. */
export const KeySchema = Type.Object(
  {
    object: Type.Literal('key'),
    id: Type.String(),
    project: Type.String(),
    kind: Type.Enum(['secret', 'publishable']),
    name: Type.String(),
    tier: Type.String(),
    models: nullable(Type.Array(Type.String())),
    origins: Type.Array(Type.String()),
    state: KeyStateSchema,
    budget: nullable(
      Type.Object({
        id: Type.String(),
        limit_usd: Type.String(),
        window: BudgetWindowSchema,
        spent_usd: Type.String(),
        reserved_usd: Type.String(),
      }),
    ),
    expires_at: nullable(Type.String()),
    created_at: Type.String(),
    last_used_at: nullable(Type.String()),
  },
  { title: 'Key', examples: [keyExample] },
)
export type Key = Static<typeof KeySchema>

/** A new or rotated key: the only answers that carry the secret. */
export const KeyWithSecretSchema = Type.Intersect(
  [KeySchema, Type.Object({ key: Type.String({ description: 'The secret, shown this once.' }) })],
  { title: 'KeyWithSecret' },
)

/** Body of `POST /admin/v1/projects`. */
export const CreateProjectSchema = Type.Object(
  { id: Type.Optional(projectId), name: line(200) },
  { ...closed, title: 'CreateProject', examples: [{ id: 'shop', name: 'Shop' }] },
)
export type CreateProject = Static<typeof CreateProjectSchema>

/** A project: the tenant. */
export const ProjectSchema = Type.Object(
  {
    object: Type.Literal('project'),
    id: Type.String(),
    name: Type.String(),
    created_at: Type.String(),
  },
  {
    title: 'Project',
    examples: [{ object: 'project', id: 'shop', name: 'Shop', created_at: '2026-01-31T09:15:00.000Z' }],
  },
)
export type Project = Static<typeof ProjectSchema>

/** How many items a page may have. */
export const PageLimitSchema = Type.Optional(
  Type.String({
    pattern: '^(100|[1-9]\\d?)$',
    description: 'Items of a page, 1 to 100; 20 unless told.',
    examples: ['50'],
  }),
)

/** Query of a list: `after` is the `next_cursor` of the page before. */
export const PageQuerySchema = Type.Object(
  {
    limit: PageLimitSchema,
    after: Type.Optional(
      Type.String({ pattern: '^\\d{1,18}$', description: '`next_cursor` of the page before.', examples: ['42'] }),
    ),
  },
  closed,
)

/** Query of `GET /admin/v1/keys` and `GET /admin/v1/audit`: one project's, or all. */
export const ProjectPageQuerySchema = Type.Object(
  {
    ...PageQuerySchema.properties,
    project: Type.Optional(
      Type.String({ pattern: projectPattern, description: 'Of this project only.', examples: ['default'] }),
    ),
  },
  closed,
)

/** Query values as they arrive: text. */
export interface PageQuery {
  readonly limit?: string
  readonly after?: string
  readonly project?: string
}

/** A page of a list. */
export interface Page<Item> {
  readonly object: 'list'
  readonly data: readonly Item[]
  readonly has_more: boolean
  readonly next_cursor: string | null
}

/** Builds a page from up to `limit` + 1 items; the surplus one only says that there are more. */
export const pageOf = <Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursor: (row: Row) => string,
  present: (row: Row) => Item,
): Page<Item> => {
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  const more = rows.length > limit && last !== undefined
  return {
    object: 'list',
    data: kept.map(present),
    has_more: more,
    next_cursor: more ? cursor(last) : null,
  }
}

/** Schema of a page, for the reference. */
export const pageSchema = <Item extends TSchema>(item: Item, title: string) =>
  Type.Object(
    {
      object: Type.Literal('list'),
      data: Type.Array(item),
      has_more: Type.Boolean(),
      next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Send it as `after` for the next page.' }),
    },
    { title },
  )

/** Path of one key. */
export const KeyPathSchema = Type.Object({
  id: Type.String({ description: 'Id of the key: the middle part of `hg_sk_<id>_…`.', examples: ['7Qm2xW4kZ9tB'] }),
})

/** Answers of the lists of keys and of projects. */
export const KeyPageSchema = pageSchema(KeySchema, 'KeyPage')
export const ProjectPageSchema = pageSchema(ProjectSchema, 'ProjectPage')
