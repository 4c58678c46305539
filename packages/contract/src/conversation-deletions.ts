import { Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** What `DELETE` answers. */
export const SessionDeletedSchema = Type.Object(
  { id: Type.String(), object: Type.Literal('session'), deleted: Type.Literal(true) },
  { ...closed, title: 'ChatSessionDeleted' },
)

/** What `DELETE` of a message answers. */
export const MessageDeletedSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('session.message'),
    deleted: Type.Literal(true),
    deleted_count: Type.Integer({ minimum: 1, description: 'With those that followed it.' }),
  },
  { ...closed, title: 'SessionMessageDeleted' },
)
