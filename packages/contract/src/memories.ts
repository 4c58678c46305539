import { type Static, Type } from 'typebox'
import { cursor, pageLimit } from './conversations.ts'
import { nullable } from './inference.ts'

const closed = { additionalProperties: false } as const
const second = (description: string) => Type.Integer({ description: `${description}, in seconds since 1970.` })

/** What a memory is about. There is none for instructions: what is remembered never tells a model what to do. */
export const memoryKinds = ['fact', 'preference', 'goal', 'event', 'relation', 'note'] as const
export type MemoryKind = (typeof memoryKinds)[number]
/** Where a memory comes from. */
export const memorySources = ['user', 'app', 'session', 'tool', 'file', 'import'] as const
export type MemorySource = (typeof memorySources)[number]

const kind = Type.Enum([...memoryKinds])
const scope = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$',
  maxLength: 64,
  description: 'A part of the app that it belongs to, such as `work`; `general` unless told.',
})
const confidence = Type.Number({ minimum: 0, maximum: 1, description: 'How sure it is, from 0 to 1.' })
const text = Type.String({ minLength: 1, maxLength: 4_000, description: 'One statement, in plain words.' })
const expiresAt = nullable(
  Type.Integer({ minimum: 0, maximum: 253_402_300_799, description: 'When it is forgotten, in seconds since 1970.' }),
)

/** What wrote a memory. */
export const MemoryOriginSchema = Type.Object(
  {
    type: Type.Enum([...memorySources]),
    id: Type.Optional(
      nullable(
        Type.String({
          minLength: 1,
          maxLength: 256,
          pattern: '^[^\\u0000]+$',
          description: 'Which one: the id of a session, the name of a tool or file.',
        }),
      ),
    ),
  },
  { ...closed, title: 'MemoryOrigin', examples: [{ type: 'tool', id: 'calendar' }] },
)
export type MemoryOrigin = Static<typeof MemoryOriginSchema>

/** Path of a memory. */
export const MemoryPathSchema = Type.Object({
  memory_id: Type.String({ description: '`id` of the memory.', examples: ['mem_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

const written = {
  kind: Type.Optional(kind),
  scope: Type.Optional(scope),
  confidence: Type.Optional(confidence),
  expires_at: Type.Optional(expiresAt),
}

/** Body of `POST /v1/memories`. */
export const CreateMemorySchema = Type.Object(
  { text, ...written, source: Type.Optional(MemoryOriginSchema) },
  {
    ...closed,
    title: 'CreateMemory',
    examples: [{ text: 'Prefers tea to coffee.', kind: 'preference', confidence: 0.9 }],
  },
)
export type CreateMemory = Static<typeof CreateMemorySchema>

/** Body of `PATCH /v1/memories/{memory_id}`. */
export const ChangeMemorySchema = Type.Object(
  {
    text: Type.Optional(text),
    ...written,
    confirmed: Type.Optional(
      Type.Literal(true, { description: 'It still holds: it is not stale any more. Any other change says so too.' }),
    ),
  },
  { ...closed, title: 'ChangeMemory', minProperties: 1, examples: [{ confidence: 0.5 }] },
)
export type ChangeMemory = Static<typeof ChangeMemorySchema>

const SourceSchema = Type.Object(
  {
    type: Type.Enum([...memorySources]),
    id: nullable(Type.String()),
    confidence,
    noted_at: second('When it said so'),
  },
  { ...closed, title: 'MemorySource' },
)

/** A memory. */
export const MemorySchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('memory'),
    text: Type.String(),
    kind,
    scope: Type.String(),
    confidence,
    sources: Type.Array(SourceSchema, { description: 'Everything that said so, the first first.' }),
    is_stale: Type.Boolean({ description: 'Nobody has said so for `memories.stale_days`.' }),
    expires_at: nullable(Type.Integer()),
    created_at: second('When it was first said'),
    updated_at: second('When it was last changed'),
    confirmed_at: second('When it was last said or confirmed'),
    etag: Type.String({ description: 'Its `ETag`, for `If-Match`.' }),
  },
  { ...closed, title: 'Memory' },
)
export type MemoryView = Static<typeof MemorySchema>

/** What `POST /v1/memories` answers. */
export const MemoryWrittenSchema = Type.Object(
  {
    ...MemorySchema.properties,
    was_merged: Type.Boolean({ description: 'It was known already: the source was added to what stood there.' }),
  },
  { ...closed, title: 'MemoryWritten' },
)

/** A page of memories. */
export const MemoryListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(MemorySchema),
    has_more: Type.Boolean(),
    next_cursor: nullable(Type.String()),
  },
  { ...closed, title: 'MemoryList' },
)

const narrowing = { kind: Type.Optional(kind), scope: Type.Optional(scope) }

/** Query of `GET /v1/memories`. */
export const MemoryListQuerySchema = Type.Object(
  {
    cursor: cursor('`next_cursor` of the page before.'),
    limit: pageLimit(20, 100),
    ...narrowing,
    stale: Type.Optional(
      Type.Enum(['true', 'false'], { description: '`true`: only those that are stale; `false`: only others.' }),
    ),
  },
  closed,
)
export type MemoryListQuery = Static<typeof MemoryListQuerySchema>

/** What `DELETE` answers. */
export const MemoryDeletedSchema = Type.Object(
  { id: Type.String(), object: Type.Literal('memory'), deleted: Type.Literal(true) },
  { ...closed, title: 'MemoryDeleted' },
)

/** Body of `POST /v1/memories/revoke`. */
export const RevokeMemoriesSchema = Type.Object(
  { source: MemoryOriginSchema },
  { ...closed, title: 'RevokeMemories', examples: [{ source: { type: 'tool', id: 'calendar' } }] },
)
export type RevokeMemories = Static<typeof RevokeMemoriesSchema>

/** What it did. */
export const MemoriesRevokedSchema = Type.Object(
  {
    object: Type.Literal('memory.revocation'),
    deleted: Type.Integer({ minimum: 0, description: 'Memories and proposals that had no other source.' }),
    kept: Type.Integer({
      minimum: 0,
      description: 'Memories that another source said too: this one was taken away from them.',
    }),
  },
  { ...closed, title: 'MemoriesRevoked' },
)

/** What is known about somebody. */
export const MemoriesAboutSchema = Type.Object(
  {
    object: Type.Literal('memory.about'),
    total: Type.Integer({ minimum: 0 }),
    omitted: Type.Integer({ minimum: 0, description: 'Older ones that are not told here: the export has them.' }),
    kinds: Type.Array(
      Type.Object(
        {
          kind,
          memories: Type.Array(
            Type.Object(
              {
                id: Type.String(),
                text: Type.String(),
                scope: Type.String(),
                confidence,
                sources: Type.Array(Type.String()),
                age: Type.String({ examples: ['3 days'] }),
                is_stale: Type.Boolean(),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    text: Type.String({ description: 'The same to be read, in Markdown.' }),
  },
  { ...closed, title: 'MemoriesAbout' },
)
export type MemoriesAbout = Static<typeof MemoriesAboutSchema>

/** One line of an export, and of what is brought in. */
export const MemoryLineSchema = Type.Object(
  {
    text,
    kind: Type.Optional(kind),
    scope: Type.Optional(scope),
    confidence: Type.Optional(confidence),
    expires_at: Type.Optional(expiresAt),
    sources: Type.Optional(
      Type.Array(
        Type.Object(
          {
            ...MemoryOriginSchema.properties,
            confidence: Type.Optional(confidence),
            noted_at: Type.Optional(Type.Integer({ minimum: 0, maximum: 253_402_300_799 })),
          },
          closed,
        ),
        { maxItems: 16 },
      ),
    ),
    created_at: Type.Optional(Type.Integer({ minimum: 0, maximum: 253_402_300_799 })),
    confirmed_at: Type.Optional(Type.Integer({ minimum: 0, maximum: 253_402_300_799 })),
  },
  { ...closed, title: 'MemoryLine' },
)
export type MemoryLine = Static<typeof MemoryLineSchema>

/** What bringing in did. */
export const MemoriesImportedSchema = Type.Object(
  {
    object: Type.Literal('memory.import'),
    imported: Type.Integer({ minimum: 0 }),
    merged: Type.Integer({ minimum: 0, description: 'Lines that were known already.' }),
  },
  { ...closed, title: 'MemoriesImported' },
)
