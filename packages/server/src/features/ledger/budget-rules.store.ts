import type { BudgetRule } from '@headgate/contract/budgets.ts'
import type { CallBudget } from '../../domain/hold.ts'
import { parseUsd } from '../../domain/money.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { type BudgetWindow, windowStart } from './windows.ts'

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

/**
 * Writes a rule, and what its accounts take from it: those whose ids begin with `prefix`. Others of its name are those of
 * what it was before; they keep what was spent and are no longer its own.
 */
export const writeRule = async ({ execute }: Transaction, row: RuleRow, prefix: string, at: Date): Promise<void> => {
  const { name, rule, source } = row
  const limit = parseUsd(rule.limit_usd)
  await execute(
    `INSERT INTO headgate.budget_rules (name, rule, limit_nano, budget_window, soft, source, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, limit_nano = excluded.limit_nano,
       budget_window = excluded.budget_window, soft = excluded.soft, source = excluded.source, changed_at = excluded.changed_at`,
    [name, JSON.stringify(rule), limit, rule.window, false, source, at],
  )
  await execute('UPDATE headgate.budgets SET rule_name = NULL WHERE rule_name = $1 AND NOT starts_with(id, $2)', [
    name,
    prefix,
  ])
  await execute(
    `UPDATE headgate.budgets SET rule_name = $1, limit_nano = $3, budget_window = $4, soft = $5, updated_at = $6
      WHERE starts_with(id, $2)`,
    [name, prefix, limit, rule.window, false, at],
  )
}

/** Takes a rule away; its accounts keep what was spent. Answers how many there were. */
export const deleteRule = async ({ execute }: Transaction, name: string): Promise<number> => {
  await execute('UPDATE headgate.budgets SET rule_name = NULL WHERE rule_name = $1', [name])
  return execute('DELETE FROM headgate.budget_rules WHERE name = $1', [name])
}

const windows: readonly BudgetWindow[] = ['total', 'hour', 'day', 'month']

/** Accounts of rules, those of each that spent most in their present window first, at most `limit` each. */
export const readAccounts = async (
  { query }: Read,
  names: readonly string[],
  now: number,
  limit: number,
): Promise<AccountRow[]> => {
  const starts = windows.map((window) => new Date(windowStart(window, now)).toISOString())
  const { rows } = await query<AccountRow>(
    `SELECT id, rule_name, project_id, subject, limit_nano, budget_window, spent_nano, leased_nano FROM (
       SELECT b.*, coalesce(w.spent_nano, 0) AS spent_nano, coalesce(w.leased_nano, 0) AS leased_nano,
              row_number() OVER (PARTITION BY b.rule_name ORDER BY coalesce(w.spent_nano, 0) DESC, b.id) AS place
         FROM headgate.budgets b
         JOIN unnest($2::text[], $3::timestamptz[]) AS present (budget_window, starts_at) USING (budget_window)
         LEFT JOIN headgate.budget_windows w ON w.budget_id = b.id AND w.window_start = present.starts_at
        WHERE b.rule_name = ANY ($1)) ranked
      WHERE place <= $4 ORDER BY rule_name, place`,
    [names, windows, starts, limit],
  )
  return rows
}
