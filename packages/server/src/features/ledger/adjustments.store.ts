import type { CalendarWindow } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { windowStart } from './windows.ts'

/** What is added to the ledger. */
export interface NewAdjustment {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly reference: string | null
  readonly projectId: string
  readonly keyId: string | null
  readonly budgetId: string | null
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

/** Begin of the present window of a budget, which is locked and made when it is new; null when there is no budget. */
const lockWindow = async ({ query, execute }: Transaction, budgetId: string, at: number): Promise<string | null> => {
  const { rows } = await query<{ budget_window: CalendarWindow }>(
    'SELECT budget_window FROM headgate.budgets WHERE id = $1 FOR SHARE',
    [budgetId],
  )
  if (!rows[0]) return null
  const start = new Date(windowStart(rows[0].budget_window, at)).toISOString()
  await execute(
    `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id)
     SELECT id, $2, project_id FROM headgate.budgets WHERE id = $1 ON CONFLICT DO NOTHING`,
    [budgetId, start],
  )
  return start
}

/** Adds a row, and its amount to what the present window of the budget has spent. */
export const insertAdjustment = async (transaction: Transaction, given: NewAdjustment): Promise<AdjustmentRow> => {
  const { id, at, reference, projectId, keyId, budgetId, amount, reason } = given
  const start = budgetId === null ? null : await lockWindow(transaction, budgetId, at)
  if (start !== null) {
    await transaction.execute(
      'UPDATE headgate.budget_windows SET spent_nano = spent_nano + $3 WHERE budget_id = $1 AND window_start = $2',
      [budgetId, start, amount],
    )
  }
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
      start === null ? null : budgetId,
      start,
      reason,
    ],
  )
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
