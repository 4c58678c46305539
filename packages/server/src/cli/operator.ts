import { createAudit } from '../features/audit/audit.ts'
import { createIdentity, type Identity } from '../features/identity/identity.ts'
import { createBudgets } from '../features/ledger/budgets.store.ts'
import { systemClock } from '../kernel/clock.ts'
import { silentLog } from '../kernel/log.ts'
import { type Flags, withStore } from './open-store.ts'

/** How the audit names who works at the command line. */
export const operator = { actor: 'cli' } as const

/** Runs operations of identity on the configured store: the same functions that the admin API calls. */
export const withIdentity = <T>(flags: Flags, work: (identity: Identity) => Promise<T>): Promise<T> =>
  withStore(flags, ({ config, secrets, database }) =>
    work(
      createIdentity({
        database,
        clock: systemClock,
        log: silentLog,
        pepper: { id: secrets.pepper.id, value: Buffer.from(secrets.pepper.key.reveal(), 'base64') },
        adminKey: secrets.admin_key,
        audit: createAudit({ database, clock: systemClock }),
        budgets: createBudgets(database, systemClock.now),
        tiers: Object.keys(config.tiers),
      }),
    ),
  )
