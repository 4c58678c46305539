import type { Database, Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'
import { unavailable } from './requests.store.ts'

/** The bodies of one call, as they are kept: redacted, and cut where they were long. */
export interface KeptBodies {
  readonly request: string
  /** null where there was none: the call failed before. */
  readonly answer: string | null
  readonly requestBytes: number
  readonly answerBytes: number
  readonly cut: boolean
  readonly redactions: number
}

/** Those of one call, to be written. */
export interface BodiesRow {
  readonly id: string
  readonly at: number
  readonly project: string
  readonly bodies: KeptBodies
}

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** Of one read, for the audit. */
export interface BodiesRead {
  readonly id: string
  readonly project: string
}

const placeOf = (project: string, id: string): SealedPlace => ({
  project,
  purpose: 'request-bodies',
  table: 'request_bodies',
  row: id,
  column: 'sealed',
})

/** The kept bodies. Reads throw AppError `database_unavailable` when PostgreSQL does not answer. */
export const createBodyStore = (database: Database, { seal, open }: SealPort) => ({
  write: (rows: readonly BodiesRow[]): Promise<void> =>
    database.transaction('system', async (transaction) => {
      for (const { id, at, project, bodies } of rows) {
        const sealed = await seal(transaction, placeOf(project, id), JSON.stringify(bodies))
        await transaction.execute(
          `INSERT INTO headgate.request_bodies (id, at, project_id, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
          [id, new Date(at).toISOString(), project, sealed],
        )
      }
    }),

  /** Opens the bodies of a call; `record` writes the audit in the same transaction: nobody reads them unseen. */
  read: (
    id: string,
    record: (transaction: Transaction, read: BodiesRead) => Promise<void>,
  ): Promise<KeptBodies | null> =>
    database
      .transaction('system', async (transaction) => {
        const { rows } = await transaction.query<{ project_id: string; sealed: Buffer }>(
          'SELECT project_id, sealed FROM headgate.request_bodies WHERE id = $1 ORDER BY at DESC LIMIT 1',
          [id],
        )
        const row = rows[0]
        if (!row) return null
        await record(transaction, { id, project: row.project_id })
        return JSON.parse(await open(transaction, placeOf(row.project_id, id), row.sealed)) as KeptBodies
      })
      .catch(unavailable),

  /** Makes the partitions of the days ahead and drops those that have had their time. */
  keepDays: (days: number): Promise<void> =>
    database.transaction('system', async ({ query }) => {
      await query(`SELECT headgate.ensure_daily_partitions('headgate.request_bodies')`)
      await query(`SELECT headgate.drop_daily_partitions('headgate.request_bodies', $1)`, [days])
    }),
})
