import type { Caller } from '../../domain/caller.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createAdminGuard, type Revealable } from './admin-key.ts'
import { createFirstStart, type FirstStart } from './first-start.ts'
import type { AuditPort, BudgetPort } from './identity.ports.ts'
import { identityRoutes } from './identity.routes.ts'
import { createIdentityStore } from './identity.store.ts'
import { createKeyDirectory } from './key-directory.ts'
import type { Pepper } from './key-secret.ts'
import { createKeysService, type KeysService, type Operator } from './keys.service.ts'
import { createPeppers } from './peppers.ts'
import { pepperRoutes } from './peppers.routes.ts'
import { createPeppersService, type PeppersService } from './peppers.service.ts'
import type { PepperRow } from './peppers.store.ts'
import { createRenewing } from './renewing.ts'
import { createProjectsService, type ProjectsService } from './projects.service.ts'
import { createSynchroniser } from './synchroniser.ts'

const TOUCH_EVERY_MS = 60_000
const RENEW_EVERY_MS = 1_000
const HOUR_MS = 3_600_000

export interface IdentityOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** The secret of a generation under which API keys are hashed; the first is that of the admin key. */
  readonly pepperOf: (generation: number) => Pepper
  /** The configured operator key, asked anew each time; undefined: the stored one. */
  readonly adminKey?: () => Revealable | undefined
  readonly audit: AuditPort
  readonly budgets: BudgetPort
  /** Names of the configured tiers, asked anew each time. */
  readonly tiers: () => readonly string[]
  /** Pause between two looks at the changes of other replicas; at most 2,000. */
  readonly pollIntervalMs?: number
}

/** Who is calling, and what may they do. */
export interface Identity {
  /**
   * The holder of a credential; synchronous, and always the same frozen object, for a known key. `beforeAsking` may throw
   * where PostgreSQL would be asked.
   * @throws AppError `api_key_missing`, `invalid_api_key`, `api_key_expired`, `api_key_revoked`, `database_unavailable`.
   */
  readonly authenticate: (credential: string | null, beforeAsking?: () => void) => Caller | Promise<Caller>
  /** How the audit names the operator. @throws AppError `api_key_missing`, `admin_key_required`, `invalid_api_key`. */
  readonly authenticateAdmin: (credential: string | null) => string
  /** @throws AppError `origin_not_allowed` when a publishable key is used from elsewhere than its origins. */
  readonly checkOrigin: (caller: Caller, headers: Readonly<Record<string, string | string[] | undefined>>) => void
  /** Whether an origin belongs to any active publishable key. */
  readonly corsAllows: (origin: string) => boolean
  /** Makes what a house without keys lacks; what it returns is shown this once. */
  readonly ensureFirstStart: () => Promise<FirstStart>
  /** Replaces the stored operator key. @throws AppError `invalid_parameter` where the configuration fixes it. */
  readonly resetAdminKey: (operator: Operator) => Promise<string>
  readonly keys: KeysService
  readonly peppers: PeppersService
  readonly projects: ProjectsService
  /** Takes over what other replicas changed; runs by itself once started. */
  readonly refresh: () => Promise<void>
}

/** Builds identity: keys, projects, the operator's key. */
export const createIdentity = (options: IdentityOptions): Identity & Feature => {
  const { database, clock, log, pepperOf, audit, budgets, tiers, pollIntervalMs = 1_000 } = options
  const pepper = pepperOf(1)
  const peppers = createPeppers(pepperOf)
  const takePeppers = (rows: readonly PepperRow[]): void => {
    if (peppers.take(rows)) directory.peppersChanged()
  }
  const store = createIdentityStore(database)
  const guard = createAdminGuard(pepper, options.adminKey ?? (() => undefined))
  const directory = createKeyDirectory({
    clock,
    peppers,
    load: (keyId) =>
      store.read(async (read) => {
        const key = await store.statements.key(read, keyId)
        if (key === undefined) return null
        const secrets = await store.statements.secrets(read, [keyId])
        // Another replica may have rotated the pepper just now.
        if (secrets.some(({ pepper_id: id }) => peppers.accepted(id) === undefined))
          takePeppers(await store.statements.readPeppers(read))
        return { key, secrets }
      }),
  })
  const synchroniser = createSynchroniser({ store, directory, guard, takePeppers, clock, log })
  const { refreshQuietly: changed } = synchroniser
  const keys = createKeysService({ store, clock, pepperOf, audit, budgets, tiers, changed })
  const pepperLife = createPeppersService({ store, clock, audit, pepperOf, changed })
  const projects = createProjectsService({ store, clock, audit })
  const firstStart = createFirstStart({
    store,
    clock,
    pepper,
    audit,
    guard,
    keys,
    changed,
  })
  const timers: Timer[] = []

  const noteUse = async (): Promise<void> => {
    const ids = directory.takeUsed()
    if (ids.length === 0) return
    const hour = new Date(Math.floor(clock.now() / HOUR_MS) * HOUR_MS)
    await store
      .write((transaction) => store.statements.touchKeys(transaction, ids, hour))
      .catch((error: Error) => log.debug({ component: 'identity', error }, 'Last use of keys was not noted'))
  }

  const renewHashes = createRenewing({ store, directory, pepperOf, log })

  return {
    name: 'identity',
    routes: [...identityRoutes(keys, projects), ...pepperRoutes(pepperLife)],
    start: async () => {
      await synchroniser.begin()
      timers.push(clock.every(Math.min(pollIntervalMs, 2_000), () => void synchroniser.refreshQuietly()))
      timers.push(clock.every(RENEW_EVERY_MS, () => void renewHashes()))
      timers.push(clock.every(TOUCH_EVERY_MS, () => void noteUse()))
    },
    stop: async () => {
      for (const timer of timers.splice(0)) timer.cancel()
      await Promise.all([noteUse(), renewHashes()])
    },
    health: () =>
      synchroniser.isFailing() ? { state: 'degraded', detail: 'PostgreSQL does not answer' } : { state: 'ok' },
    authenticate: directory.authenticate,
    authenticateAdmin: guard.authenticateAdmin,
    checkOrigin: directory.checkOrigin,
    corsAllows: directory.corsAllows,
    ensureFirstStart: firstStart.ensure,
    resetAdminKey: firstStart.resetAdminKey,
    keys,
    peppers: pepperLife,
    projects,
    refresh: synchroniser.refresh,
  }
}
