import { type Static, Type } from 'typebox'
import { ModelNameSchema, nullable } from './inference.ts'

const closed = { additionalProperties: false } as const
const second = (description: string) => Type.Integer({ description: `${description}, in seconds since 1970.` })
const sessionId = Type.String({ description: '`id` of the session.', examples: ['ses_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] })
const messageId = Type.String({ description: '`id` of the message.', examples: ['msg_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] })
/** An id in a body or a query. */
const named = (prefix: 'ses' | 'msg', description: string) =>
  Type.String({ maxLength: 64, pattern: `^${prefix}_[0-9A-Z]{26}$`, description })
/** A place in a list, as its page before gave it. */
export const cursor = (description: string) =>
  Type.Optional(Type.String({ maxLength: 128, pattern: '^[\\w-]{1,128}$', description }))
/** How many of a list are wanted. */
export const pageLimit = (usual: number, most: number) =>
  Type.Optional(
    Type.String({
      maxLength: 4,
      pattern: '^[1-9]\\d{0,3}$',
      description: `How many; ${usual} unless told, ${most} at most.`,
    }),
  )
const yesOrNo = (description: string) => Type.Optional(Type.Enum(['true', 'false'], { description }))

/** Path of a session. */
export const SessionPathSchema = Type.Object({ session_id: sessionId })
/** Path of a message. */
export const SessionMessagePathSchema = Type.Object({ session_id: sessionId, message_id: messageId })

/** Who answers in a session: what calls get that name the session and do not say otherwise themselves. */
export const AgentSchema = Type.Object(
  {
    model: Type.Optional(ModelNameSchema),
    system: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100_000, description: 'Stands before every call as its system message.' }),
    ),
    tools: Type.Optional(
      Type.Array(Type.Object({ type: Type.String({ maxLength: 64 }) }), {
        maxItems: 128,
        description: 'As in `POST /v1/chat/completions`.',
      }),
    ),
    parameters: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z_]{1,64}$' }), Type.Unknown(), {
        maxProperties: 32,
        additionalProperties: false,
        description: 'Further members of the call, such as `temperature`.',
      }),
    ),
  },
  { ...closed, title: 'SessionAgent' },
)
export type Agent = Static<typeof AgentSchema>

/** How a session is carried on. */
export const SessionSettingsSchema = Type.Object(
  {
    context_tokens: Type.Optional(
      Type.Integer({
        minimum: 256,
        maximum: 2_000_000,
        description: 'Most tokens of former messages that a call gets; absent: `sessions.context_tokens`.',
      }),
    ),
    summary_model: Type.Optional(ModelNameSchema),
  },
  { ...closed, title: 'SessionSettings' },
)
export type SessionSettings = Static<typeof SessionSettingsSchema>

const MetadataSchema = Type.Record(Type.String({ pattern: '^[^\\u0000]{1,64}$' }), Type.String({ maxLength: 512 }), {
  maxProperties: 16,
  additionalProperties: false,
})
const title = Type.String({ minLength: 1, maxLength: 200 })
const folder = Type.String({ minLength: 1, maxLength: 200 })

/** Body of `POST /v1/sessions`. */
export const CreateSessionSchema = Type.Object(
  {
    title: Type.Optional(nullable(title, { description: 'Absent: the beginning of what is asked first.' })),
    folder: Type.Optional(nullable(folder)),
    pinned: Type.Optional(Type.Boolean()),
    archived: Type.Optional(Type.Boolean()),
    agent: Type.Optional(nullable(AgentSchema)),
    settings: Type.Optional(nullable(SessionSettingsSchema)),
    metadata: Type.Optional(nullable(MetadataSchema)),
  },
  {
    ...closed,
    title: 'CreateChatSession',
    examples: [{ title: 'Rivers', agent: { model: 'demo', system: 'Answer in one sentence.' } }],
  },
)
export type CreateSession = Static<typeof CreateSessionSchema>

/** Body of `PATCH /v1/sessions/{session_id}`. */
export const ChangeSessionSchema = Type.Object(
  {
    ...CreateSessionSchema.properties,
    active_leaf: Type.Optional(
      nullable(named('msg', 'Last message of the branch that goes on; null: the next message begins anew.')),
    ),
  },
  { ...closed, title: 'ChangeChatSession', minProperties: 1, examples: [{ title: 'Rivers of Asia', pinned: true }] },
)
export type ChangeSession = Static<typeof ChangeSessionSchema>

/** A session. */
export const SessionSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('session'),
    title: nullable(Type.String()),
    folder: nullable(Type.String()),
    pinned: Type.Boolean(),
    archived: Type.Boolean(),
    agent: nullable(AgentSchema),
    settings: nullable(SessionSettingsSchema),
    metadata: nullable(MetadataSchema),
    active_leaf: nullable(Type.String(), { description: 'Last message of the branch that goes on.' }),
    message_count: Type.Integer({ minimum: 0, description: 'Messages of all branches.' }),
    created_at: second('When it was made'),
    updated_at: second('When it or a message of it was last changed'),
    etag: Type.String({ description: 'Its `ETag`, for `If-Match`.' }),
  },
  { ...closed, title: 'ChatSession' },
)
export type SessionView = Static<typeof SessionSchema>

const listOf = (item: typeof SessionSchema | typeof SessionMessageSchema, name: string) =>
  Type.Object(
    {
      object: Type.Literal('list'),
      data: Type.Array(item),
      has_more: Type.Boolean(),
      next_cursor: nullable(Type.String()),
    },
    { ...closed, title: name },
  )

/** Query of `GET /v1/sessions`. */
export const SessionListQuerySchema = Type.Object(
  {
    cursor: cursor('`next_cursor` of the page before.'),
    limit: pageLimit(20, 100),
    archived: yesOrNo('`true`: those in the archive; others unless told.'),
    pinned: yesOrNo('Those that are pinned, or not.'),
    folder: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    title: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Words that the title has, all of them, in whatever case.',
      }),
    ),
  },
  closed,
)
export type SessionListQuery = Static<typeof SessionListQuerySchema>

const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const
const text = Type.String({ maxLength: 10_000_000 })

/** One part of a message, in the words of `POST /v1/chat/completions`. */
const PartSchema = Type.Union([
  Type.Object({ type: Type.Literal('text'), text }, closed),
  Type.Object(
    {
      type: Type.Literal('image_url'),
      image_url: Type.Object({ url: text, detail: Type.Optional(Type.String({ maxLength: 16 })) }, closed),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('input_audio'),
      input_audio: Type.Object({ data: text, format: Type.String({ maxLength: 16 }) }, closed),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('file'),
      file: Type.Object(
        {
          file_id: Type.Optional(Type.String({ maxLength: 256 })),
          file_data: Type.Optional(text),
          filename: Type.Optional(Type.String({ maxLength: 256 })),
        },
        closed,
      ),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('refusal'), refusal: text }, closed),
])

/** A message as callers write it. */
export const WrittenMessageSchema = Type.Object(
  {
    role: Type.Enum([...roles]),
    content: Type.Optional(nullable(Type.Union([text, Type.Array(PartSchema, { maxItems: 256 })]))),
    name: Type.Optional(Type.String({ maxLength: 256 })),
    refusal: Type.Optional(nullable(text)),
    tool_calls: Type.Optional(
      Type.Array(
        Type.Object(
          {
            id: Type.String({ maxLength: 256 }),
            type: Type.Literal('function'),
            function: Type.Object({ name: Type.String({ maxLength: 256 }), arguments: text }, closed),
          },
          closed,
        ),
        { maxItems: 128 },
      ),
    ),
    tool_call_id: Type.Optional(Type.String({ maxLength: 256 })),
  },
  { ...closed, title: 'WrittenMessage', examples: [{ role: 'user', content: 'Which river is the longest?' }] },
)
export type WrittenMessage = Static<typeof WrittenMessageSchema>

/** Body of `POST /v1/sessions/{session_id}/messages`. */
export const AddMessageSchema = Type.Object(
  {
    message: WrittenMessageSchema,
    parent_id: Type.Optional(
      nullable(named('msg', 'The message it follows; null: it begins a branch; absent: the active leaf.')),
    ),
    edits: Type.Optional(named('msg', 'The message that it stands in the place of, as a branch beside it.')),
    active: Type.Optional(Type.Boolean({ description: 'False: the active leaf stays as it is.' })),
  },
  {
    ...closed,
    title: 'AddMessage',
    examples: [{ message: { role: 'user', content: 'Which river is the longest?' } }],
  },
)
export type AddMessage = Static<typeof AddMessageSchema>

export const messageStatuses = ['complete', 'in_progress', 'incomplete'] as const
export type MessageStatus = (typeof messageStatuses)[number]

/** A message of a session. */
export const SessionMessageSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('session.message'),
    session_id: Type.String(),
    parent_id: nullable(Type.String(), { description: 'The message before it; null where a branch begins.' }),
    message: Type.Object(
      { role: Type.String(), content: Type.Optional(Type.Unknown()) },
      { description: 'As it goes into and comes out of `POST /v1/chat/completions`.' },
    ),
    status: Type.Enum([...messageStatuses], {
      description: '`incomplete`: the answer broke off, and this is what had come.',
    }),
    model: nullable(Type.String(), { description: 'The model that answered.' }),
    request_id: nullable(Type.String(), { description: 'The call that it came with.' }),
    finish_reason: nullable(Type.String()),
    tokens: Type.Integer({ minimum: 0, description: 'What it counts for in the context.' }),
    created_at: second('When it was made'),
  },
  { ...closed, title: 'SessionMessage' },
)
export type SessionMessageView = Static<typeof SessionMessageSchema>

/** Query of `GET /v1/sessions/{session_id}/messages`. */
export const MessageListQuerySchema = Type.Object(
  {
    cursor: cursor('`next_cursor` of the page before.'),
    limit: pageLimit(50, 200),
    leaf: Type.Optional(named('msg', 'Last message of the branch that is read; absent: the active leaf.')),
    branches: Type.Optional(
      Type.Enum(['one', 'all'], {
        description: '`one`: from the leaf back to the beginning; `all`: as they were made.',
      }),
    ),
  },
  closed,
)
export type MessageListQuery = Static<typeof MessageListQuerySchema>

export const SessionListSchema = listOf(SessionSchema, 'ChatSessionList')
export const SessionMessageListSchema = listOf(SessionMessageSchema, 'SessionMessageList')
