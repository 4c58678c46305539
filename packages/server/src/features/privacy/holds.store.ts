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

/** Notes whom a hold is of, so that purges find their rows. */
const nameHeld = async (
  { execute }: Transaction,
  held: { readonly project: string; readonly id: string; readonly user: string | null; readonly until: Date },
): Promise<void> => {
  await execute(
    `INSERT INTO headgate.privacy_held (project_id, hold_id, subject, until) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [held.project, held.id, held.user, held.until],
  )
}

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
      await nameHeld(transaction, { project, id, user, until })
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
      await transaction.execute('DELETE FROM headgate.privacy_held WHERE project_id = $1 AND hold_id = $2', [
        ...[row.project_id, id],
      ])
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
  /** Takes the names of those out whose hold has ended by itself. */
  unnameEnded: (): Promise<void> =>
    database.transaction('system', async ({ execute }) => {
      await execute('DELETE FROM headgate.privacy_held WHERE until <= now()')
    }),
  /** Open holds of which is not known whom purges have to leave alone. */
  unnamed: (): Promise<HoldRow[]> =>
    database.read('system', async ({ query }) => {
      const { rows } = await query<HoldRow>(
        `SELECT ${columns} FROM headgate.privacy_holds h
          WHERE released_at IS NULL AND expires_at > now() AND NOT EXISTS (
            SELECT FROM headgate.privacy_held n WHERE n.project_id = h.project_id AND n.hold_id = h.hold_id)`,
      )
      return rows
    }),
  name: (hold: HoldRow, user: string | null): Promise<void> =>
    database.transaction({ project: hold.project_id }, (transaction) =>
      nameHeld(transaction, { project: hold.project_id, id: hold.hold_id, user, until: hold.expires_at }),
    ),
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
