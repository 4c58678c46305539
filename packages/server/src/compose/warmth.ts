import type { Config } from '../config/schema.ts'
import type { Identity } from '../features/identity/identity.ts'
import type { Providers } from '../features/providers/providers.ts'
import { createWarming } from '../features/status/warming.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'

interface WarmthOptions {
  readonly clock: Clock
  readonly database: Pick<Database, 'warm'>
  readonly identity: Pick<Identity, 'refresh'>
  readonly providers: Pick<Providers, 'reach'>
  /** Those in effect at the moment of asking. */
  readonly settings: () => Config['warm']
}

/** What the first calls would else have to wait for: at the start, and again for `/warmz`. */
export const createWarmth = ({ clock, database, identity, providers, settings }: WarmthOptions) => ({
  report: createWarming(clock, {
    database: () => database.warm(settings().connections),
    keys: async () => {
      await identity.refresh()
      return 1
    },
    providers: providers.reach,
  }),
  /** Begins to connect beside the rest of the start; what it gives waits for the end of it. @throws DatabaseUnavailable. */
  begin: (): (() => Promise<void>) => {
    const connected = database.warm(settings().connections)
    connected.catch(() => undefined)
    return async () => {
      await connected
      if (settings().providers) await providers.reach()
    }
  },
})
