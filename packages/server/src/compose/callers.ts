import type { Settings } from '../config/config.ts'
import { derivePepper, type Secret } from '../config/secrets.ts'
import { networkOf } from '../features/admission/rate-rules.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createIdentity } from '../features/identity/identity.ts'
import { createBudgets } from '../features/ledger/budgets.store.ts'
import { createOperators } from '../features/operators/operators.ts'
import { createPeople } from '../features/people/people.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Counters } from '../kernel/counters.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import { createFetchJson } from './fetched-keys.ts'
import { peopleSettings } from './options.ts'

interface CallersOptions {
  /** Those in effect at the moment of asking. */
  readonly settings: () => Settings
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly audit: Audit
  /** Of a generation; everything but API keys stays with the first. */
  readonly pepperOf: PepperOf
  readonly counters: Counters
}

type PepperOf = (generation: number) => { readonly id: string; readonly value: Buffer }

/** The peppers of a root key, each derived once. */
export const peppersOf = (rootKey: Secret): PepperOf => {
  const known = new Map<number, ReturnType<PepperOf>>()
  return (generation) => {
    const found = known.get(generation)
    if (found !== undefined) return found
    const { id, key } = derivePepper(rootKey, generation)
    const made = { id, value: Buffer.from(key.reveal(), 'base64') }
    known.set(generation, made)
    return made
  }
}

/** Builds who asks: the holders of keys, operators, and people. */
export const createCallers = ({ settings, database, clock, log, audit, pepperOf, counters }: CallersOptions) => {
  const pepper = pepperOf(1)
  const identity = createIdentity({
    database,
    clock,
    log,
    pepperOf,
    adminKey: () => settings().secrets.admin_key,
    audit,
    budgets: createBudgets(database, clock.now),
    tiers: () => Object.keys(settings().config.tiers),
  })
  const { authenticateAdmin: authenticateAdminKey } = identity
  const operators = createOperators({ database, clock, audit, pepper: pepper.value, authenticateAdminKey })
  const people = createPeople({
    database,
    clock,
    log,
    audit,
    pepper,
    counters,
    authenticateKey: identity.authenticate,
    hasProject: identity.projects.exists,
    fetchJson: createFetchJson(() => settings().config),
    networkOf,
    ...peopleSettings(() => settings().config),
  })
  return { identity, operators, people, features: [identity, operators, people] as const }
}
