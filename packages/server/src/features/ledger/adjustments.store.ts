import type { BudgetWindow, CallBudget } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { makeAccount } from './budget-rules.store.ts'
import { LOCK_WINDOWS } from './entries.store.ts'
import { windowStart } from './windows.ts'

/** What is added to the ledger. */
export interface NewAdjustment {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly reference: string | null
  readonly projectId: string
  readonly keyId: string | null
  /** Those that it counts in, that of its key first. */
  readonly budgets: readonly CallBudget[]
  readonly amount: NanoUsd
  readonly reason: string
}

/** An adjustment as it stands in `headgate.ledger_entries`. */
export interface AdjustmentRow {
  readonly request_id: string
  readonly client_request_id: string
  readonly at: Date
  readonly project_id: string
  readonly key_id: string
  readonly cost_nano: bigint
  readonly reason: string
  readonly budget_window: Date | null
}

const SHOWN = 'request_id, client_request_id, at, project_id, key_id, cost_nano, reason, budget_window'

/** The adjustment of a project with this reference; others that name it wait until the transaction is over. */
export const findReference = async (
  { query }: Transaction,
  projectId: string,
  reference: string,
): Promise<AdjustmentRow | undefined> => {
  await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`adjustment ${projectId} ${reference}`])
  const { rows } = await query<AdjustmentRow>(
    `SELECT ${SHOWN} FROM headgate.ledger_entries WHERE project_id = $1 AND client_request_id = $2 AND kind = 'adjustment'`,
    [projectId, reference],
  )
  return rows[0]
}

/** A budget and the window of it that an adjustment counts in. */
interface Charged {
  readonly budgetId: string
  readonly start: string
}

/** The present windows of budgets, made where they are new; budgets that were removed are left out. */
const windowsOf = async (
  transaction: Transaction,
  budgets: readonly CallBudget[],
  at: number,
): Promise<readonly Charged[]> => {
  const charged: Charged[] = []
  for (const { id, rule } of budgets) {
    if (rule) await makeAccount(transaction, id, rule)
    const { rows } = await transaction.query<{ budget_window: BudgetWindow }>(
      'SELECT budget_window FROM headgate.budgets WHERE id = $1 FOR SHARE',
      [id],
    )
    if (!rows[0]) continue
    const start = new Date(windowStart(rows[0].budget_window, at)).toISOString()
    await transaction.execute(
      `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id)
       SELECT id, $2, project_id FROM headgate.budgets WHERE id = $1 ON CONFLICT DO NOTHING`,
      [id, start],
    )
    charged.push({ budgetId: id, start })
  }
  return charged
}

const charge = async ({ execute }: Transaction, { budgetId, start }: Charged, amount: NanoUsd): Promise<void> => {
  await execute(
    'UPDATE headgate.budget_windows SET spent_nano = spent_nano + $3 WHERE budget_id = $1 AND window_start = $2',
    [budgetId, start, amount],
  )
}

/** Adds a row, and its amount to what the present windows of its budgets have spent. */
export const insertAdjustment = async (transaction: Transaction, given: NewAdjustment): Promise<AdjustmentRow> => {
  const { id, at, reference, projectId, keyId, budgets, amount, reason } = given
  const charged = await windowsOf(transaction, budgets, at)
  // In the order in which the drain locks them, so that neither waits for the other in a circle.
  await transaction.execute(LOCK_WINDOWS, [charged.map(({ budgetId }) => budgetId), charged.map(({ start }) => start)])
  for (const one of charged) await charge(transaction, one, amount)
  const [first, ...further] = charged
  const { rows } = await transaction.query<AdjustmentRow>(
    `INSERT INTO headgate.ledger_entries (request_id, kind, at, client_request_id, project_id, key_id, operation, target,
        provider, model, stream, outcome, estimated, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        cost_nano, attempts, duration_ms, budget_id, budget_window, reason)
     VALUES ($1, 'adjustment', $2, $3, $4, $5, 'adjustment', '', '', '', false, 'complete', false, 0, 0, 0, 0, $6, 0, 0, $7, $8, $9)
     RETURNING ${SHOWN}`,
    [
      id,
      new Date(at),
      reference ?? id,
      projectId,
      keyId ?? '',
      amount,
      first?.budgetId ?? null,
      first?.start ?? null,
      reason,
    ],
  )
  for (const { budgetId, start } of further) {
    await transaction.execute(
      `INSERT INTO headgate.ledger_charges (request_id, kind, at, project_id, budget_id, budget_window, cost_nano)
       VALUES ($1, 'adjustment', $2, $3, $4, $5, $6)`,
      [id, new Date(at), projectId, budgetId, start, amount],
    )
  }
  return rows[0] as AdjustmentRow
}

/** Adjustments of a project, or of all, the newest first. */
export const listAdjustments = async (
  { query }: Read,
  project: string | null,
  after: { readonly at: number; readonly id: string } | null,
  limit: number,
): Promise<readonly AdjustmentRow[]> => {
  const { rows } = await query<AdjustmentRow>(
    `SELECT ${SHOWN} FROM headgate.ledger_entries
      WHERE kind = 'adjustment' AND ($1::text IS NULL OR project_id = $1)
        AND ($2::timestamptz IS NULL OR (at, request_id) < ($2, $3))
      ORDER BY at DESC, request_id DESC LIMIT $4`,
    [project, after && new Date(after.at), after && after.id, limit],
  )
  return rows
}
