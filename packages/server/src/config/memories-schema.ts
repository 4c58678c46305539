import { count, group } from './schema-parts.ts'

/** What is remembered about people. */
export const MemoriesSchema = group(
  {
    max_memories: count('Most memories of one person, or of a project for calls that name nobody.', 5_000),
    stale_days: count('Days after which a memory that nobody said again is told as stale.', 180),
  },
  'Memories at `/v1/memories`.',
)
