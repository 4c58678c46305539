import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { KeySource, RotationSchedule } from './key-lifecycle.ports.ts'
import { keyLifecycleRoutes } from './key-lifecycle.routes.ts'
import { createKeyLifecycleService } from './key-lifecycle.service.ts'
import { createSightings, type SeenSecret, type Sightings } from './sightings.store.ts'
import { createKeyWatch, LOOK_EVERY_MS } from './watch.ts'

interface KeyLifecycleOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly schedule: () => RotationSchedule
  /** Whoever keeps keys, in the order of the register. */
  readonly sources: (sightings: Sightings) => readonly KeySource[]
  /** The secrets that were used since the last call. */
  readonly takeUsed: () => readonly SeenSecret[]
  /** Whether this process looks by itself: one of those that share a machine does. */
  readonly isWatcher: boolean
}

/** What metrics and alerts ask of the register. */
export interface KeyLifecycle extends Feature, Pick<ReturnType<typeof createKeyWatch>, 'readings' | 'findings'> {}

const HOUR_MS = 3_600_000
const USE_EVERY_MS = 60_000

/** The register of every key that the house uses, and when each is to be replaced. */
export const createKeyLifecycle = (options: KeyLifecycleOptions): KeyLifecycle => {
  const { database, clock, log, pepper, schedule, sources, takeUsed, isWatcher } = options
  const sightings = createSightings(database, pepper, clock.now)
  const service = createKeyLifecycleService({ sources: sources(sightings), schedule, now: clock.now })
  const watch = createKeyWatch({ summarise: () => service.summarise(true), clock, log })
  const timers: Timer[] = []

  const noteUse = (): Promise<void> =>
    sightings
      .used(takeUsed(), Math.floor(clock.now() / HOUR_MS) * HOUR_MS)
      .catch((error: Error) => log.debug({ component: 'keys', error }, 'Last use of secrets was not noted'))

  const look = (): Promise<void> =>
    watch.current().then(
      () => {},
      (error: Error) => log.warn({ component: 'keys', error }, 'What is due of keys could not be looked at'),
    )

  return {
    readings: watch.readings,
    findings: watch.findings,
    name: 'key-lifecycle',
    routes: keyLifecycleRoutes({
      ...service,
      list: async (query) => {
        await noteUse()
        return service.list(query)
      },
      summarise: async () => {
        const summary = await service.summarise()
        watch.know(summary)
        return summary
      },
    }),
    start: () => {
      timers.push(clock.every(USE_EVERY_MS, () => void noteUse()))
      if (isWatcher) timers.push(clock.every(LOOK_EVERY_MS, () => void look()))
    },
    stop: async () => {
      for (const timer of timers.splice(0)) timer.cancel()
      await noteUse()
    },
  }
}
