import type { Database } from '../../kernel/db.ts'

interface ArchiverRow {
  readonly archivedAt: number | null
  readonly failingSince: number | null
}

/**
 * What PostgreSQL says of its `archive_command`: when it took a segment last, and since when it has taken none though it was tried; null
 * where it never did, and where the last attempt went well. Milliseconds since the epoch.
 */
export const readArchiver = (database: Database): Promise<ArchiverRow> =>
  database.read('system', async ({ query }) => {
    const { rows } = await query<{ archived: string | null; failing: string | null }>(
      `SELECT extract(epoch FROM last_archived_time) * 1000 AS archived,
         CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')
           THEN extract(epoch FROM coalesce(last_archived_time, stats_reset, last_failed_time)) * 1000 END AS failing
       FROM pg_catalog.pg_stat_archiver`,
    )
    const timeOf = (text: string | null | undefined) =>
      text === null || text === undefined ? null : Math.round(Number(text))
    return { archivedAt: timeOf(rows[0]?.archived), failingSince: timeOf(rows[0]?.failing) }
  })
