import type { BudgetRule } from '@headgate/contract/budgets.ts'
import type { BudgetWindow, CallBudget } from '../../domain/hold.ts'
import { parseUsd } from '../../domain/money.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { budgetWindows, countedFrom, windowStart } from './windows.ts'

/** A row of headgate.budget_rules. */
export interface RuleRow {
  readonly name: string
  readonly rule: BudgetRule
  readonly source: 'configuration' | 'operator'
}

/** An account of a rule and what became of it in its present window. */
export interface AccountRow {
  readonly id: string
  readonly rule_name: string
  readonly project_id: string
  readonly subject: string
  readonly limit_nano: bigint
  readonly budget_window: BudgetWindow
  readonly spent_nano: bigint
  readonly leased_nano: bigint
  /** Begin of the oldest part that still counts and holds money. */
  readonly oldest: Date | null
}

/** The revision of all rules; raised by every change. */
export const readRevision = async ({ query }: Read): Promise<bigint> => {
  const { rows } = await query<{ revision: bigint }>('SELECT revision FROM headgate.budget_rule_changes')
  return rows[0]?.revision ?? 0n
}

/** Takes the next revision; other changes of rules wait until this transaction ends. */
export const raiseRevision = async ({ execute }: Transaction): Promise<void> => {
  await execute('UPDATE headgate.budget_rule_changes SET revision = revision + 1')
}

export const readRules = async ({ query }: Read): Promise<RuleRow[]> =>
  (await query<RuleRow>('SELECT name, rule, source FROM headgate.budget_rules ORDER BY name')).rows

/** Makes the account of a rule where there is none. The rule is locked, so that a change under way reaches the new account too. */
export const makeAccount = async (
  { execute }: Transaction,
  id: string,
  { name, projectId, subject }: NonNullable<CallBudget['rule']>,
): Promise<void> => {
  await execute(
    `INSERT INTO headgate.budgets (id, project_id, limit_nano, budget_window, soft, rule_name, subject)
     SELECT $1, $2, limit_nano, budget_window, soft, name, $4 FROM headgate.budget_rules WHERE name = $3 FOR SHARE
     ON CONFLICT DO NOTHING`,
    [id, projectId, name, subject],
  )
}

/** How the accounts of a rule are renewed. */
export const budgetWindowOf = ({ window, rolling }: BudgetRule): BudgetWindow =>
  rolling && window !== 'total' ? `rolling-${window}` : window

/**
 * Writes a rule, and what its accounts take from it: those whose ids begin with `prefix`. Others of its name are those of
 * what it was before; they keep what was spent and are no longer its own.
 */
export const writeRule = async ({ execute }: Transaction, row: RuleRow, prefix: string, at: Date): Promise<void> => {
  const { name, rule, source } = row
  const limit = parseUsd(rule.limit_usd)
  const window = budgetWindowOf(rule)
  const soft = rule.mode === 'soft'
  await execute(
    `INSERT INTO headgate.budget_rules (name, rule, limit_nano, budget_window, soft, source, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, limit_nano = excluded.limit_nano,
       budget_window = excluded.budget_window, soft = excluded.soft, source = excluded.source, changed_at = excluded.changed_at`,
    [name, JSON.stringify(rule), limit, window, soft, source, at],
  )
  await execute('UPDATE headgate.budgets SET rule_name = NULL WHERE rule_name = $1 AND NOT starts_with(id, $2)', [
    name,
    prefix,
  ])
  await execute(
    `UPDATE headgate.budgets SET rule_name = $1, limit_nano = $3, budget_window = $4, soft = $5, updated_at = $6
      WHERE starts_with(id, $2)`,
    [name, prefix, limit, window, soft, at],
  )
}

/** Takes a rule away; its accounts keep what was spent. Answers how many there were. */
export const deleteRule = async ({ execute }: Transaction, name: string): Promise<number> => {
  await execute('UPDATE headgate.budgets SET rule_name = NULL WHERE rule_name = $1', [name])
  return execute('DELETE FROM headgate.budget_rules WHERE name = $1', [name])
}

/** Accounts of rules, those of each that spent most in their present window first, at most `limit` each. */
export const readAccounts = async (
  { query }: Read,
  names: readonly string[],
  now: number,
  limit: number,
): Promise<AccountRow[]> => {
  const from = budgetWindows.map((window) => new Date(countedFrom(window, windowStart(window, now))).toISOString())
  const { rows } = await query<AccountRow>(
    `SELECT id, rule_name, project_id, subject, limit_nano, budget_window, spent_nano, leased_nano, oldest FROM (
       SELECT b.*, w.*, row_number() OVER (PARTITION BY b.rule_name ORDER BY w.spent_nano DESC, b.id) AS place
         FROM headgate.budgets b
         JOIN unnest($2::text[], $3::timestamptz[]) AS present (budget_window, from_at) USING (budget_window),
         LATERAL (SELECT coalesce(sum(spent_nano), 0)::bigint AS spent_nano, coalesce(sum(leased_nano), 0)::bigint AS leased_nano,
                         min(window_start) FILTER (WHERE spent_nano + leased_nano > 0) AS oldest
                    FROM headgate.budget_windows WHERE budget_id = b.id AND window_start >= present.from_at) w
        WHERE b.rule_name = ANY ($1)) ranked
      WHERE place <= $4 ORDER BY rule_name, place`,
    [names, budgetWindows, from, limit],
  )
  return rows
}
