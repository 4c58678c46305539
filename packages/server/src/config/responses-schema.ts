import { Type } from 'typebox'
import { group } from './schema-parts.ts'

/** Responses that are kept for the conversation to go on. */
export const ResponsesSchema = group(
  {
    keep_days: Type.Integer({
      minimum: 1,
      maximum: 3_650,
      default: 30,
      description: 'Days that a response of `POST /v1/responses` is kept, unless its request says `"store": false`.',
    }),
  },
  'Responses that are kept.',
)
