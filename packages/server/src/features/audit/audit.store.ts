import type { Database, Transaction } from '../../kernel/db.ts'
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
}

/** Takes the next number; others who audit wait until this transaction ends, so no number is lost. */
export const nextSeq = async ({ query }: Transaction): Promise<bigint> => {
  const { rows } = await query<{ seq: bigint }>('UPDATE headgate.audit_head SET seq = seq + 1 RETURNING seq')
  return (rows[0] as { seq: bigint }).seq
}

/** Adds an entry. */
export const insertEntry = async ({ execute }: Transaction, row: AuditRow): Promise<void> => {
  const document = (value: object | null) => (value === null ? null : JSON.stringify(value))
  await execute(
    `INSERT INTO headgate.audit_entries (seq, at, actor, action, resource, project_id, before, after, request_id, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
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
    ],
  )
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
            `SELECT seq, at, actor, action, resource, project_id, before, after, request_id, reason
             FROM headgate.audit_entries
             WHERE ($1::text IS NULL OR project_id = $1) AND ($2::bigint IS NULL OR seq < $2)
             ORDER BY seq DESC LIMIT $3`,
            [page.project, page.after, page.limit],
          )
        ).rows,
    )
    .catch((cause) => {
      throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
    })
