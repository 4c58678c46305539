import type { Database, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'
import { type Making, TURN_MINUTES } from './archives.store.ts'
import type { Deadlines, Law } from './deadlines.ts'
import type { Person, SealPort } from './erasures.store.ts'

export type RequestKind = 'access' | 'portability' | 'erasure'

/** A request as it stands in the table. */
export interface RequestRow {
  readonly project_id: string
  readonly request_id: string
  readonly sealed: Buffer | null
  readonly kind: RequestKind
  readonly law: Law
  readonly asker_id: string | null
  readonly state: 'pending' | 'in_progress' | 'completed' | 'cancelled' | 'failed'
  readonly received_at: Date
  readonly target_at: Date
  readonly confirm_at: Date | null
  readonly due_at: Date
  readonly extended_at: Date | null
  readonly completed_at: Date | null
  readonly erasure_id: string | null
  readonly turn: string | null
  readonly attempts: number
  readonly archive_bytes: bigint | null
  readonly archive_sha256: string | null
  readonly archive_until: Date | null
}

/** What is asked for. */
export interface Asked extends Deadlines {
  readonly id: string
  readonly kind: RequestKind
  readonly law: Law
  readonly askerId: string | null
  readonly by: string
  readonly received: Date
}

const columns = `project_id, request_id, sealed, kind, law, asker_id, state, received_at, target_at, confirm_at, due_at, extended_at,
  completed_at, erasure_id, turn, attempts, archive_bytes, archive_sha256, archive_until`
const MOST_ATTEMPTS = 8
/** Archives whose time is over, at once. */
const AT_ONCE = 100

const placeOf = (project: string, row: string): SealedPlace => ({
  project,
  purpose: 'privacy',
  table: 'privacy_requests',
  row,
  column: 'sealed',
})

/** Requests of people in PostgreSQL; `digestOf` tells whose they are without saying who. */
export const createRequestStore = (
  database: Database,
  { seal, open }: SealPort,
  digestOf: (person: Person) => Buffer,
) => ({
  /** Notes a request; the one of its kind that is under way where there is one. */
  begin: (
    person: Person,
    asked: Asked,
    record: (transaction: Transaction, id: string) => Promise<void>,
  ): Promise<RequestRow> =>
    database.transaction({ project: person.project }, async (transaction) => {
      const { project, user } = person
      const subject = digestOf(person)
      const isExport = asked.kind !== 'erasure'
      const sealed = isExport ? await seal(transaction, placeOf(project, asked.id), user) : null
      for (;;) {
        const made = await transaction.query<RequestRow>(
          `INSERT INTO headgate.privacy_requests (project_id, request_id, subject, sealed, kind, law, asker_id, state, requested_by,
             received_at, target_at, confirm_at, due_at, next_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $10, $11, $12, $13)
           ON CONFLICT (project_id, subject, kind) WHERE state IN ('pending', 'in_progress') DO NOTHING RETURNING ${columns}`,
          [
            ...[project, asked.id, subject, sealed, asked.kind, asked.law, asked.askerId, asked.by],
            ...[asked.received, asked.target, asked.confirm, asked.due, isExport ? asked.received : null],
          ],
        )
        if (made.rows[0] !== undefined) {
          await record(transaction, asked.id)
          return made.rows[0]
        }
        const { rows } = await transaction.query<RequestRow>(
          `SELECT ${columns} FROM headgate.privacy_requests
            WHERE project_id = $1 AND subject = $2 AND kind = $3 AND state IN ('pending', 'in_progress')`,
          [project, subject, asked.kind],
        )
        // Else it ended between the two.
        if (rows[0] !== undefined) return rows[0]
      }
    }),

  /** The latest archive of a person that was made since, and is still there. */
  latest: (person: Person, kind: RequestKind, since: Date): Promise<RequestRow | null> =>
    database.read({ project: person.project }, async ({ query }) => {
      const { rows } = await query<RequestRow>(
        `SELECT ${columns} FROM headgate.privacy_requests
          WHERE project_id = $1 AND subject = $2 AND kind = $3 AND state = 'completed' AND archive_until > now()
            AND completed_at > $4 ORDER BY request_id DESC LIMIT 1`,
        [person.project, digestOf(person), kind, since],
      )
      return rows[0] ?? null
    }),

  /** The next export that is due, taken by a turn for a while; null where there is none. */
  take: (turn: string): Promise<RequestRow | null> =>
    database.transaction('system', async ({ query }) => {
      const { rows } = await query<RequestRow>(
        `UPDATE headgate.privacy_requests
            SET next_at = now() + make_interval(mins => $1), turn = $2, attempts = attempts + 1, state = 'in_progress'
          WHERE (project_id, request_id) = (
            SELECT project_id, request_id FROM headgate.privacy_requests WHERE next_at <= now()
             ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING ${columns}`,
        [TURN_MINUTES, turn],
      )
      return rows[0] ?? null
    }),

  /** Whom a request is of. */
  personOf: ({ project_id: project, request_id: id, sealed }: RequestRow): Promise<Person> =>
    database.read({ project }, async (read) => ({
      project,
      user: await open(read, placeOf(project, id), sealed as Buffer),
    })),

  /** An archive is made. The name is forgotten. False where it is not wanted any more. */
  complete: (
    { project, id, turn }: Making,
    archive: { readonly bytes: number; readonly sha256: string },
    until: Date,
  ): Promise<boolean> =>
    database.transaction({ project }, async ({ execute }) => {
      const rows = await execute(
        `UPDATE headgate.privacy_requests
            SET state = 'completed', completed_at = now(), sealed = NULL, next_at = NULL, archive_bytes = $4, archive_sha256 = $5,
                archive_until = $6
          WHERE project_id = $1 AND request_id = $2 AND turn = $3`,
        [project, id, turn, archive.bytes, archive.sha256, until],
      )
      return rows === 1
    }),

  /** An attempt failed: there is another in a while, each time in twice as long, or none any more. Resolves to whether there is. */
  retry: ({ project, id, turn }: Making): Promise<boolean> =>
    database.transaction({ project }, async ({ query }) => {
      const { rows } = await query<{ state: string }>(
        `UPDATE headgate.privacy_requests
            SET turn = NULL, state = CASE WHEN attempts < $4 THEN 'pending' ELSE 'failed' END,
                next_at = CASE WHEN attempts < $4 THEN now() + make_interval(secs => 30 * 2 ^ (attempts - 1)) END
          WHERE project_id = $1 AND request_id = $2 AND turn = $3 RETURNING state`,
        [project, id, turn, MOST_ATTEMPTS],
      )
      return rows[0]?.state === 'pending'
    }),

  /** Says by which erasure a request is answered. */
  byErasure: ({ project_id: project, request_id: id }: RequestRow, erasure: string): Promise<void> =>
    database.transaction({ project }, async ({ execute }) => {
      await execute(
        `UPDATE headgate.privacy_requests SET erasure_id = $3, state = 'in_progress' WHERE project_id = $1 AND request_id = $2`,
        [project, id, erasure],
      )
    }),

  /** The erasure is done, and the requests for it with it. */
  erased: (project: string, erasure: string): Promise<void> =>
    database.transaction({ project }, async ({ execute }) => {
      await execute(
        `UPDATE headgate.privacy_requests SET state = 'completed', completed_at = now()
          WHERE project_id = $1 AND erasure_id = $2 AND state = 'in_progress'`,
        [project, erasure],
      )
    }),

  /** Gives a request longer; null where it is not open, was extended already, or is not known. */
  extend: (
    row: RequestRow,
    due: Date,
    record: (transaction: Transaction) => Promise<void>,
  ): Promise<RequestRow | null> =>
    database.transaction({ project: row.project_id }, async (transaction) => {
      const { rows } = await transaction.query<RequestRow>(
        `UPDATE headgate.privacy_requests SET due_at = $3, extended_at = now()
          WHERE project_id = $1 AND request_id = $2 AND extended_at IS NULL AND state IN ('pending', 'in_progress', 'failed')
         RETURNING ${columns}`,
        [row.project_id, row.request_id, due],
      )
      if (rows[0] !== undefined) await record(transaction)
      return rows[0] ?? null
    }),

  /** Ends the exports of a person, and tells those whose pieces have to go. */
  drop: (person: Person): Promise<readonly string[]> =>
    database.transaction({ project: person.project }, async ({ query }) => {
      const { rows } = await query<{ id: string }>(
        `UPDATE headgate.privacy_requests
            SET state = CASE WHEN state = 'completed' THEN state ELSE 'cancelled' END, sealed = NULL, turn = NULL, next_at = NULL,
                archive_bytes = NULL, archive_sha256 = NULL, archive_until = NULL
          WHERE project_id = $1 AND subject = $2 AND kind <> 'erasure' AND (sealed IS NOT NULL OR archive_until IS NOT NULL)
         RETURNING request_id AS id`,
        [person.project, digestOf(person)],
      )
      return rows.map(({ id }) => id)
    }),

  /** Archives whose time is over. */
  over: (): Promise<{ project: string; id: string }[]> =>
    database.read('system', async ({ query }) => {
      const { rows } = await query<{ project: string; id: string }>(
        `SELECT project_id AS project, request_id AS id FROM headgate.privacy_requests
          WHERE archive_until <= now() ORDER BY archive_until LIMIT $1`,
        [AT_ONCE],
      )
      return rows
    }),
  /** Says that an archive is gone. */
  gone: (project: string, id: string): Promise<void> =>
    database.transaction({ project }, async ({ execute }) => {
      await execute(
        `UPDATE headgate.privacy_requests SET archive_bytes = NULL, archive_sha256 = NULL, archive_until = NULL, turn = NULL
          WHERE project_id = $1 AND request_id = $2 AND archive_until <= now()`,
        [project, id],
      )
    }),

  /** Requests that are open after the law’s time, or failed. */
  overdue: (): Promise<number> =>
    database.read('system', async ({ query }) => {
      const { rows } = await query<{ count: bigint }>(
        `SELECT count(*) AS count FROM headgate.privacy_requests
          WHERE state IN ('pending', 'in_progress', 'failed') AND due_at < now()`,
      )
      return Number(rows[0]?.count ?? 0)
    }),

  /** One request; of a person only, where one is given. */
  find: (of: Person | null, id: string): Promise<RequestRow | null> =>
    database.read(of === null ? 'system' : { project: of.project }, async ({ query }) => {
      const { rows } = await query<RequestRow>(
        `SELECT ${columns} FROM headgate.privacy_requests
          WHERE request_id = $1 AND ($2::bytea IS NULL OR subject = $2) LIMIT 1`,
        [id, of === null ? null : digestOf(of)],
      )
      return rows[0] ?? null
    }),

  /** The newest first, from after one of them on; of a project, or of a person. */
  list: (project: string | null, of: Person | null, after: string | null, limit: number): Promise<RequestRow[]> =>
    database.read(project === null ? 'system' : { project }, async ({ query }) => {
      const { rows } = await query<RequestRow>(
        `SELECT ${columns} FROM headgate.privacy_requests
          WHERE ($1::text IS NULL OR request_id < $1) AND ($3::bytea IS NULL OR subject = $3)
          ORDER BY request_id DESC LIMIT $2`,
        [after, limit, of === null ? null : digestOf(of)],
      )
      return rows
    }),
})
export type RequestStore = ReturnType<typeof createRequestStore>
