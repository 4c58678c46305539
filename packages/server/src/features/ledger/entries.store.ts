import type { Attempt } from '../../domain/hold.ts'
import { noAmounts } from '../../domain/media.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { errorCode } from '../../kernel/db-errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import { isPlainJson } from '../../kernel/json.ts'
import { isCharged, type LedgerRow, paidByLease, type Reservation } from './row.ts'

/** Writes settled calls; what is already there stays as it is. */
export interface EntryStore {
  /** Writes rows, their tries, and what they change in budgets, in one transaction. Answers how many were new. */
  write(rows: readonly LedgerRow[]): Promise<number>
  /** Makes the partitions of the months ahead. */
  ensurePartitions(): Promise<void>
}

/** True when a row itself is refused (SQLSTATE classes 22 and 23), so that sending it again cannot help. */
export const refusesRow = (cause: unknown): boolean => /^2[23]/.test(errorCode(cause))

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

// PostgreSQL's text takes no NUL and no lone surrogate; what needs no escape has neither.
const text = (value: string): string =>
  isPlainJson(value) ? `"${value}"` : JSON.stringify(value.replaceAll('\0', '').toWellFormed())
const nullableText = (value: string | null): string => (value === null ? 'null' : text(value))

const tryJson = ({ target, status, durationMs, fault }: Attempt, index: number): string =>
  `{"attempt":${index + 1},"target":${text(target)},"status":${status},"duration_ms":${Math.round(durationMs)}` +
  `,"fault":${nullableText(fault)}}`

type WindowText = (windowStart: number) => string

/** Begins of windows as text; the rows of a batch are nearly all of one. */
const createWindowText = (): WindowText => {
  let known: number | undefined
  let written = ''
  return (windowStart) => {
    if (windowStart !== known) {
      known = windowStart
      written = time(windowStart)
    }
    return written
  }
}

const amountsJson = ({ amounts }: LedgerRow): string =>
  amounts === noAmounts
    ? ''
    : `,"images":${amounts.images},"audio_ms":${Math.round(amounts.audioMs)},"characters":${amounts.characters}`

/** Only of answers from the cache. */
const savedJson = ({ saved }: LedgerRow): string => (saved === undefined ? '' : `,"saved_nano":${saved ?? 0}`)

/** A row, and its tries, as PostgreSQL reads it: one JSON document per batch costs a fraction of an array per column. */
const rowJson = (row: LedgerRow, budget: Reservation | undefined, windowText: WindowText): string => {
  const slash = row.target.indexOf('/')
  return (
    `{"request_id":${text(row.id)},"at_ms":${row.at},"client_request_id":${text(row.requestId)}` +
    `,"project_id":${text(row.projectId)},"key_id":${text(row.keyId)},"user_name":${nullableText(row.user)}` +
    `,"operation":${text(row.operation)},"target":${text(row.target)}` +
    `,"provider":${text(row.target.slice(0, Math.max(slash, 0)))},"model":${text(row.target.slice(slash + 1))}` +
    `,"stream":${row.stream},"outcome":"${row.outcome}","estimated":${row.estimated}` +
    `,"input_tokens":${row.inputTokens},"cached_input_tokens":${row.cachedInputTokens}` +
    `,"cache_write_input_tokens":${row.cacheWriteInputTokens}` +
    `,"cache_write_hour_input_tokens":${row.cacheWriteHourInputTokens}` +
    `,"output_tokens":${row.outputTokens},"reasoning_tokens":${row.reasoningTokens}${amountsJson(row)}` +
    `,"cost_nano":${row.cost},"price_version":${nullableText(row.priceVersion)},"fault":${nullableText(row.fault)}${savedJson(row)}` +
    `,"attempts":${row.attempts.length},"duration_ms":${row.durationMs},"first_byte_ms":${row.firstByteMs}` +
    (budget === undefined
      ? ',"budget_id":null,"budget_window":null'
      : `,"budget_id":${text(budget.budgetId)},"budget_window":"${windowText(budget.windowStart)}"`) +
    `,"tries":[${row.attempts.map(tryJson).join()}]}`
  )
}

/** The budgets that bear the cost of a row. */
const chargedBy = (row: LedgerRow): readonly Reservation[] =>
  row.reservations.every((reservation) => reservation.targets === null)
    ? row.reservations
    : row.reservations.filter((reservation) => isCharged(row, reservation))

const batchJson = (rows: readonly LedgerRow[]): string => {
  const windowText = createWindowText()
  return `[${rows.map((row) => rowJson(row, chargedBy(row)[0], windowText)).join()}]`
}

const COLUMNS = `client_request_id, project_id, key_id, user_name, operation, target, provider, model, stream, outcome,
  estimated, input_tokens, cached_input_tokens, cache_write_input_tokens, cache_write_hour_input_tokens, output_tokens, reasoning_tokens, cost_nano,
  price_version, fault, attempts, duration_ms, first_byte_ms, budget_id, budget_window`

// Answers the rows that were there already: after a commit whose reply was lost, all; else none.
const INSERT_ROWS = `
  WITH given AS MATERIALIZED (
    SELECT to_timestamp(at_ms / 1000) AS at, * FROM json_to_recordset($1::json) AS r (
      request_id text, at_ms double precision, client_request_id text, project_id text, key_id text, user_name text,
      operation text, target text, provider text, model text, stream boolean, outcome text, estimated boolean,
      input_tokens bigint, cached_input_tokens bigint, cache_write_input_tokens bigint,
      cache_write_hour_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, cost_nano bigint,
      price_version text, fault text, attempts smallint, duration_ms integer, first_byte_ms integer, budget_id text,
      budget_window timestamptz, tries json, images bigint, audio_ms bigint, characters bigint,
      saved_nano bigint)
  ), written AS (
    INSERT INTO headgate.ledger_entries (request_id, at, ${COLUMNS}, images, audio_ms, characters, saved_nano)
    SELECT request_id, at, ${COLUMNS}, coalesce(images, 0), coalesce(audio_ms, 0), coalesce(characters, 0), saved_nano FROM given
    ON CONFLICT (request_id, kind, at) DO NOTHING
    RETURNING request_id
  ), tried AS (
    INSERT INTO headgate.request_attempts (request_id, attempt, at, project_id, target, status, duration_ms, fault)
    SELECT given.request_id, t.attempt, given.at, given.project_id, t.target, t.status, t.duration_ms, t.fault
      FROM given JOIN written USING (request_id), LATERAL json_to_recordset(given.tries) AS t (
        attempt smallint, target text, status smallint, duration_ms integer, fault text)
    ON CONFLICT (request_id, attempt, at) DO NOTHING
  )
  SELECT request_id FROM given WHERE request_id NOT IN (SELECT request_id FROM written)`

/** In one order, and windows before leases, so that no two transactions wait for each other. */
export const LOCK_WINDOWS = `
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

// What a row is charged to beyond the budget that it names itself.
const INSERT_CHARGES = `
  INSERT INTO headgate.ledger_charges (request_id, at, project_id, budget_id, budget_window, cost_nano)
  SELECT request_id, to_timestamp(at_ms / 1000), project_id, budget_id, budget_window, cost_nano
    FROM json_to_recordset($1::json) AS c (request_id text, at_ms double precision, project_id text, budget_id text,
      budget_window timestamptz, cost_nano bigint)`

const chargeJson = ({ id, at, projectId, cost }: LedgerRow, { budgetId, windowStart }: Reservation): string =>
  `{"request_id":${text(id)},"at_ms":${at},"project_id":${text(projectId)},"budget_id":${text(budgetId)}` +
  `,"budget_window":"${time(windowStart)}","cost_nano":${cost}}`

const insertCharges = async ({ execute }: Transaction, rows: readonly LedgerRow[]): Promise<void> => {
  const charges: string[] = []
  for (const row of rows) {
    if (row.reservations.length < 2) continue
    for (const further of chargedBy(row).slice(1)) charges.push(chargeJson(row, further))
  }
  if (charges.length > 0) await execute(INSERT_CHARGES, [`[${charges.join()}]`])
}

interface Charge {
  readonly budgetId: string
  readonly windowStart: number
  cost: NanoUsd
  paid: NanoUsd
}

/** What the rows take from each lease, which is of one budget and one window. */
const chargesOf = (rows: readonly LedgerRow[]): ReadonlyMap<string, Charge> => {
  const charges = new Map<string, Charge>()
  for (const row of rows) {
    for (const reservation of row.reservations) {
      if (!isCharged(row, reservation)) continue
      const { budgetId, leaseId, windowStart } = reservation
      let charge = charges.get(leaseId)
      if (!charge) charges.set(leaseId, (charge = { budgetId, windowStart, cost: 0n, paid: 0n }))
      charge.cost += row.cost ?? 0n
      charge.paid += paidByLease(row, reservation)
    }
  }
  return charges
}

const chargeBudgets = async (transaction: Transaction, rows: readonly LedgerRow[]): Promise<void> => {
  const byLease = chargesOf(rows)
  if (byLease.size === 0) return
  await insertCharges(transaction, rows)
  const { execute } = transaction
  const charges = [...byLease.values()]
  const budgets = charges.map(({ budgetId }) => budgetId)
  const windows = charges.map(({ windowStart }) => time(windowStart))
  await execute(LOCK_WINDOWS, [budgets, windows])
  await execute(CHARGE, [
    budgets,
    windows,
    [...byLease.keys()],
    charges.map(({ cost }) => cost),
    charges.map(({ paid }) => paid),
  ])
}

export const createEntryStore = (database: Database, faultPoints: FaultPoints): EntryStore => ({
  write: async (rows) => {
    const written = await database.transaction('system', async (transaction) => {
      const { rows: known } = await transaction.query<{ request_id: string }>(INSERT_ROWS, [batchJson(rows)])
      const ids = new Set(known.map((row) => row.request_id))
      const fresh = ids.size === 0 ? rows : rows.filter((row) => !ids.has(row.id))
      await chargeBudgets(transaction, fresh)
      faultPoints.pass('ledger.before-drain-commit')
      return fresh.length
    })
    faultPoints.pass('ledger.after-drain-commit')
    return written
  },
  ensurePartitions: () =>
    database.transaction('system', async ({ query }) => {
      for (const table of ['headgate.ledger_entries', 'headgate.request_attempts', 'headgate.ledger_charges']) {
        await query('SELECT headgate.ensure_monthly_partitions($1::regclass)', [table])
      }
    }),
})
