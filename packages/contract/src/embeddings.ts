import { Type } from 'typebox'
import { count, ModelNameSchema, nullable, TokenUsageSchema, UserSchema } from './inference.ts'

const tokens = Type.Array(Type.Integer(), { minItems: 1 })

/**
 * Body of `POST /v1/embeddings`; other members go to the provider as they were written. For the reference;
 * `gateway/openai-wire.ts` reads it.
 */
export const EmbeddingsRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    input: Type.Union(
      [
        Type.String({ minLength: 1 }),
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
        tokens,
        Type.Array(tokens, { minItems: 1 }),
      ],
      { description: 'A text, several, or their token numbers; none of them blank.' },
    ),
    dimensions: Type.Optional(nullable(Type.Integer())),
    encoding_format: Type.Optional(nullable(Type.String({ description: '`float` or `base64`.' }))),
    user: UserSchema,
  },
  { title: 'EmbeddingsRequest', examples: [{ model: 'demo', input: ['A first text', 'A second text'] }] },
)

/** The vectors, in the order of the input. */
export const EmbeddingsSchema = Type.Object(
  {
    object: Type.String({ description: '`list`.' }),
    data: Type.Array(
      Type.Object({
        object: Type.String({ description: '`embedding`.' }),
        index: count,
        embedding: Type.Union([
          Type.Array(Type.Number()),
          Type.String({ description: 'Base64 of little-endian float32.' }),
        ]),
      }),
    ),
    model: Type.String(),
    usage: Type.Optional(nullable(TokenUsageSchema)),
  },
  {
    title: 'Embeddings',
    examples: [
      {
        object: 'list',
        data: [{ object: 'embedding', index: 0, embedding: [0.12, -0.07, 0.33] }],
        model: 'text-embedding-3-small',
        usage: { prompt_tokens: 3, total_tokens: 3 },
      },
    ],
  },
)
