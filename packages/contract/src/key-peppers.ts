import { type Static, Type } from 'typebox'
import { PageLimitSchema, pageSchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const time = Type.String({ format: 'date-time' })
const nullableTime = Type.Union([time, Type.Null()])

/** A generation of the pepper under which API keys are hashed. */
export const KeyPepperSchema = Type.Object(
  {
    object: Type.Literal('key_pepper'),
    generation: Type.Integer({ minimum: 1 }),
    id: Type.String({ description: 'Stands beside each hash; says nothing of the pepper.' }),
    state: Type.Enum(['active', 'retiring', 'destroyed'], {
      description: '`active` hashes what is new, `retiring` is still accepted, `destroyed` is accepted no more.',
    }),
    created_at: time,
    retired_at: nullableTime,
    keys: Type.Integer({ minimum: 0, description: 'API keys that may still be used and stand under it.' }),
  },
  { title: 'KeyPepper' },
)
export type KeyPepper = Static<typeof KeyPepperSchema>

/** Answer of `GET /admin/v1/key-peppers`. */
export const KeyPeppersSchema = Type.Object(
  {
    object: Type.Literal('key_peppers'),
    rotation: Type.Enum(['idle', 'overlapping'], {
      description: '`overlapping`: a former generation is accepted until it is retired.',
    }),
    data: Type.Array(KeyPepperSchema, { description: 'The newest first, at most 100.' }),
    unknown_keys: Type.Integer({
      minimum: 0,
      description: 'API keys that stand under no generation of this root key, and are recognised by nobody.',
    }),
  },
  { title: 'KeyPeppers' },
)
export type KeyPeppers = Static<typeof KeyPeppersSchema>

/** A key that was not used since the pepper was rotated. */
export const StandingKeySchema = Type.Object(
  {
    object: Type.Literal('standing_key'),
    id: Type.String(),
    name: Type.String(),
    project: Type.String(),
    last_used_at: nullableTime,
  },
  { title: 'StandingKey' },
)
export const StandingKeyPageSchema = pageSchema(StandingKeySchema, 'StandingKeyPage')
export type StandingKey = Static<typeof StandingKeySchema>

export const KeyPepperPathSchema = Type.Object({
  generation: Type.String({ pattern: '^[1-9]\\d{0,8}$', description: 'Generation of the pepper.', examples: ['1'] }),
})
export const StandingKeyQuerySchema = Type.Object(
  {
    limit: PageLimitSchema,
    after: Type.Optional(
      Type.String({ pattern: '^[0-9A-Za-z]{12}$', description: '`next_cursor` of the page before.' }),
    ),
  },
  closed,
)

/** Body of `POST /admin/v1/key-peppers/{generation}/retire`. */
export const RetirePepperSchema = Type.Object(
  {
    accept_loss: Type.Optional(
      Type.Boolean({ description: 'Retire it although keys stand under it: they are recognised no more.' }),
    ),
  },
  { ...closed, title: 'RetirePepper', examples: [{ accept_loss: false }] },
)
export type RetirePepper = Static<typeof RetirePepperSchema>
