import { type TSchema, Type } from 'typebox'
import { count, ModelNameSchema, nullable, UserSchema } from './inference.ts'

const optional = (schema: TSchema) => Type.Optional(nullable(schema))
const word = (description: string) => optional(Type.String({ maxLength: 64, pattern: '^[\\w.:-]+$', description }))
const file = (description: string) => Type.String({ format: 'binary', description })

const choices = {
  n: optional(Type.Integer({ minimum: 1, maximum: 10, description: 'How many; 1 unless told.' })),
  size: word('Such as `1024x1024`, or `auto`.'),
  quality: word('Such as `low`, `high` or `hd`.'),
  response_format: word('`url` or `b64_json`, of models that have the choice.'),
  user: UserSchema,
}

/** Body of `POST /v1/images/generations`; for the reference, `gateway/media-wire.ts` reads it. */
export const ImageRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    prompt: Type.String({ minLength: 1, description: 'What shall be seen; not blank.' }),
    ...choices,
    stream: optional(Type.Boolean({ description: 'Partial images as events, of models that have them.' })),
    store: optional(
      Type.Enum(['asset'], {
        description: 'What is made is kept as assets, as with `x-headgate-store`; no provider sees it.',
      }),
    ),
  },
  { title: 'ImageRequest', examples: [{ model: 'demo', prompt: 'A lighthouse in a storm', size: '512x512' }] },
)

/** Form of `POST /v1/images/edits`. */
export const ImageEditSchema = Type.Object(
  {
    model: ModelNameSchema,
    prompt: Type.String({ minLength: 1, description: 'What shall change; not blank.' }),
    image: file('The picture; several in `image[]`.'),
    mask: Type.Optional(file('Where it may change.')),
    ...choices,
    stream: optional(Type.Boolean({ description: 'Partial images as events, of models that have them.' })),
  },
  { title: 'ImageEdit' },
)

/** Form of `POST /v1/images/variations`. */
export const ImageVariationSchema = Type.Object(
  { model: ModelNameSchema, image: file('The picture.'), ...choices },
  { title: 'ImageVariation' },
)

const MediaUsageSchema = Type.Object(
  { input_tokens: count, output_tokens: count, total_tokens: Type.Optional(count) },
  { title: 'MediaUsage' },
)

/** The pictures, as the provider gives them. */
export const ImagesSchema = Type.Object(
  {
    created: Type.Optional(count),
    data: Type.Array(
      Type.Object({
        b64_json: Type.Optional(nullable(Type.String({ description: 'The file in base64.' }))),
        url: Type.Optional(nullable(Type.String({ description: 'Where the provider keeps it for a while.' }))),
        revised_prompt: Type.Optional(nullable(Type.String())),
      }),
    ),
    usage: Type.Optional(nullable(MediaUsageSchema)),
  },
  { title: 'Images', examples: [{ created: 1_769_850_900, data: [{ b64_json: 'iVBORw0KGgo…' }] }] },
)

/** An event of a streamed picture; the last is of type `….completed`. */
export const ImageEventSchema = Type.Object(
  {
    type: Type.String({ description: '`image_generation.partial_image`, `image_generation.completed` and the like.' }),
    b64_json: Type.Optional(Type.String()),
    partial_image_index: Type.Optional(count),
    usage: Type.Optional(nullable(MediaUsageSchema)),
  },
  { title: 'ImageEvent' },
)
