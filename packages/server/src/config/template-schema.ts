import { Type } from 'typebox'
import { group } from './schema-parts.ts'

const pointer = (description: string) => Type.Optional(Type.String({ pattern: '^(/[^/]*)+$', description }))

const CallTemplateSchema = group(
  {
    method: Type.Enum(['GET', 'POST'], { description: 'How it is asked for.' }),
    path: Type.String({
      pattern: '^/[^\\s#]*$',
      maxLength: 2_000,
      description: 'Below `base_url`, with its query; values are written as in an address.',
    }),
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }), Type.String({ maxLength: 1_000 }), {
        additionalProperties: false,
        description: 'Headers of this call, with places for values.',
      }),
    ),
    body: Type.Optional(
      Type.String({
        maxLength: 100_000,
        description:
          'Of `POST`: values are written as JSON, inside of quotes as its text; in a form as in an address; in XML and HTML as text.',
      }),
    ),
    content_type: Type.Optional(
      Type.String({
        pattern: '^[a-z]+/[A-Za-z0-9.+-]+(; ?charset=utf-8)?$',
        description: 'Of the body; `application/json` when absent.',
      }),
    ),
    answer: group(
      {
        text: pointer('JSON pointer to the text of the answer.'),
        base64: pointer('JSON pointer to the bytes as base64, or to a list of them.'),
        url: pointer('JSON pointer to the address of a picture, or to a list of them.'),
        type: Type.Optional(
          Type.String({
            pattern: '^[a-z]+/([A-Za-z0-9.+-]+|\\*)$',
            description:
              'Type of the bytes; alone: the body itself is the answer and must be of it, such as `image/*`.',
          }),
        ),
      },
      'Where the answer is.',
    ),
  },
  'How one operation is asked for.',
)

/** Of providers of kind `http`, by operation. */
export const TemplatesSchema = group(
  {
    chat: Type.Optional(CallTemplateSchema),
    images: Type.Optional(CallTemplateSchema),
    speech: Type.Optional(CallTemplateSchema),
  },
  'Of `http`: how each operation is asked for.',
)
