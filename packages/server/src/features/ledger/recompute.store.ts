import type { Operation } from '../../domain/inference.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { LOCK_WINDOWS } from './entries.store.ts'

/** A call and what it has cost so far, its corrections included. */
export interface PricedCallRow {
  readonly request_id: string
  readonly at: Date
  readonly operation: Operation
  readonly target: string
  readonly outcome: string
  readonly input_tokens: bigint
  readonly cached_input_tokens: bigint
  readonly cache_write_input_tokens: bigint
  readonly cache_write_hour_input_tokens: bigint | null
  readonly output_tokens: bigint
  readonly first_byte_ms: number | null
  readonly cost_nano: bigint | null
  readonly price_version: string | null
  readonly corrected_nano: bigint
  readonly corrections: bigint
}

/** Where a page begins: after this call. */
export interface CallCursor {
  readonly at: Date
  readonly id: string
}

/** Which calls are priced anew. */
export interface CallFilter {
  readonly from: Date
  readonly to: Date
  /** A model in full, or the begin of its name; null: all. */
  readonly model: { readonly name: string; readonly isPrefix: boolean } | null
}

/** What a call is corrected by. */
export interface Correction {
  readonly id: string
  readonly callId: string
  readonly at: Date
  readonly amount: NanoUsd
  readonly priceVersion: string
}

/** The next calls of a range in the order of time. */
export const readCalls = async (
  { query }: Read,
  { from, to, model }: CallFilter,
  after: CallCursor,
  limit: number,
): Promise<readonly PricedCallRow[]> => {
  const { rows } = await query<PricedCallRow>(
    `SELECT e.request_id, e.at, e.operation, e.target, e.outcome, e.input_tokens, e.cached_input_tokens, e.cache_write_input_tokens,
            e.cache_write_hour_input_tokens, e.output_tokens, e.first_byte_ms, e.cost_nano, e.price_version,
            coalesce(c.amount, 0)::bigint AS corrected_nano, c.count AS corrections
       FROM (SELECT * FROM headgate.ledger_entries
              WHERE kind = 'call' AND saved_nano IS NULL AND at >= $1 AND at < $2 AND (at, request_id) > ($3, $4)
                AND ($5::text IS NULL OR CASE WHEN $6 THEN starts_with(target, $5) ELSE target = $5 END)
              ORDER BY at, request_id LIMIT $7) e,
            LATERAL (SELECT sum(cost_nano) AS amount, count(*) AS count FROM headgate.ledger_entries
                      WHERE kind = 'correction' AND client_request_id = e.request_id AND at = e.at AND at >= $1 AND at < $2) c
      ORDER BY e.at, e.request_id`,
    [from, to, after.at, after.id, model?.name ?? null, model?.isPrefix ?? false, limit],
  )
  return rows
}

/** Only one prices anew at a time; the others wait until the transaction is over. */
export const lockRecompute = async ({ query }: Transaction): Promise<void> => {
  await query(`SELECT pg_advisory_xact_lock(hashtextextended('headgate recompute', 0))`)
}

const GIVEN = `json_to_recordset($1::json) AS given (id text, call_id text, at timestamptz, amount bigint, price_version text)`

const INSERT = `
  INSERT INTO headgate.ledger_entries (request_id, kind, at, client_request_id, project_id, key_id, user_name, operation, target,
      provider, model, stream, outcome, estimated, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
      cost_nano, price_version, attempts, duration_ms, budget_id, budget_window, reason)
  SELECT given.id, 'correction', e.at, e.request_id, e.project_id, e.key_id, e.user_name, e.operation, e.target, e.provider, e.model,
         false, 'complete', false, 0, 0, 0, 0, given.amount, given.price_version, 0, 0, e.budget_id, e.budget_window, $2
    FROM ${GIVEN} JOIN headgate.ledger_entries e ON e.request_id = given.call_id AND e.kind = 'call' AND e.at = given.at`

const INSERT_CHARGES = `
  INSERT INTO headgate.ledger_charges (request_id, kind, at, project_id, budget_id, budget_window, cost_nano)
  SELECT given.id, 'correction', c.at, c.project_id, c.budget_id, c.budget_window, given.amount
    FROM ${GIVEN} JOIN headgate.ledger_charges c ON c.request_id = given.call_id AND c.kind = 'call' AND c.at = given.at`

/** By budget and window what the corrections change; windows that are gone stay gone. */
const MOVES = `
  SELECT budget_id, budget_window, sum(amount)::bigint AS amount FROM (
    SELECT e.budget_id, e.budget_window, given.amount FROM ${GIVEN}
      JOIN headgate.ledger_entries e ON e.request_id = given.call_id AND e.kind = 'call' AND e.at = given.at
     WHERE e.budget_id IS NOT NULL
    UNION ALL SELECT c.budget_id, c.budget_window, given.amount FROM ${GIVEN}
      JOIN headgate.ledger_charges c ON c.request_id = given.call_id AND c.kind = 'call' AND c.at = given.at) moved
   GROUP BY 1, 2`

const CHARGE = `
  UPDATE headgate.budget_windows w SET spent_nano = w.spent_nano + m.amount
    FROM unnest($1::text[], $2::timestamptz[], $3::bigint[]) AS m (budget_id, budget_window, amount)
   WHERE w.budget_id = m.budget_id AND w.window_start = m.budget_window`

/** Adds corrections, and what they change to what the windows of their calls have spent. */
export const insertCorrections = async (
  { query, execute }: Transaction,
  corrections: readonly Correction[],
  reason: string,
): Promise<void> => {
  const given = JSON.stringify(
    corrections.map(({ id, callId, at, amount, priceVersion }) => ({
      ...{ id, call_id: callId, at: at.toISOString(), amount: amount.toString(), price_version: priceVersion },
    })),
  )
  const { rows } = await query<{ budget_id: string; budget_window: Date; amount: bigint }>(MOVES, [given])
  const windows = rows.map(({ budget_window: window }) => window.toISOString())
  const ids = rows.map(({ budget_id: id }) => id)
  // In the order in which the drain locks them, so that neither waits for the other in a circle.
  await execute(LOCK_WINDOWS, [ids, windows])
  await execute(INSERT, [given, reason])
  await execute(INSERT_CHARGES, [given])
  await execute(CHARGE, [ids, windows, rows.map(({ amount }) => amount)])
}
