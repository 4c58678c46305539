import { peppersOf } from '../compose/callers.ts'
import { configuredLimits } from '../compose/configured-limits.ts'
import { providerSettings, usualAddress } from '../compose/options.ts'
import { templateProblems } from '../config/template-faults.ts'
import { createPricing } from '../compose/prices.ts'
import { createAccess } from '../features/admission/access.ts'
import { createLimits, type Limits } from '../features/admission/limits.ts'
import { createPolicies } from '../features/admission/policies.ts'
import { createAudit } from '../features/audit/audit.ts'
import { createIdentity, type Identity } from '../features/identity/identity.ts'
import type { Adjustments } from '../features/ledger/adjustments.ports.ts'
import { createAdjustments } from '../features/ledger/adjustments.ts'
import type { BudgetRules, BudgetService } from '../features/ledger/budget-rules.ports.ts'
import { createBudgetRules } from '../features/ledger/budget-rules.ts'
import { createBudgets } from '../features/ledger/budgets.store.ts'
import type { Recompute } from '../features/ledger/recompute.ports.ts'
import { createRecompute } from '../features/ledger/recompute.ts'
import { createProviders, type Providers } from '../features/providers/providers.ts'
import type { ProvidersService } from '../features/providers/providers.service.ts'
import { createStoredProviders, type StoredProviders } from '../features/providers/stored-providers.ts'
import { systemClock } from '../kernel/clock.ts'
import { countryOfAddress } from '../kernel/countries.ts'
import { noFaults } from '../kernel/fault-points.ts'
import { silentLog } from '../kernel/log.ts'
import { createSeal } from '../kernel/seal.ts'
import { type Flags, type OpenStore, withStore } from './open-store.ts'
import { type Shown, shownBy } from './shown-currency.ts'

/** How the audit names who works at the command line. */
export const operator = { actor: 'cli' } as const

/** A batch that waits for the ledger of a busy server. */
const RECOMPUTE_TIMEOUT_MS = 60_000

/** Identity on an open store. */
export const identityOn = ({
  config,
  secrets,
  database,
}: Pick<OpenStore, 'config' | 'secrets' | 'database'>): Identity =>
  createIdentity({
    database,
    clock: systemClock,
    log: silentLog,
    pepperOf: peppersOf(secrets.root_key),
    adminKey: () => secrets.admin_key,
    audit: createAudit({ database, clock: systemClock }),
    budgets: createBudgets(database, systemClock.now),
    tiers: () => Object.keys(config.tiers),
  })

const budgetsOn = ({ config, database }: OpenStore): BudgetRules =>
  createBudgetRules({
    database,
    clock: systemClock,
    log: silentLog,
    audit: createAudit({ database, clock: systemClock }),
    configured: config.budgets,
  })

/** Runs operations of identity on the configured store: the same functions that the admin API calls. */
export const withIdentity = <T>(flags: Flags, work: (identity: Identity, shown: Shown) => Promise<T>): Promise<T> =>
  withStore(flags, (store) => work(identityOn(store), shownBy(store.config)))

/** Runs adjustments of the ledger on the configured store. */
export const withAdjustments = <T>(flags: Flags, work: (adjustments: Adjustments) => Promise<T>): Promise<T> =>
  withStore(flags, (store) => {
    const { keys, projects } = identityOn(store)
    return work(
      createAdjustments({
        database: store.database,
        clock: systemClock,
        audit: createAudit({ database: store.database, clock: systemClock }),
        callerOf: keys.callerOf,
        budgetsOf: budgetsOn(store).ofAccount,
        hasProject: projects.exists,
      }),
    )
  })

/** Runs operations of budgets on the configured store; running servers take changes over by themselves. */
export const withBudgets = <T>(flags: Flags, work: (budgets: BudgetService, shown: Shown) => Promise<T>): Promise<T> =>
  withStore(flags, (store) => work(budgetsOn(store), shownBy(store.config)))

/** The registry of providers as configured, and the operators' side of it. */
export const withProviderParts = async <T>(
  { config, secrets, database }: Pick<OpenStore, 'config' | 'secrets' | 'database'>,
  work: (providers: Providers, stored: StoredProviders) => Promise<T>,
): Promise<T> => {
  const providers = createProviders({
    ...providerSettings(config, secrets, systemClock),
    lookedFor: {},
    log: silentLog,
    circuit: { allow: () => ({ allowed: true, retryAfterMs: 0 }), report: () => {} },
  })
  const stored = createStoredProviders({
    database,
    seal: createSeal(secrets.seal_roots),
    audit: createAudit({ database, clock: systemClock }),
    clock: systemClock,
    log: silentLog,
    providers,
    usualAddress,
    templateProblems,
  })
  try {
    return await work(providers, stored)
  } finally {
    await providers.close()
  }
}

/** Runs operations of providers on the configured store; running servers take changes over by themselves. */
export const withProviders = <T>(flags: Flags, work: (service: ProvidersService) => Promise<T>): Promise<T> =>
  withStore(flags, (store) => withProviderParts(store, (_, { service }) => work(service)))

/** Runs the pricing anew of calls on the configured store, at the prices of the configuration and of the operators' providers. */
export const withRecompute = <T>(flags: Flags, work: (recompute: Recompute) => Promise<T>): Promise<T> =>
  withStore(
    flags,
    (store) =>
      withProviderParts(store, async (providers, stored) => {
        await stored.refresh()
        return work(
          createRecompute({
            database: store.database,
            clock: systemClock,
            faultPoints: noFaults,
            audit: createAudit({ database: store.database, clock: systemClock }),
            pricing: createPricing(() => store.config, providers.optionsOf),
          }),
        )
      }),
    { statementTimeoutMs: RECOMPUTE_TIMEOUT_MS },
  )

/** Runs operations of limits on the configured store; running servers take changes over by themselves. */
export const withLimits = <T>(flags: Flags, work: (limits: Limits) => Promise<T>): Promise<T> =>
  withStore(flags, ({ config, database }) => {
    const configured = configuredLimits(config)
    return work(
      createLimits({
        database,
        audit: createAudit({ database, clock: systemClock }),
        clock: systemClock,
        log: silentLog,
        policies: createPolicies(countryOfAddress),
        access: createAccess(countryOfAddress),
        configured: configured.policies,
        configuredAccess: configured.access,
      }),
    )
  })
