import { logComponents, type LogLevels } from '@headgate/contract/log-levels.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { createFollower } from '../../kernel/follower.ts'
import type { Log } from '../../kernel/log.ts'
import type { LogPorts, RecordAudit } from './log-levels.ports.ts'
import { logLevelRoutes } from './log-levels.routes.ts'
import { createLogLevelStore, type SetLevels } from './log-levels.store.ts'

export interface LogLevelsOptions extends LogPorts {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly record: RecordAudit
}

/** The levels, and how a reload of the configuration changes them. */
export interface LogLevelsFeature extends Feature {
  readonly reconfigure: (configured: LogPorts['configured']) => void
}

/** Levels of the log by component: of the configuration, and above them those that operators set while the house runs. */
export const createLogLevels = (options: LogLevelsOptions): LogLevelsFeature => {
  const { clock, log, defaultLevel, record } = options
  const store = createLogLevelStore(options.database)
  let configured = options.configured
  let known: SetLevels = {}

  const apply = (set: SetLevels): void => {
    known = set
    options.setLevels({ ...configured, ...set })
  }
  const present = (set: SetLevels): LogLevels => ({
    object: 'log_levels',
    default: defaultLevel(),
    components: logComponents.map((component) => {
      const own = set[component]
      if (own !== undefined) return { component, level: own, source: 'operator' }
      const given = configured[component]
      return given === undefined
        ? { component, level: defaultLevel(), source: 'default' }
        : { component, level: given, source: 'configuration' }
    }),
  })
  const look = async (): Promise<void> => apply(await store.read())
  const follower = createFollower({ clock, log, component: 'house', what: 'levels of the log', look })

  apply({})
  return {
    name: 'log-levels',
    routes: logLevelRoutes({
      show: async () => present(await store.read()),
      change: async ({ levels, reason }, { actor, requestId }) => {
        const after = await store.change(levels, (transaction, before, next) =>
          record(transaction, {
            actor,
            action: 'log_levels.changed',
            resource: 'log_levels',
            before,
            after: next,
            requestId,
            ...(reason !== undefined && { reason }),
          }),
        )
        apply(after)
        return present(after)
      },
    }),
    reconfigure: (next) => {
      configured = next
      apply(known)
    },
    start: follower.start,
    stop: follower.stop,
  }
}
