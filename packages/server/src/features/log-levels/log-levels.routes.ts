import {
  type LogLevels,
  LogLevelsSchema,
  type UpdateLogLevels,
  UpdateLogLevelsSchema,
} from '@headgate/contract/log-levels.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'

interface LogLevelRoutes {
  readonly show: () => Promise<LogLevels>
  readonly change: (update: UpdateLogLevels, by: Pick<AdminInput, 'actor' | 'requestId'>) => Promise<LogLevels>
}

/** What operators can ask of the log. */
export const logLevelRoutes = ({ show, change }: LogLevelRoutes): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/log-levels',
    access: 'admin',
    permission: 'logs:read',
    summary: 'Shows the level of each part of the log, and what decided it.',
    reference: { operationId: 'getLogLevels', tag: 'Requests', answer: LogLevelsSchema },
    handle: async () => ({ kind: 'json', value: await show() }),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/admin/v1/log-levels',
    access: 'admin',
    permission: 'logs:write',
    summary:
      'Sets the level of parts of the log, on every replica within 5 seconds; null goes back to the configuration.',
    body: UpdateLogLevelsSchema,
    reference: { operationId: 'updateLogLevels', tag: 'Requests', answer: LogLevelsSchema },
    handle: async (input) => ({ kind: 'json', value: await change(input.body as UpdateLogLevels, input) }),
  }),
]
