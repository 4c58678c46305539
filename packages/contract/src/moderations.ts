import { Type } from 'typebox'
import { ModelNameSchema } from './inference.ts'

/** Body of `POST /v1/moderations`; for the reference, `gateway/media-wire.ts` reads it. */
export const ModerationRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    input: Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.Unknown(), { minItems: 1 })], {
      description: 'A text, several, or parts with texts and pictures; none of them blank.',
    }),
  },
  { title: 'ModerationRequest', examples: [{ model: 'demo', input: 'A friendly word.' }] },
)

/** The verdicts, as the provider gives them. */
export const ModerationsSchema = Type.Object(
  {
    id: Type.Optional(Type.String()),
    model: Type.Optional(Type.String()),
    results: Type.Array(Type.Object({ flagged: Type.Boolean() })),
  },
  { title: 'Moderations', examples: [{ id: 'modr-1', model: 'demo', results: [{ flagged: false }] }] },
)
