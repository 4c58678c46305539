import type { Database, Transaction } from '../../kernel/db.ts'
import { errorCode } from '../../kernel/db-errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import { type LedgerRow, paidByLease } from './row.ts'

/** Writes settled calls; what is already there stays as it is. */
export interface EntryStore {
  /** Writes rows, their tries, and what they change in budgets, in one transaction. Answers how many were new. */
  write(rows: readonly LedgerRow[]): Promise<number>
  /** Makes the partitions of the months ahead. */
  ensurePartitions(): Promise<void>
}

/** True when a row itself is refused (SQLSTATE classes 22 and 23), so that sending it again cannot help. */
export const refusesRow = (cause: unknown): boolean => /^2[23]/.test(errorCode(cause))

// PostgreSQL's text takes no NUL and no lone surrogate.
const text = (value: string): string => value.replaceAll('\0', '').toWellFormed()
const nullableText = (value: string | null): string | null => (value === null ? null : text(value))
const time = (milliseconds: number): string => new Date(milliseconds).toISOString()
const providerOf = (target: string): string => target.slice(0, Math.max(target.indexOf('/'), 0))
const modelOf = (target: string): string => target.slice(target.indexOf('/') + 1)

type Column = readonly [name: string, type: string, value: (row: LedgerRow) => unknown]

const columns: readonly Column[] = [
  ['request_id', 'text', (row) => row.id],
  ['at', 'timestamptz', (row) => time(row.at)],
  ['client_request_id', 'text', (row) => text(row.requestId)],
  ['project_id', 'text', (row) => row.projectId],
  ['key_id', 'text', (row) => row.keyId],
  ['user_name', 'text', (row) => nullableText(row.user)],
  ['operation', 'text', (row) => row.operation],
  ['target', 'text', (row) => text(row.target)],
  ['provider', 'text', (row) => text(providerOf(row.target))],
  ['model', 'text', (row) => text(modelOf(row.target))],
  ['stream', 'boolean', (row) => row.stream],
  ['outcome', 'text', (row) => row.outcome],
  ['estimated', 'boolean', (row) => row.estimated],
  ['input_tokens', 'bigint', (row) => row.inputTokens],
  ['cached_input_tokens', 'bigint', (row) => row.cachedInputTokens],
  ['output_tokens', 'bigint', (row) => row.outputTokens],
  ['reasoning_tokens', 'bigint', (row) => row.reasoningTokens],
  ['cost_nano', 'bigint', (row) => row.cost],
  ['price_version', 'text', (row) => row.priceVersion],
  ['fault', 'text', (row) => row.fault],
  ['attempts', 'smallint', (row) => row.attempts.length],
  ['duration_ms', 'integer', (row) => row.durationMs],
  ['first_byte_ms', 'integer', (row) => row.firstByteMs],
  ['budget_id', 'text', (row) => row.budgetId],
  ['budget_window', 'timestamptz', (row) => (row.reservation ? time(row.reservation.windowStart) : null)],
]

const INSERT_ENTRIES = `
  INSERT INTO headgate.ledger_entries (${columns.map(([name]) => name).join(', ')})
  SELECT * FROM unnest(${columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')})
  ON CONFLICT (request_id, kind, at) DO NOTHING
  RETURNING request_id`

const INSERT_ATTEMPTS = `
  INSERT INTO headgate.request_attempts (request_id, attempt, at, project_id, target, status, duration_ms, fault)
  SELECT * FROM unnest($1::text[], $2::smallint[], $3::timestamptz[], $4::text[], $5::text[], $6::smallint[], $7::integer[], $8::text[])
  ON CONFLICT (request_id, attempt, at) DO NOTHING`

// In one order, and windows before leases, so that no two transactions wait for each other.
const LOCK_WINDOWS = `
  SELECT FROM headgate.budget_windows w
   WHERE (w.budget_id, w.window_start) IN (SELECT * FROM unnest($1::text[], $2::timestamptz[]))
   ORDER BY w.budget_id, w.window_start FOR UPDATE`

// A lease that was returned meanwhile pays nothing: its window got the money back already.
const CHARGE = `
  WITH charge AS (
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::bigint[])
      AS c (budget_id, window_start, lease_id, cost, paid)
  ), per_lease AS (
    SELECT lease_id, sum(paid)::bigint AS paid FROM charge GROUP BY lease_id
  ), paid AS (
    UPDATE headgate.leases l SET amount_nano = l.amount_nano - p.paid
      FROM per_lease p WHERE l.id = p.lease_id AND l.amount_nano >= p.paid
    RETURNING l.budget_id, l.window_start, p.paid
  ), per_window AS (
    SELECT budget_id, window_start, sum(cost)::bigint AS cost, sum(paid)::bigint AS paid FROM (
      SELECT budget_id, window_start, cost, 0::bigint AS paid FROM charge
      UNION ALL SELECT budget_id, window_start, 0, paid FROM paid
    ) moves GROUP BY budget_id, window_start
  )
  UPDATE headgate.budget_windows w SET spent_nano = w.spent_nano + m.cost, leased_nano = w.leased_nano - m.paid
    FROM per_window m WHERE w.budget_id = m.budget_id AND w.window_start = m.window_start`

const insertAttempts = async ({ execute }: Transaction, rows: readonly LedgerRow[]): Promise<void> => {
  const tries = rows.flatMap((row) => row.attempts.map((attempt, index) => ({ row, attempt, number: index + 1 })))
  if (tries.length === 0) return
  await execute(INSERT_ATTEMPTS, [
    tries.map(({ row }) => row.id),
    tries.map(({ number }) => number),
    tries.map(({ row }) => time(row.at)),
    tries.map(({ row }) => row.projectId),
    tries.map(({ attempt }) => text(attempt.target)),
    tries.map(({ attempt }) => attempt.status),
    tries.map(({ attempt }) => Math.round(attempt.durationMs)),
    tries.map(({ attempt }) => attempt.fault),
  ])
}

const chargeBudgets = async ({ execute }: Transaction, rows: readonly LedgerRow[]): Promise<void> => {
  const charges = rows.flatMap((row) => (row.reservation ? [{ row, reservation: row.reservation }] : []))
  if (charges.length === 0) return
  const budgets = charges.map(({ row }) => row.budgetId)
  const windows = charges.map(({ reservation }) => time(reservation.windowStart))
  await execute(LOCK_WINDOWS, [budgets, windows])
  await execute(CHARGE, [
    budgets,
    windows,
    charges.map(({ reservation }) => reservation.leaseId),
    charges.map(({ row }) => row.cost ?? 0n),
    charges.map(({ row }) => paidByLease(row)),
  ])
}

export const createEntryStore = (database: Database, faultPoints: FaultPoints): EntryStore => ({
  write: async (rows) => {
    const written = await database.transaction('system', async (transaction) => {
      const { rows: inserted } = await transaction.query<{ request_id: string }>(
        INSERT_ENTRIES,
        columns.map(([, , value]) => rows.map(value)),
      )
      const ids = new Set(inserted.map((row) => row.request_id))
      const fresh = rows.filter((row) => ids.delete(row.id))
      await insertAttempts(transaction, fresh)
      await chargeBudgets(transaction, fresh)
      faultPoints.pass('ledger.before-drain-commit')
      return fresh.length
    })
    faultPoints.pass('ledger.after-drain-commit')
    return written
  },
  ensurePartitions: () =>
    database.transaction('system', async ({ query }) => {
      for (const table of ['headgate.ledger_entries', 'headgate.request_attempts']) {
        await query('SELECT headgate.ensure_monthly_partitions($1::regclass)', [table])
      }
    }),
})
