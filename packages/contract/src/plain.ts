import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const flag = Type.Optional(Type.Enum(['true', 'false']))
const safe = Type.Optional(
  Type.Enum(['true', 'false', 'strict'], {
    description:
      'What the safety checks shall do of it, as `x-headgate-safe` says: more than its project has, never less.',
  }),
)
const number = (pattern: string, description: string) =>
  Type.Optional(Type.String({ pattern, maxLength: 20, description }))
const model = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 256,
    description: 'A model of `GET /v1/models`; absent: that of the configuration.',
  }),
)
const key = Type.Optional(
  Type.String({
    maxLength: 256,
    description: 'A publishable key, where no header can be sent. It must be asked from a page of its origins.',
  }),
)
const seed = number('^-?\\d{1,10}$', 'The same seed may give the same answer.')

/** Path of `GET /image/{prompt}` and `GET /text/{prompt}`. */
export const PlainPathSchema = Type.Object({
  prompt: Type.String({
    description: 'What is asked, percent-encoded.',
    examples: ['A%20lighthouse%20in%20a%20storm'],
  }),
})

/** Query of `GET /image/{prompt}`. */
export const PlainImageQuerySchema = Type.Object(
  {
    model,
    width: number('^\\d{2,4}$', 'Pixels; 1024 unless told, where `height` is.'),
    height: number('^\\d{2,4}$', 'Pixels; 1024 unless told, where `width` is.'),
    seed,
    enhance: flag,
    safe,
    store: Type.Optional(
      Type.Enum(['asset'], { description: 'The picture is kept as an asset, which `x-headgate-asset` names.' }),
    ),
    key,
  },
  { ...closed, title: 'PlainImageQuery' },
)
export type PlainImageQuery = Static<typeof PlainImageQuerySchema>

/** Query of `GET /text/{prompt}`. */
export const PlainTextQuerySchema = Type.Object(
  {
    model,
    system: Type.Optional(Type.String({ maxLength: 8_192, description: 'How the model shall behave.' })),
    json: flag,
    stream: flag,
    safe,
    seed,
    key,
  },
  { ...closed, title: 'PlainTextQuery' },
)
export type PlainTextQuery = Static<typeof PlainTextQuerySchema>

/** The file. */
export const PictureSchema = Type.String({ format: 'binary', title: 'Picture' })
