import type { Database } from '../../kernel/db.ts'
import type { TableMap } from './data-map.ts'
import type { Person } from './erasures.store.ts'

/** An erasure as it stands in the journal that lies beside backups: it says whom to forget without saying who. */
export interface ErasedEntry {
  readonly project: string
  /** Keyed digest of the name, hexadecimal. */
  readonly subject: string
  readonly requested_at: string
}

/** No backup is kept for longer. */
const JOURNAL_DAYS = 400
const PAGE = 1_000

/** The erasures of the last 400 days, the oldest first, each person once. */
export const readJournal = async (database: Database): Promise<ErasedEntry[]> => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ project: string; subject: string; at: Date }>(
      `SELECT project_id AS project, encode(subject, 'hex') AS subject, max(requested_at) AS at
         FROM headgate.privacy_erasures WHERE requested_at > now() - make_interval(days => $1)
        GROUP BY 1, 2 ORDER BY 3, 2`,
      [JOURNAL_DAYS],
    ),
  )
  return rows.map(({ project, subject, at }) => ({ project, subject, requested_at: at.toISOString() }))
}

/** Everybody who is named in a project, table by table; somebody may come more than once. Tables and columns are the map’s. */
export const everybodyIn = async function* (
  database: Database,
  map: Readonly<Record<string, TableMap>>,
  project: string,
): AsyncIterable<Person> {
  for (const [table, { personColumn, erasure }] of Object.entries(map)) {
    if (personColumn === null || erasure === 'stays') continue
    for (let after = ''; ; ) {
      const { rows } = await database.read({ project }, ({ query }) =>
        query<{ user: string }>(
          `SELECT DISTINCT t.${personColumn} AS "user" FROM headgate.${table} t
            WHERE t.project_id = $1 AND t.${personColumn} > $2 ORDER BY 1 LIMIT $3`,
          [project, after, PAGE],
        ),
      )
      for (const { user } of rows) yield { project, user }
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) break
      after = last.user
    }
  }
}
