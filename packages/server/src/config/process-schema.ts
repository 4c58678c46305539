import { Type } from 'typebox'
import { group } from './schema-parts.ts'

/** Most worker processes of one machine. */
const MOST_WORKERS = 64

/** How many processes serve. */
export const WorkersSchema = Type.Union([Type.Integer({ minimum: 1, maximum: MOST_WORKERS }), Type.Enum(['auto'])], {
  default: 1,
  description:
    'Processes that serve on the one port; `auto`: as many as there are cores. They share the data folder, and count limits together.',
})

/** What stands before a process says that it has started. */
export const WarmSchema = group(
  {
    connections: Type.Integer({
      minimum: 1,
      maximum: 10,
      default: 2,
      description: 'Connections to PostgreSQL that are open when `/startupz` says ready, and that `/warmz` keeps open.',
    }),
    providers: Type.Boolean({
      default: false,
      description: 'Whether the start waits until each provider was reached, at most two seconds.',
    }),
  },
  'What is warmed before calls come.',
)

/** Whether the process waits for another one. */
export const StandbySchema = Type.Boolean({
  default: false,
  description:
    'Wait, loaded, until the process that has the data folder is gone, and take over. With the embedded PostgreSQL.',
})
