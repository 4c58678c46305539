import type { CalendarWindow } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { windowEnd, windowStart } from './windows.ts'

/** A limit on what the calls of a key may cost per window. */
export interface Budget {
  readonly id: string
  readonly projectId: string
  readonly limit: NanoUsd
  readonly window: CalendarWindow
}

/** A budget and where it stands in its present window. */
export interface BudgetState extends Budget {
  readonly spent: NanoUsd
  /** Held for calls under way and for replicas that may admit some. */
  readonly reserved: NanoUsd
  /** What neither was spent nor is reserved, at least 0. */
  readonly remaining: NanoUsd
  /** Milliseconds since the epoch; null for a budget that is never renewed. */
  readonly resetsAt: number | null
}

/** Makes a budget or changes its limit; what was spent stays spent. Takes effect with the transaction. */
export const putBudget = async ({ execute }: Transaction, budget: Budget): Promise<void> => {
  await execute(
    `INSERT INTO headgate.budgets (id, project_id, limit_nano, budget_window) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO UPDATE SET limit_nano = excluded.limit_nano, budget_window = excluded.budget_window, updated_at = now()`,
    [budget.id, budget.projectId, budget.limit, budget.window],
  )
}

/** Removes a budget; its entries stay in the ledger. */
export const removeBudget = async ({ execute }: Transaction, id: string): Promise<void> => {
  await execute('DELETE FROM headgate.budgets WHERE id = $1', [id])
}

interface StateRow {
  readonly id: string
  readonly project_id: string
  readonly limit_nano: bigint
  readonly budget_window: CalendarWindow
}

/** States by id at a time; unknown ids are absent. */
export const budgetStates = async (
  { query }: Read,
  ids: readonly string[],
  now: number,
): Promise<Map<string, BudgetState>> => {
  const budgets = await query<StateRow>(
    'SELECT id, project_id, limit_nano, budget_window FROM headgate.budgets WHERE id = ANY ($1)',
    [ids],
  )
  const starts = budgets.rows.map((row) => new Date(windowStart(row.budget_window, now)).toISOString())
  const windows = await query<{ budget_id: string; spent_nano: bigint; leased_nano: bigint }>(
    `SELECT budget_id, spent_nano, leased_nano FROM headgate.budget_windows
      WHERE (budget_id, window_start) IN (SELECT * FROM unnest($1::text[], $2::timestamptz[]))`,
    [budgets.rows.map((row) => row.id), starts],
  )
  const used = new Map(windows.rows.map((row) => [row.budget_id, row]))
  return new Map(
    budgets.rows.map((row) => {
      const spent = used.get(row.id)?.spent_nano ?? 0n
      const reserved = used.get(row.id)?.leased_nano ?? 0n
      const left = row.limit_nano - spent - reserved
      const state: BudgetState = {
        id: row.id,
        projectId: row.project_id,
        limit: row.limit_nano,
        window: row.budget_window,
        spent,
        reserved,
        remaining: left > 0n ? left : 0n,
        resetsAt: windowEnd(row.budget_window, windowStart(row.budget_window, now)),
      }
      return [row.id, state]
    }),
  )
}

/** The budgets of keys for the neighbour that keeps the keys. */
export interface Budgets {
  put(transaction: Transaction, budget: Budget): Promise<void>
  remove(transaction: Transaction, id: string): Promise<void>
  state(ids: readonly string[]): Promise<ReadonlyMap<string, BudgetState>>
}

export const createBudgets = (database: Database, now: () => number): Budgets => ({
  put: putBudget,
  remove: removeBudget,
  state: (ids) => database.read('system', (read) => budgetStates(read, ids, now())),
})
