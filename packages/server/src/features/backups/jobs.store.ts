import type { Database, Read, Transaction } from '../../kernel/db.ts'

/** What is made or looked at. */
export type JobKind = 'run' | 'verify'

/** A job as it is kept. Times are milliseconds since the epoch. */
export interface StoredJob {
  readonly id: string
  readonly kind: JobKind
  readonly backup: string | null
  readonly state: 'queued' | 'running' | 'done' | 'failed'
  readonly stage: string | null
  readonly doneBytes: number
  readonly totalBytes: number
  readonly code: string | null
  readonly detail: string | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
}

const ms = (column: string, name: string): string =>
  `floor(extract(epoch FROM ${column}) * 1000)::double precision AS "${name}"`
const COLUMNS = `id, kind, backup, state, stage, done_bytes::double precision AS "doneBytes",
  total_bytes::double precision AS "totalBytes", code, detail, ${ms('created_at', 'createdAt')},
  ${ms('started_at', 'startedAt')}, ${ms('ended_at', 'endedAt')}`

const insert = async ({ query }: Transaction, id: string, kind: JobKind, backup: string | null) => {
  const { rows } = await query<StoredJob>(
    `INSERT INTO headgate.backup_jobs (id, kind, backup, state) VALUES ($1, $2, $3, 'queued')
     ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [id, kind, backup],
  )
  return rows[0] ?? null
}

const newest = async ({ query }: Read, most: number): Promise<StoredJob[]> =>
  (
    await query<StoredJob>(`SELECT ${COLUMNS} FROM headgate.backup_jobs ORDER BY created_at DESC, id DESC LIMIT $1`, [
      most,
    ])
  ).rows

/** What the last verification of each backup came to: `passed` is null where it could not be told. */
const verdicts = async ({ query }: Read) =>
  (
    await query<{ backup: string; at: number; passed: boolean }>(
      `SELECT DISTINCT ON (backup) backup, state = 'done' AS passed, ${ms('ended_at', 'at')}
       FROM headgate.backup_jobs WHERE kind = 'verify' AND (state = 'done' OR code = 'backup_damaged')
       ORDER BY backup, ended_at DESC`,
    )
  ).rows

/** Jobs of backups; the row is the queue. */
export const createJobStore = (database: Database) => ({
  /** Puts a job into the queue; null where one like it is open. `record` runs in the same transaction. */
  create: (
    id: string,
    kind: JobKind,
    backup: string | null,
    record: (transaction: Transaction) => Promise<void> = async () => {},
  ): Promise<StoredJob | null> =>
    database.transaction('system', async (transaction) => {
      const made = await insert(transaction, id, kind, backup)
      if (made !== null) await record(transaction)
      return made
    }),
  /** Takes the oldest that waits; null where none does. */
  claim: (): Promise<StoredJob | null> =>
    database.transaction('system', async ({ query }) => {
      const { rows } = await query<StoredJob>(
        `UPDATE headgate.backup_jobs SET state = 'running', started_at = now()
         WHERE id = (SELECT id FROM headgate.backup_jobs WHERE state = 'queued' ORDER BY created_at, id LIMIT 1)
         RETURNING ${COLUMNS}`,
      )
      return rows[0] ?? null
    }),
  progress: (id: string, stage: string, done: number, total: number): Promise<unknown> =>
    database.transaction('system', ({ execute }) =>
      execute(
        `UPDATE headgate.backup_jobs SET stage = $2, done_bytes = $3, total_bytes = $4
         WHERE id = $1 AND state = 'running'`,
        [id, stage, done, total],
      ),
    ),
  end: (
    id: string,
    {
      backup,
      code,
      detail,
    }: { readonly backup: string | null; readonly code: string | null; readonly detail: string | null },
  ): Promise<unknown> =>
    database.transaction('system', ({ execute }) =>
      execute(
        `UPDATE headgate.backup_jobs SET state = CASE WHEN $3::text IS NULL THEN 'done' ELSE 'failed' END,
           backup = coalesce($2, backup), code = $3, detail = $4, ended_at = now(),
           done_bytes = CASE WHEN $3::text IS NULL THEN total_bytes ELSE done_bytes END
         WHERE id = $1`,
        [id, backup, code, detail],
      ),
    ),
  /** Ends what a process was at that is gone. */
  abandon: (detail: string): Promise<unknown> =>
    database.transaction('system', ({ execute }) =>
      execute(
        `UPDATE headgate.backup_jobs SET state = 'failed', code = 'backup_failed', detail = $1, ended_at = now()
         WHERE state = 'running'`,
        [detail],
      ),
    ),
  newest: (most: number): Promise<StoredJob[]> => database.read('system', (read) => newest(read, most)),
  verdicts: () => database.read('system', verdicts),
  forget: (days: number): Promise<unknown> =>
    database.transaction('system', ({ execute }) =>
      execute(
        `DELETE FROM headgate.backup_jobs WHERE state IN ('done', 'failed') AND created_at < now() - make_interval(days => $1)`,
        [days],
      ),
    ),
})

export type JobStore = ReturnType<typeof createJobStore>
