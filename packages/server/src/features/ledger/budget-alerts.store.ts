import type { BudgetAlert, BudgetAlertKind } from '../../domain/budget-alert.ts'
import type { BudgetWindow } from '../../domain/hold.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { budgetWindows, countedFrom, windowStart } from './windows.ts'

/** An account and what it has spent in its present window. */
export interface SpentRow {
  readonly id: string
  readonly rule_name: string | null
  readonly project_id: string
  readonly subject: string | null
  readonly limit_nano: bigint
  readonly budget_window: BudgetWindow
  readonly spent_nano: bigint
}

/** A row of headgate.budget_alerts. */
export interface AlertRow {
  readonly rule_name: string
  readonly project_id: string
  readonly subject: string
  readonly kind: BudgetAlertKind
  readonly window_start: Date
  readonly limit_nano: bigint
  readonly spent_nano: bigint
  readonly forecast_nano: bigint | null
  readonly raised_at: Date
}

/** What accounts have spent; those that are gone are absent. */
export const readSpent = async ({ query }: Read, ids: readonly string[], now: number): Promise<SpentRow[]> => {
  const from = budgetWindows.map((window) => new Date(countedFrom(window, windowStart(window, now))).toISOString())
  const { rows } = await query<SpentRow>(
    `SELECT b.id, b.rule_name, b.project_id, b.subject, b.limit_nano, b.budget_window,
            (SELECT coalesce(sum(spent_nano), 0)::bigint FROM headgate.budget_windows w
              WHERE w.budget_id = b.id AND w.window_start >= present.from_at) AS spent_nano
       FROM headgate.budgets b
       JOIN unnest($2::text[], $3::timestamptz[]) AS present (budget_window, from_at) USING (budget_window)
      WHERE b.id = ANY ($1)`,
    [ids, budgetWindows, from],
  )
  return rows
}

/** Keeps an alert; false when it was kept before. */
export const insertAlert = async ({ execute }: Transaction, alert: BudgetAlert): Promise<boolean> =>
  (await execute(
    `INSERT INTO headgate.budget_alerts (budget_id, window_start, kind, project_id, rule_name, subject, limit_nano, spent_nano,
       forecast_nano, raised_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
    [
      alert.budgetId,
      new Date(alert.windowStart),
      alert.kind,
      alert.projectId,
      alert.budget,
      alert.subject,
      alert.limit,
      alert.spent,
      alert.forecast,
      new Date(alert.raisedAt),
    ],
  )) === 1

/** The newest alerts of each of some budgets, at most `limit` each. */
export const readAlerts = async ({ query }: Read, names: readonly string[], limit: number): Promise<AlertRow[]> => {
  const { rows } = await query<AlertRow>(
    `SELECT a.rule_name, a.project_id, a.subject, a.kind, a.window_start, a.limit_nano, a.spent_nano, a.forecast_nano, a.raised_at
       FROM unnest($1::text[]) AS asked (name), LATERAL (
         SELECT * FROM headgate.budget_alerts WHERE rule_name = asked.name ORDER BY raised_at DESC, kind DESC LIMIT $2) a`,
    [names, limit],
  )
  return rows
}
