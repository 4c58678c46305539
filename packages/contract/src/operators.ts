import { type Static, Type } from 'typebox'
import { PageLimitSchema, pageSchema } from './keys.ts'
import { roles } from './roles.ts'

const closed = { additionalProperties: false } as const
const line = (most: number) => Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const nullable = Type.Union([Type.String(), Type.Null()])
const RoleSchema = Type.Enum([...roles])
const OperatorStateSchema = Type.Enum(['active', 'disabled'])
const operatorId = Type.String({ pattern: '^op_[0-9A-Z]{26}$', examples: ['op_01KG9V6V80Q3M5YJ8T2N4R7WXA'] })

/** Body of `POST /admin/v1/operators`. */
export const CreateOperatorSchema = Type.Object(
  { name: line(200), role: RoleSchema },
  { ...closed, title: 'CreateOperator', examples: [{ name: 'Night shift', role: 'support' }] },
)
export type CreateOperator = Static<typeof CreateOperatorSchema>

/** Body of `PATCH /admin/v1/operators/:id`; what is absent stays. */
export const UpdateOperatorSchema = Type.Object(
  { name: Type.Optional(line(200)), role: Type.Optional(RoleSchema), state: Type.Optional(OperatorStateSchema) },
  { ...closed, minProperties: 1, title: 'UpdateOperator', examples: [{ state: 'disabled' }] },
)
export type UpdateOperator = Static<typeof UpdateOperatorSchema>

/** Somebody who runs this Headgate. */
export const OperatorSchema = Type.Object(
  {
    object: Type.Literal('operator'),
    id: Type.String({ description: 'How the audit names them.' }),
    name: Type.String(),
    role: RoleSchema,
    state: OperatorStateSchema,
    created_at: Type.String(),
  },
  { title: 'Operator' },
)
export type OperatorView = Static<typeof OperatorSchema>

export const OperatorPathSchema = Type.Object({ id: Type.String({ description: 'Id of the operator.' }) }, closed)
export const OperatorPageSchema = pageSchema(OperatorSchema, 'OperatorPage')

/** Body of `POST /admin/v1/sessions`. */
export const CreateSessionSchema = Type.Object(
  {
    operator: operatorId,
    expires_in_seconds: Type.Optional(
      Type.Integer({ minimum: 60, maximum: 30 * 86_400, description: 'How long it holds; 12 hours unless told.' }),
    ),
  },
  { ...closed, title: 'CreateSession', examples: [{ operator: 'op_01KG9V6V80Q3M5YJ8T2N4R7WXA' }] },
)
export type CreateSession = Static<typeof CreateSessionSchema>

/** A session of an operator; its token is never part of it. */
export const SessionSchema = Type.Object(
  {
    object: Type.Literal('operator_session'),
    id: Type.String(),
    operator: Type.String(),
    created_at: Type.String(),
    expires_at: Type.String(),
    revoked_at: nullable,
  },
  { title: 'OperatorSession' },
)
export type SessionView = Static<typeof SessionSchema>

/** A new session: the only answer that carries the token. */
export const SessionWithTokenSchema = Type.Intersect(
  [SessionSchema, Type.Object({ token: Type.String({ description: 'Shown this once; send it as the bearer.' }) })],
  { title: 'OperatorSessionWithToken' },
)
export const SessionPathSchema = Type.Object({ id: Type.String({ description: 'Id of the session.' }) }, closed)
export const SessionPageSchema = pageSchema(SessionSchema, 'OperatorSessionPage')

/** Query of the lists: `after` is the `next_cursor` of the page before. */
export const OperatorQuerySchema = Type.Object(
  {
    limit: PageLimitSchema,
    after: Type.Optional(
      Type.String({ pattern: '^[a-z]{2,4}_[0-9A-Z]{26}$', description: '`next_cursor` of the page before.' }),
    ),
  },
  closed,
)
