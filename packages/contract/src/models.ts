import { type Static, Type } from 'typebox'
import { endpointNames } from './limits.ts'

/** What Headgate adds to an entry of OpenAI's model list. */
const ModelFacts = Type.Object({
  provider: Type.String({ description: 'Name of the provider in the configuration.' }),
  model: Type.String({ description: 'The model as its provider names it.' }),
  operations: Type.Array(Type.Enum([...endpointNames]), { description: 'What it can be asked to do.' }),
  context_tokens: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Most tokens of prompt and answer together; null when unknown.',
  }),
  max_output_tokens: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Most tokens of one answer; null when unknown.',
  }),
})

/** One model, in OpenAI's shape. */
export const ModelEntry = Type.Object(
  {
    id: Type.String({ description: 'The name to call it by, `provider/model`.' }),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Seconds since the epoch; 0 when the provider does not say.' }),
    owned_by: Type.String(),
    headgate: ModelFacts,
  },
  {
    title: 'Model',
    examples: [
      {
        id: 'openai/gpt-4o-mini',
        object: 'model',
        created: 1721172741,
        owned_by: 'openai',
        headgate: {
          provider: 'openai',
          model: 'gpt-4o-mini',
          operations: ['chat'],
          context_tokens: 128000,
          max_output_tokens: 16384,
        },
      },
    ],
  },
)

/** Path of one model. */
export const ModelPathSchema = Type.Object({
  model: Type.String({
    description: 'Its name; a slash may stand as it is or as `%2F`.',
    examples: ['openai/gpt-4o-mini'],
  }),
})

/** `GET /v1/models`: everything that the key may call. */
export const ModelList = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(ModelEntry),
    has_more: Type.Literal(false),
    next_cursor: Type.Null(),
  },
  { title: 'ModelList' },
)

export type ModelEntry = Static<typeof ModelEntry>
export type ModelList = Static<typeof ModelList>
