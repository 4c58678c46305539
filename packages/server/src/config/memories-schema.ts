import { Type } from 'typebox'
import { count, group } from './schema-parts.ts'

const model = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 256, description }))

/** What is remembered about people. */
export const MemoriesSchema = group(
  {
    max_memories: count('Most memories of one person, or of a project for calls that name nobody.', 5_000),
    stale_days: count('Days after which a memory that nobody said again is told as stale.', 180),
    recall_tokens: Type.Integer({
      minimum: 128,
      maximum: 100_000,
      default: 1_000,
      description: 'Most tokens of memories that a call with `x-headgate-memory: on` is given.',
    }),
    embedding_model: model(
      'Model that tells what memories mean; absent: the one of this machine where `local_engines` is on, else none.',
    ),
    extract_model: model(
      'Model that learns from sessions, one that keeps to JSON schemas; absent: nothing is learned.',
    ),
    auto_accept: Type.Boolean({
      default: false,
      description: 'What is learned from sessions is remembered at once, without a person who accepts it.',
    }),
  },
  'Memories at `/v1/memories`.',
)
