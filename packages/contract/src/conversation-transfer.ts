import { type Static, Type } from 'typebox'
import { AgentSchema, CreateSessionSchema, messageStatuses, SessionSettingsSchema } from './conversations.ts'
import { nullable } from './inference.ts'

const closed = { additionalProperties: false } as const
export const sessionFormats = ['json', 'markdown', 'html'] as const
export type SessionFormat = (typeof sessionFormats)[number]
/** Says what a document is, and how it is written. */
export const documentFormat = 'headgate.session/1'

/** Query of `GET /v1/sessions/{session_id}/export`. */
export const ExportQuerySchema = Type.Object(
  { format: Type.Optional(Type.Enum([...sessionFormats], { description: '`json` unless told.' })) },
  closed,
)

const name = Type.String({ minLength: 1, maxLength: 64 })
const time = Type.Integer({ minimum: 0, maximum: 253_402_300_799, description: 'Seconds since 1970.' })

const DocumentMessageSchema = Type.Object(
  {
    id: name,
    parent_id: nullable(name),
    message: Type.Object(
      { role: Type.String({ minLength: 1, maxLength: 32 }), content: Type.Optional(Type.Unknown()) },
      { description: 'In the words of `POST /v1/chat/completions`.' },
    ),
    status: Type.Optional(Type.Enum([...messageStatuses])),
    model: Type.Optional(nullable(Type.String({ maxLength: 256 }))),
    finish_reason: Type.Optional(nullable(Type.String({ maxLength: 64 }))),
    created_at: Type.Optional(time),
  },
  closed,
)
export type DocumentMessage = Static<typeof DocumentMessageSchema>

const { title, folder, pinned, archived, metadata } = CreateSessionSchema.properties

/** All of a session but for its messages. */
export const DocumentHeadSchema = Type.Object(
  {
    format: Type.Literal(documentFormat),
    ...{ title, folder, pinned, archived, metadata },
    agent: Type.Optional(nullable(AgentSchema)),
    settings: Type.Optional(nullable(SessionSettingsSchema)),
    active_leaf: Type.Optional(nullable(name)),
    created_at: Type.Optional(time),
  },
  closed,
)
export type DocumentHead = Static<typeof DocumentHeadSchema>

/** A session as a document. */
export const SessionDocumentSchema = Type.Object(
  { ...DocumentHeadSchema.properties, messages: Type.Array(DocumentMessageSchema) },
  {
    ...closed,
    title: 'SessionDocument',
    examples: [
      {
        format: documentFormat,
        title: 'Rivers',
        messages: [{ id: 'a', parent_id: null, message: { role: 'user', content: 'Name a river.' } }],
      },
    ],
  },
)
export type SessionDocument = Static<typeof SessionDocumentSchema>

/** Body of `POST /v1/sessions/import`. */
export const ImportSessionSchema = Type.Union(
  [
    Type.Object({ format: Type.Literal('json'), document: SessionDocumentSchema }, closed),
    Type.Object(
      {
        format: Type.Enum(['markdown', 'html']),
        document: Type.String({ minLength: 1, description: 'As it was exported; Markdown may be from elsewhere too.' }),
      },
      closed,
    ),
  ],
  {
    title: 'ImportSession',
    examples: [{ format: 'markdown', document: '# Rivers\n\n## User\n\nName a river.\n\n## Assistant\n\nThe Nile.\n' }],
  },
)
export type ImportSession = Static<typeof ImportSessionSchema>
