import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { KeySource, RotationSchedule } from './key-lifecycle.ports.ts'
import { keyLifecycleRoutes } from './key-lifecycle.routes.ts'
import { createKeyLifecycleService } from './key-lifecycle.service.ts'
import { createSightings, type SeenSecret, type Sightings } from './sightings.store.ts'

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
}

const HOUR_MS = 3_600_000
const USE_EVERY_MS = 60_000

/** The register of every key that the house uses, and when each is to be replaced. */
export const createKeyLifecycle = (options: KeyLifecycleOptions): Feature => {
  const { database, clock, log, pepper, schedule, sources, takeUsed } = options
  const sightings = createSightings(database, pepper, clock.now)
  const service = createKeyLifecycleService({ sources: sources(sightings), schedule, now: clock.now })
  const timers: Timer[] = []

  const noteUse = (): Promise<void> =>
    sightings
      .used(takeUsed(), Math.floor(clock.now() / HOUR_MS) * HOUR_MS)
      .catch((error: Error) => log.debug({ component: 'keys', error }, 'Last use of secrets was not noted'))

  return {
    name: 'key-lifecycle',
    routes: keyLifecycleRoutes({
      ...service,
      list: async (query) => {
        await noteUse()
        return service.list(query)
      },
    }),
    start: () => {
      timers.push(clock.every(USE_EVERY_MS, () => void noteUse()))
    },
    stop: async () => {
      for (const timer of timers.splice(0)) timer.cancel()
      await noteUse()
    },
  }
}
