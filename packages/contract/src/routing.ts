import { type Static, Type } from 'typebox'
import { endpointNames } from './limits.ts'

/** Query of `POST /v1/route`. */
export const RouteQuerySchema = Type.Object(
  {
    operation: Type.Optional(
      Type.Enum(['chat', 'embeddings'], { default: 'chat', description: 'What the body asks for.' }),
    ),
  },
  { additionalProperties: false },
)

/** Where a request would go. */
export const RouteExplanationSchema = Type.Object(
  {
    object: Type.Literal('route'),
    model: Type.String({ description: 'The name that was asked for.' }),
    reason: Type.Union([Type.String(), Type.Null()], {
      description: 'Why the first target; null where the request names its model.',
    }),
    targets: Type.Array(
      Type.Object({
        model: Type.String({ description: 'In full, `provider/model`.' }),
        operations: Type.Array(Type.Enum([...endpointNames])),
        context_tokens: Type.Union([Type.Integer(), Type.Null()]),
      }),
      { description: 'In the order of tries, of which there are at most three.' },
    ),
    rejected: Type.Array(Type.Object({ model: Type.String(), reason: Type.String() }), {
      description: 'What was not chosen, and why; at most 100.',
    }),
  },
  {
    title: 'RouteExplanation',
    examples: [
      {
        object: 'route',
        model: 'auto:cheap',
        reason: 'cheap of 2 for chat: at most 0.00031 USD, 240 ms lately',
        targets: [{ model: 'groq/llama-3.1-8b-instant', operations: ['chat'], context_tokens: 131072 }],
        rejected: [{ model: 'openai/gpt-4', reason: 'its context of 8192 tokens is too small' }],
      },
    ],
  },
)
export type RouteExplanation = Static<typeof RouteExplanationSchema>
