import { Type } from 'typebox'
import { count, group } from './schema-parts.ts'

const seconds = (description: string, initial: number) =>
  Type.Integer({ minimum: 0, maximum: 2_592_000, default: initial, description })

/** Answers that are given again to the same request. */
export const CacheSchema = group(
  {
    store: Type.Enum(['memory', 'redis', 'postgres', 'none'], {
      default: 'memory',
      description:
        'Where answers are kept: in the memory of each process, or sealed in Redis or PostgreSQL for all replicas; `none`: nowhere.',
    }),
    models: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Models, as callers name them, whose answers are cached without being asked to; `*`: all. Calls decide for themselves by `x-headgate-cache`.',
    }),
    operations: Type.Array(Type.Enum(['chat', 'embeddings', 'images', 'speech']), {
      default: ['chat', 'embeddings', 'images', 'speech'],
      description: 'Kinds of calls that may be cached.',
    }),
    max_age_seconds: seconds('How old an answer may be where the call does not say.', 3_600),
    stale_seconds: seconds(
      'How long after that it is still given while a new one is fetched, where the call does not say; 0: not at all.',
      0,
    ),
    longest_seconds: seconds('Most that a call may ask for, of both together.', 86_400),
    max_bytes: count('Most bytes kept in the memory of one process; the answers longest unused go first.', 67_108_864),
    max_answer_bytes: count('Longest answer kept.', 4_194_304),
  },
  'Answers that are given again to the same request, where calls or models ask for it.',
)
