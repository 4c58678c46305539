import { type Static, Type } from 'typebox'
import { cursor, pageLimit, SessionMessageSchema, SessionSchema } from './conversations.ts'
import { nullable } from './inference.ts'

const closed = { additionalProperties: false } as const
const seconds = (description: string) =>
  Type.Optional(
    Type.String({ maxLength: 12, pattern: '^\\d{1,12}$', description: `${description}, in seconds since 1970.` }),
  )

/** Query of `GET /v1/sessions/search`. */
export const SearchQuerySchema = Type.Object(
  {
    q: Type.String({
      minLength: 1,
      maxLength: 400,
      description:
        'Words that a message has, all of them; `"in quotes"` one after another, `or` between them either, `-` before one without it.',
    }),
    session_id: Type.Optional(Type.String({ maxLength: 64, pattern: '^ses_[0-9A-Z]{26}$' })),
    role: Type.Optional(Type.Enum(['system', 'developer', 'user', 'assistant', 'tool'])),
    from: seconds('Written then or later'),
    to: seconds('Written before'),
    folder: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    archived: Type.Optional(
      Type.Enum(['true', 'false'], { description: 'In sessions of the archive, or in others; in all unless told.' }),
    ),
    pinned: Type.Optional(Type.Enum(['true', 'false'])),
    cursor: cursor('`next_cursor` of the page before.'),
    limit: pageLimit(20, 100),
  },
  closed,
)
export type SearchQuery = Static<typeof SearchQuerySchema>

/** A message that was found. */
const MatchSchema = Type.Object(
  {
    object: Type.Literal('session.match'),
    session_id: Type.String(),
    title: nullable(Type.String(), { description: 'Of the session.' }),
    message_id: Type.String(),
    role: Type.String(),
    snippet: Type.String({ description: 'Plain text around the first word that was found.' }),
    created_at: Type.Integer(),
  },
  { ...closed, title: 'SessionMatch' },
)
export type MatchView = Static<typeof MatchSchema>

/** What was found, the latest message first. */
export const MatchListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(MatchSchema),
    has_more: Type.Boolean(),
    next_cursor: nullable(Type.String()),
  },
  { ...closed, title: 'SessionMatchList' },
)

/** Query of `GET /v1/sync`. */
export const SyncQuerySchema = Type.Object(
  {
    since: Type.Optional(
      Type.String({
        maxLength: 40,
        pattern: '^s\\d{1,15}(-\\d{1,15})?$',
        description: '`next_cursor` of the answer before; absent: from the beginning.',
      }),
    ),
    limit: pageLimit(100, 500),
  },
  closed,
)
export type SyncQuery = Static<typeof SyncQuerySchema>

/** That something is gone. */
const DeletedSchema = Type.Object(
  {
    object: Type.Literal('deleted'),
    kind: Type.Enum(['session', 'session.message'], { description: 'A session goes with all of its messages.' }),
    id: Type.String(),
    session_id: Type.String(),
  },
  { ...closed, title: 'DeletedItem' },
)
export type DeletedView = Static<typeof DeletedSchema>

/** What has changed, in the order in which it did. */
export const SyncListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(Type.Union([SessionSchema, SessionMessageSchema, DeletedSchema])),
    has_more: Type.Boolean(),
    next_cursor: Type.String({ description: 'Also where there is no more: to ask again with, later.' }),
  },
  { ...closed, title: 'SyncList' },
)
