import type { Config } from '../config/schema.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { Identity } from '../features/identity/identity.ts'
import { createAdjustments } from '../features/ledger/adjustments.ts'
import type { BudgetRules } from '../features/ledger/budget-rules.ports.ts'
import { createRecompute } from '../features/ledger/recompute.ts'
import { createUpkeep } from '../features/ledger/upkeep.ts'
import type { PricesOptions } from '../features/metering/prices.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { FaultPoints } from '../kernel/fault-points.ts'
import type { Log } from '../kernel/log.ts'
import { createPricing } from './prices.ts'

interface BookkeepingOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly faultPoints: FaultPoints
  readonly audit: Audit
  readonly identity: Pick<Identity, 'keys' | 'projects'>
  readonly budgetRules: Pick<BudgetRules, 'ofAccount'>
  readonly providerOf: PricesOptions['providerOf']
  /** That in effect at the moment of asking. */
  readonly config: () => Config
}

/** Builds what works on the ledger beside the calls: adjustments, the pricing anew of calls, and its upkeep. */
export const createBookkeeping = (options: BookkeepingOptions) => {
  const { database, clock, log, faultPoints, audit, identity, budgetRules, providerOf, config } = options
  const adjustments = createAdjustments({
    database,
    clock,
    audit,
    callerOf: identity.keys.callerOf,
    budgetsOf: budgetRules.ofAccount,
    hasProject: identity.projects.exists,
  })
  const pricing = createPricing(config, providerOf)
  const recompute = createRecompute({ database, clock, faultPoints, audit, pricing })
  const keepMonths = () => config().retention.ledger_months || null
  const upkeep = createUpkeep({ database, clock, log, faultPoints, keepMonths })
  return [adjustments, recompute, upkeep] as const
}
