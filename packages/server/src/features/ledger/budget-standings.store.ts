import type { Read } from '../../kernel/db.ts'
import type { AccountRow } from './budget-rules.store.ts'
import { budgetWindows, countedFrom, windowStart } from './windows.ts'

/** An account, of a rule or of a key, and what became of it in its present window. */
export interface StandingRow extends Omit<AccountRow, 'rule_name' | 'subject'> {
  /** null: the budget of a key, or an account that its rule no longer has. */
  readonly rule_name: string | null
  readonly subject: string | null
  readonly soft: boolean
}

const MOST_ACCOUNTS = 400

/** Accounts by id, and all that some rules have in a project; those that no call has met are absent. */
export const readStandings = async (
  { query }: Read,
  ids: readonly string[],
  inProject: { readonly projectId: string; readonly rules: readonly string[] },
  now: number,
): Promise<StandingRow[]> => {
  const from = budgetWindows.map((window) => new Date(countedFrom(window, windowStart(window, now))).toISOString())
  const { rows } = await query<StandingRow>(
    `SELECT b.id, b.rule_name, b.project_id, b.subject, b.limit_nano, b.budget_window, b.soft, w.spent_nano, w.leased_nano, w.oldest
       FROM headgate.budgets b
       JOIN unnest($1::text[], $2::timestamptz[]) AS present (budget_window, from_at) USING (budget_window),
       LATERAL (SELECT coalesce(sum(spent_nano), 0)::bigint AS spent_nano, coalesce(sum(leased_nano), 0)::bigint AS leased_nano,
                       min(window_start) FILTER (WHERE spent_nano + leased_nano > 0) AS oldest
                  FROM headgate.budget_windows WHERE budget_id = b.id AND window_start >= present.from_at) w
      WHERE b.id = ANY ($3) OR (b.rule_name = ANY ($4) AND b.project_id = $5)
      ORDER BY b.rule_name, b.subject, b.id LIMIT ${MOST_ACCOUNTS}`,
    [budgetWindows, from, ids, inProject.rules, inProject.projectId],
  )
  return rows
}
