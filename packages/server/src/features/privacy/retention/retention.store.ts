import { agedCondition, agedValues, type EndAged, type RetentionPeriods, tooOld } from '../../../kernel/aged.ts'
import type { Database, Transaction } from '../../../kernel/db.ts'
import type { RetentionClass } from '../data-map.ts'

/** A table whose rows end by the schedule. */
export interface EndingTable {
  readonly table: string
  readonly as: RetentionClass
  /** The column from which the age counts. */
  readonly from: string
  readonly personColumn: string
}

/** What is due in a project. */
interface DueRow {
  readonly project: string
  readonly due: number
  readonly held: number
  readonly oldest: Date | null
}

/** A record as it stands in the table. */
export interface RecordRow {
  readonly project_id: string
  readonly record_id: string
  readonly record: string
  readonly signature: Buffer
}

const AT_ONCE = 500
/** Projects told of in a plan. */
const MOST_PROJECTS = 1_000

/** What is too old, and the records of what has gone. Names of tables and columns are the map’s, never a caller’s. */
export const createRetentionStore = (database: Database) => ({
  /** Counts what would end now, by project, and what a hold keeps. */
  due: async ({ table, from, personColumn }: EndingTable, periods: RetentionPeriods): Promise<DueRow[]> => {
    const values = agedValues(periods)
    if (values === null) return []
    return database.read('system', async ({ query }) => {
      const { rows } = await query<{ project: string; due: bigint; held: bigint; oldest: Date | null }>(
        `SELECT project_id AS project, count(*) FILTER (WHERE NOT is_held) AS due, count(*) FILTER (WHERE is_held) AS held,
                min(began_at) FILTER (WHERE NOT is_held) AS oldest
           FROM (SELECT t.project_id, t.${from} AS began_at, EXISTS (
                   SELECT FROM headgate.privacy_held h WHERE h.project_id = t.project_id AND h.until > now()
                      AND (h.subject IS NULL OR h.subject = t.${personColumn})) AS is_held
                   FROM headgate.${table} t WHERE ${tooOld(`t.${from}`)}) aged
          GROUP BY project_id ORDER BY project_id LIMIT ${MOST_PROJECTS}`,
        values,
      )
      return rows.map((row) => ({ ...row, due: Number(row.due), held: Number(row.held) }))
    })
  },
  /** Ends rows of a table that nothing else belongs to than what goes with them by itself, in batches. */
  endOf:
    ({ table, from, personColumn }: EndingTable): EndAged =>
    async (periods, { most, isOver, onEnded }) => {
      const values = agedValues(periods)
      let left = values === null ? 0 : most
      while (left > 0 && !isOver()) {
        const atOnce = Math.min(left, AT_ONCE)
        const { rows } = await database.transaction('system', ({ query }) =>
          query<{ project: string; at: Date }>(
            `DELETE FROM headgate.${table} WHERE ctid = ANY(ARRAY(
               SELECT ctid FROM headgate.${table} WHERE ${agedCondition(from, personColumn)}
                ORDER BY ${from} LIMIT $4 FOR UPDATE SKIP LOCKED))
             RETURNING project_id AS project, ${from} AS at`,
            [...(values ?? []), atOnce],
          ),
        )
        for (const row of rows) onEnded(row)
        left -= rows.length
        if (rows.length < atOnce) break
      }
    },
  add: (
    row: RecordRow & { readonly startedAt: Date },
    audit: (transaction: Transaction) => Promise<void>,
  ): Promise<void> =>
    database.transaction({ project: row.project_id }, async (transaction) => {
      await transaction.execute(
        `INSERT INTO headgate.retention_records (project_id, record_id, started_at, record, signature)
         VALUES ($1, $2, $3, $4, $5)`,
        [row.project_id, row.record_id, row.startedAt, row.record, row.signature],
      )
      await audit(transaction)
    }),
  /** The newest first, from after one of them on. */
  list: (project: string | null, after: string | null, limit: number): Promise<RecordRow[]> =>
    database.read(project === null ? 'system' : { project }, async ({ query }) => {
      const { rows } = await query<RecordRow>(
        `SELECT project_id, record_id, record, signature FROM headgate.retention_records
          WHERE $1::text IS NULL OR record_id < $1 ORDER BY record_id DESC LIMIT $2`,
        [after, limit],
      )
      return rows
    }),
})
export type RetentionStore = ReturnType<typeof createRetentionStore>
