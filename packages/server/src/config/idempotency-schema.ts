import { Type } from 'typebox'
import { count, group } from './schema-parts.ts'

/** How retries that name themselves are recognised. */
export const IdempotencySchema = group(
  {
    keep_hours: Type.Integer({
      minimum: 1,
      maximum: 720,
      default: 24,
      description: 'Hours that the answer to a request with an `Idempotency-Key` is kept for its retries.',
    }),
    max_answer_bytes: count('Longest answer kept; a retry after a longer one is refused.', 8_388_608),
  },
  'Retries of requests with an `Idempotency-Key`.',
)
