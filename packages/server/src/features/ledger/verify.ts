import type { Database } from '../../kernel/db.ts'
import { findBreaches, ledgerRules } from './verify.store.ts'

/** One rule of the accounts and whether it holds. */
export interface LedgerCheck {
  readonly name: string
  readonly ok: boolean
  /** What holds, or the breaches that were found. */
  readonly detail: string
}

/** What the accounts look like. */
export interface LedgerReport {
  /** False when a rule is broken; what is only to be looked at does not count. */
  readonly ok: boolean
  readonly checks: readonly LedgerCheck[]
  /** A line per breach, and per thing to look at. */
  readonly findings: readonly string[]
}

/** Checks that entries, budgets and leases add up, in one snapshot. @throws DatabaseUnavailable */
export const verifyLedger = async (database: Database): Promise<LedgerReport> => {
  const breaches = await findBreaches(database)
  const checks = ledgerRules.map(({ name, meaning, advisory = false }) => {
    const found = breaches.get(name) ?? []
    return { name, ok: advisory || found.length === 0, detail: found.length === 0 ? meaning : found.join('; ') }
  })
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    findings: [...breaches].flatMap(([name, found]) => found.map((what) => `${name}: ${what}`)),
  }
}
