import { type Static, Type } from 'typebox'
import { nullable } from './inference.ts'
import { memoryKinds, MemorySchema } from './memories.ts'

const closed = { additionalProperties: false } as const
const part = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })

/** Body of `POST /v1/memories/search`. */
export const SearchMemoriesSchema = Type.Object(
  {
    query: Type.String({ minLength: 1, maxLength: 2_000, description: 'What is looked for, in plain words.' }),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: '10 unless told.' })),
    kind: Type.Optional(Type.Enum([...memoryKinds])),
    scope: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    min_score: Type.Optional(part('What scores less is left out.')),
  },
  { ...closed, title: 'SearchMemories', examples: [{ query: 'What do they like to drink?', limit: 5 }] },
)
export type SearchMemories = Static<typeof SearchMemoriesSchema>

/** What was found, and why. */
export const MemoryMatchesSchema = Type.Object(
  {
    object: Type.Literal('list'),
    mode: Type.Enum(['hybrid', 'text'], {
      description: '`text`: no model told the meaning, and only words were compared.',
    }),
    model: nullable(Type.String(), { description: 'The model that told the meaning.' }),
    notice: nullable(Type.String(), { description: 'Why only words were compared, or some memories only by them.' }),
    weights: Type.Object(
      { vector: Type.Number(), text: Type.Number(), recency: Type.Number(), confidence: Type.Number() },
      { ...closed, description: 'What each part of a score counts for; the score is their sum.' },
    ),
    data: Type.Array(
      Type.Object(
        {
          object: Type.Literal('memory.match'),
          score: part('The parts, each times its weight.'),
          scores: Type.Object(
            {
              vector: nullable(part('Nearness of meaning: the cosine.'), {
                description: 'Null: it has no vector yet.',
              }),
              text: part('How many of the words it has, rare ones counting more.'),
              recency: part('Half after 90 days without being said or confirmed.'),
              confidence: part('How sure it is.'),
            },
            closed,
          ),
          memory: MemorySchema,
        },
        closed,
      ),
    ),
  },
  { ...closed, title: 'MemoryMatches' },
)
export type MemoryMatches = Static<typeof MemoryMatchesSchema>
