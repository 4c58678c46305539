import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'

/** A row of headgate.audit_entries; `project_id` is `*` where an entry belongs to no project. */
export interface AuditRow {
  readonly seq: bigint
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly resource: string
  readonly project_id: string
  readonly before: object | null
  readonly after: object | null
  readonly request_id: string | null
  readonly reason: string | null
  /** Null in entries from before the chain, until the next one is written. */
  readonly prev_hash: Buffer | null
  readonly hash: Buffer | null
}

/** Where the audit ends: the last number, how many entries are chained, and the hash of the last of these. */
export interface AuditHead {
  readonly seq: bigint
  readonly chained: bigint
  readonly hash: Buffer
}

const columns = 'seq, at, actor, action, resource, project_id, before, after, request_id, reason, prev_hash, hash'

/** Takes the head; others who audit wait until this transaction ends, so that no number is lost. */
export const lockHead = async ({ query }: Transaction): Promise<AuditHead> =>
  (await query<AuditHead>('SELECT seq, chained, hash FROM headgate.audit_head FOR UPDATE')).rows[0] as AuditHead

/** The head as it is now, locked by nobody. */
export const readHead = async ({ query }: Read): Promise<AuditHead> =>
  (await query<AuditHead>('SELECT seq, chained, hash FROM headgate.audit_head')).rows[0] as AuditHead

/** Gives the next entries from before the chain their hashes, in order. */
export const chainEntries = async ({ execute }: Transaction, hashes: readonly Buffer[]): Promise<void> => {
  await execute('SELECT headgate.chain_audit_entries($1)', [hashes])
}

/** Does work of the house in a transaction of whatever scope, and gives the scope back. */
export const asHouse = async <T>({ query }: Transaction, work: () => Promise<T>): Promise<T> => {
  const { rows } = await query<{ scope: string }>(
    `SELECT headgate.scope() AS scope, set_config('headgate.scope', '*', true)`,
  )
  const done = await work()
  await query(`SELECT set_config('headgate.scope', $1, true)`, [rows[0]?.scope])
  return done
}

/** Adds an entry; the head moves to it. */
export const insertEntry = async ({ execute }: Transaction, row: AuditRow): Promise<void> => {
  const document = (value: object | null) => (value === null ? null : JSON.stringify(value))
  await execute(
    `INSERT INTO headgate.audit_entries (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.seq,
      row.at,
      row.actor,
      row.action,
      row.resource,
      row.project_id,
      document(row.before),
      document(row.after),
      row.request_id,
      row.reason,
      row.prev_hash,
      row.hash,
    ],
  )
}

const unavailable = (cause: unknown): never => {
  throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

/** Entries, the newest first. @throws AppError `database_unavailable`. */
export const readEntries = (
  database: Database,
  page: { readonly project: string | null; readonly after: bigint | null; readonly limit: number },
): Promise<AuditRow[]> =>
  database
    .read(
      'system',
      async ({ query }) =>
        (
          await query<AuditRow>(
            `SELECT ${columns} FROM headgate.audit_entries
             WHERE ($1::text IS NULL OR project_id = $1) AND ($2::bigint IS NULL OR seq < $2)
             ORDER BY seq DESC LIMIT $3`,
            [page.project, page.after, page.limit],
          )
        ).rows,
    )
    .catch(unavailable)

/** Entries with numbers above `after`, in order. */
export const entriesAfter = async ({ query }: Read, after: bigint, limit: number): Promise<AuditRow[]> =>
  (
    await query<AuditRow>(`SELECT ${columns} FROM headgate.audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2`, [
      after,
      limit,
    ])
  ).rows

/** One entry. */
export const readEntry = async ({ query }: Read, seq: bigint): Promise<AuditRow | undefined> =>
  (await query<AuditRow>(`SELECT ${columns} FROM headgate.audit_entries WHERE seq = $1`, [seq])).rows[0]

/** How many entries each actor has since then. @throws AppError `database_unavailable`. */
export const countActions = (database: Database, since: Date): Promise<Map<string, number>> =>
  database
    .read('system', ({ query }) =>
      query<{ actor: string; count: number }>(
        'SELECT actor, count(*)::integer AS count FROM headgate.audit_entries WHERE at >= $1 GROUP BY actor ORDER BY actor',
        [since],
      ),
    )
    .then(({ rows }) => new Map(rows.map(({ actor, count }) => [actor, count])), unavailable)
