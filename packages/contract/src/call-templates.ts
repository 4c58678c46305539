import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const pointer = (description: string) =>
  Type.Optional(Type.String({ pattern: '^(/[^/]*)+$', maxLength: 500, description }))

const CallTemplateSchema = Type.Object(
  {
    method: Type.Enum(['GET', 'POST']),
    path: Type.String({
      pattern: '^/[^\\s#]*$',
      maxLength: 2_000,
      description: 'Below `base_url`, with its query; values are written as in an address.',
    }),
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }), Type.String({ maxLength: 1_000 }), {
        additionalProperties: false,
        maxProperties: 20,
        description: 'Headers of this call, with places for values.',
      }),
    ),
    body: Type.Optional(Type.String({ maxLength: 100_000, description: 'Of `POST`, with places for values.' })),
    content_type: Type.Optional(
      Type.String({
        pattern: '^[a-z]+/[A-Za-z0-9.+-]+(; ?charset=utf-8)?$',
        maxLength: 200,
        description: 'Of the body; `application/json` when absent.',
      }),
    ),
    answer: Type.Object(
      {
        text: pointer('JSON pointer to the text of the answer.'),
        base64: pointer('JSON pointer to the bytes as base64, or to a list of them.'),
        url: pointer('JSON pointer to the address of a picture, or to a list of them.'),
        type: Type.Optional(
          Type.String({
            pattern: '^[a-z]+/([A-Za-z0-9.+-]+|\\*)$',
            maxLength: 200,
            description: 'Type of the bytes; alone: the body itself is the answer.',
          }),
        ),
      },
      closed,
    ),
  },
  closed,
)

/** Of a provider of kind `http`: how each operation is asked for. */
export const CallTemplatesSchema = Type.Object(
  {
    chat: Type.Optional(CallTemplateSchema),
    images: Type.Optional(CallTemplateSchema),
    speech: Type.Optional(CallTemplateSchema),
  },
  { ...closed, minProperties: 1, description: 'Of `http`: how each operation is asked for.' },
)
export type CallTemplates = Static<typeof CallTemplatesSchema>
