import { Type } from 'typebox'
import { count, group } from './schema-parts.ts'

/** What bodies of requests may bring, and how many are held at once. */
export const BodySchema = group(
  {
    max_bytes: count('Largest request body of an inference call.', 33_554_432),
    max_total_bytes: Type.Optional(
      count(
        'Most bytes of request bodies held at once; more wait. Absent: a quarter of the memory that the process may have, a sixth of it beyond 160 MiB, 256 MiB at most, and always one of the longest.',
      ),
    ),
    max_wait_ms: Type.Integer({
      minimum: 0,
      maximum: 20_000,
      default: 10_000,
      description:
        'Longest that a body waits for room, unread, before its call is told to come again; 0: it is told so at once. A request must have arrived within 30 s, this wait included.',
    }),
  },
  'Request bodies.',
)
