import type { Database, Transaction } from '../../kernel/db.ts'
import type { Person } from './erasures.store.ts'

/** A hold as it stands in the table. */
export interface HoldRow {
  readonly project_id: string
  readonly hold_id: string
  readonly subject: Buffer | null
  readonly reason: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly released_at: Date | null
}

const columns = 'project_id, hold_id, subject, reason, created_at, expires_at, released_at'

/** Legal holds in PostgreSQL. Times of expiry are compared with the database's. */
export const createHoldStore = (database: Database, digestOf: (person: Person) => Buffer) => ({
  add: (
    hold: {
      readonly project: string
      readonly id: string
      readonly user: string | null
      readonly reason: string
      readonly by: string
      readonly at: Date
      readonly until: Date
    },
    record: (transaction: Transaction) => Promise<void>,
  ): Promise<HoldRow> =>
    database.transaction({ project: hold.project }, async (transaction) => {
      const { project, id, user, reason, by, at, until } = hold
      const { rows } = await transaction.query<HoldRow>(
        `INSERT INTO headgate.privacy_holds (project_id, hold_id, subject, reason, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
        [project, id, user === null ? null : digestOf({ project, user }), reason, by, at, until],
      )
      await record(transaction)
      return rows[0] as HoldRow
    }),
  /** Ends a hold, and lets the erasures that waited for it go on; null where there is none of this id, or it has ended. */
  release: (
    id: string,
    record: (transaction: Transaction, project: string) => Promise<void>,
  ): Promise<HoldRow | null> =>
    database.transaction('system', async (transaction) => {
      const { rows } = await transaction.query<HoldRow>(
        `UPDATE headgate.privacy_holds SET released_at = now() WHERE hold_id = $1 AND released_at IS NULL RETURNING ${columns}`,
        [id],
      )
      const [row] = rows
      if (row === undefined) return null
      await transaction.execute(
        `UPDATE headgate.privacy_erasures SET next_pass_at = now()
          WHERE project_id = $1 AND next_pass_at IS NOT NULL AND ($2::bytea IS NULL OR subject = $2)`,
        [row.project_id, row.subject],
      )
      await record(transaction, row.project_id)
      return row
    }),
  /** Until when the data of somebody is held; null: it is not. */
  until: (project: string, subject: Buffer): Promise<Date | null> =>
    database.read({ project }, async ({ query }) => {
      const { rows } = await query<{ until: Date | null }>(
        `SELECT max(expires_at) AS until FROM headgate.privacy_holds
          WHERE project_id = $1 AND released_at IS NULL AND expires_at > now() AND (subject IS NULL OR subject = $2)`,
        [project, subject],
      )
      return rows[0]?.until ?? null
    }),
  /** The newest first, from after one of them on. */
  list: (project: string | null, after: string | null, limit: number): Promise<HoldRow[]> =>
    database.read(project === null ? 'system' : { project }, async ({ query }) => {
      const { rows } = await query<HoldRow>(
        `SELECT ${columns} FROM headgate.privacy_holds WHERE $1::text IS NULL OR hold_id < $1
          ORDER BY hold_id DESC LIMIT $2`,
        [after, limit],
      )
      return rows
    }),
})
export type HoldStore = ReturnType<typeof createHoldStore>
