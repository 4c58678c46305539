import type { BudgetWindow, CallBudget } from '../../domain/hold.ts'
import type { Transaction } from '../../kernel/db.ts'
import { makeAccount } from './budget-rules.store.ts'
import { countedFrom, isRolling } from './windows.ts'

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

interface WindowRow {
  readonly limit_nano: bigint
  readonly spent_nano: bigint
  readonly leased_nano: bigint
  readonly soft: boolean
}

interface Earlier {
  readonly spent: bigint
  readonly leased: bigint
}

/** Of a window that follows the calendar. */
export const nothingEarlier: Earlier = { spent: 0n, leased: 0n }

/** The row of the window, locked; made when this is its first call. */
export const lockWindow = async ({ query, execute }: Transaction, budgetId: string, start: number) => {
  for (;;) {
    const { rows } = await query<WindowRow>(
      `SELECT b.limit_nano, b.soft, w.spent_nano, w.leased_nano
         FROM headgate.budget_windows w JOIN headgate.budgets b ON b.id = w.budget_id
        WHERE w.budget_id = $1 AND w.window_start = $2 FOR UPDATE OF w`,
      [budgetId, time(start)],
    )
    if (rows[0]) return rows[0]
    const made = await execute(
      `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id)
       SELECT id, $2, project_id FROM headgate.budgets WHERE id = $1 ON CONFLICT DO NOTHING`,
      [budgetId, time(start)],
    )
    if (made === 0) {
      const known = await query('SELECT FROM headgate.budgets WHERE id = $1', [budgetId])
      if (known.rowCount === 0) return null
    }
  }
}

/** What the parts of a rolling window before this one hold. */
export const earlierParts = async ({ query }: Transaction, budgetId: string, window: BudgetWindow, start: number) => {
  const { rows } = await query<Earlier>(
    `SELECT coalesce(sum(spent_nano), 0)::bigint AS spent, coalesce(sum(leased_nano), 0)::bigint AS leased
       FROM headgate.budget_windows WHERE budget_id = $1 AND window_start >= $2 AND window_start <> $3`,
    [budgetId, time(countedFrom(window, start)), time(start)],
  )
  return rows[0] ?? nothingEarlier
}

/** How a budget is renewed; the account of a rule is made when it is first asked. Null: there is none. */
export const windowOf = async (transaction: Transaction, { id, rule }: Pick<CallBudget, 'id' | 'rule'>) => {
  for (let made = false; ; made = true) {
    const { rows } = await transaction.query<{ budget_window: BudgetWindow }>(
      // Held, so that an account long idle is not taken away while its next window is made.
      'SELECT budget_window FROM headgate.budgets WHERE id = $1 FOR KEY SHARE',
      [id],
    )
    if (rows[0]) {
      // Grants of two parts of a rolling window must see each other.
      if (isRolling(rows[0].budget_window))
        await transaction.execute('SELECT FROM headgate.budgets WHERE id = $1 FOR NO KEY UPDATE', [id])
      return rows[0].budget_window
    }
    if (rule === null || made) return null
    await makeAccount(transaction, id, rule)
  }
}
