import type { Settings } from '../config/config.ts'
import { explainSources } from '../config/explain.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createConfiguration } from '../features/configuration/configuration.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Crew } from './crew.ts'
import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'
import type { Ground } from './house.ts'
import { createReload } from './reload.ts'

interface ChangesOptions {
  readonly settings: () => Settings
  readonly read: Ground['read']
  /** Builds what stands on new settings; nothing of it is in use yet. */
  readonly build: (next: Settings) => Generation
  /** What has to follow once they are in effect. */
  readonly follow: (next: Settings) => Promise<void>
  readonly generations: Pick<Generations, 'current' | 'bringForward'>
  readonly database: Database
  readonly audit: Pick<Audit, 'record'>
  readonly clock: Clock
  readonly log: Log
  readonly crew: Crew
}

/** What is configured, and how that changes while calls go on. */
export const createChanges = (options: ChangesOptions) => {
  const { settings, read, build, follow, generations, database, audit, clock, log, crew } = options
  const reload = createReload({
    settings,
    read,
    record: (entry, takeEffect) =>
      database.transaction('system', async (transaction) => {
        await audit.record(transaction, entry)
        takeEffect?.()
      }),
    prepare: async (next) => {
      const coming = build(next)
      await coming.start()
      const former = generations.current()
      return {
        takeOver: () => generations.bringForward(coming),
        undo: () => generations.bringForward(former),
        follow: () => follow(next),
        abandon: coming.stop,
      }
    },
    now: clock.now,
    log,
  })
  const configuration = createConfiguration({
    options: () => explainSources(settings().sources),
    reload: async (operator) => {
      const report = await reload.run(operator)
      crew.reloaded(operator.actor)
      return report
    },
    state: reload.state,
  })
  return { reload, configuration }
}
