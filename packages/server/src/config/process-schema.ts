import { Type } from 'typebox'

/** Most worker processes of one machine. */
const MOST_WORKERS = 64

/** How many processes serve. */
export const WorkersSchema = Type.Union([Type.Integer({ minimum: 1, maximum: MOST_WORKERS }), Type.Enum(['auto'])], {
  default: 1,
  description:
    'Processes that serve on the one port; `auto`: as many as there are cores. They share the data folder, and count limits together.',
})
