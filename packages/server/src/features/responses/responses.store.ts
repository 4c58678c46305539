import type { Database, Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'
import type { KeptResponse } from './responses.ports.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** A response's place, and the digest of who may read it. */
export interface ResponseName {
  readonly project: string
  readonly id: string
  readonly holder: Buffer
}

/** What stands under a name. */
export interface FoundResponse extends KeptResponse {
  readonly id: string
  readonly previousId: string | null
  /** `lost`: its replica is gone. */
  readonly run: 'ended' | 'running' | 'lost'
}

/** A run is believed this long beyond the last sign of its replica. */
const HELD_SECONDS = 15
const FORGOTTEN_AT_ONCE = 1_000
/** Longest conversation, in responses. */
const MOST_TURNS = 1_000

interface Row {
  readonly response_id: string
  readonly previous_id: string | null
  readonly run: FoundResponse['run']
  readonly sealed: Buffer
}

const columns = `response_id, previous_id, sealed,
  CASE WHEN held_until IS NULL THEN 'ended' WHEN held_until < now() THEN 'lost' ELSE 'running' END AS run`

const placeOf = (project: string, id: string): SealedPlace => ({
  project,
  purpose: 'responses',
  table: 'responses',
  row: id,
  column: 'sealed',
})

/** Responses in PostgreSQL. Times are the database's, the same for all replicas. */
export const createResponseStore = (database: Database, { seal, open }: SealPort, turn: string) => {
  const unseal = async (read: Read, project: string, row: Row): Promise<FoundResponse> => {
    const text = await open(read, placeOf(project, row.response_id), row.sealed)
    return { id: row.response_id, previousId: row.previous_id, run: row.run, ...(JSON.parse(text) as KeptResponse) }
  }

  return {
    /** Writes a response that is being made or has ended; the later of two writes stands, but for one that has ended. */
    write: (
      { project, id, holder }: ResponseName,
      kept: KeptResponse,
      row: {
        readonly subject: string | null
        readonly previousId: string | null
        readonly runs: boolean
        readonly keepDays: number
      },
    ): Promise<void> =>
      database.transaction({ project }, async (transaction) => {
        const sealed = await seal(transaction, placeOf(project, id), JSON.stringify(kept))
        await transaction.execute(
          `INSERT INTO headgate.responses AS known
             (project_id, response_id, holder, subject, previous_id, turn, held_until, sealed, created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() + make_interval(secs => $8) END, $9, now(),
             now() + make_interval(days => $10))
           ON CONFLICT (project_id, response_id) DO UPDATE
             SET sealed = excluded.sealed, held_until = excluded.held_until
             WHERE known.held_until IS NOT NULL`,
          [project, id, holder, row.subject, row.previousId, turn, row.runs, HELD_SECONDS, sealed, row.keepDays],
        )
      }),

    /** A response of its holder; null where there is none. */
    read: ({ project, id, holder }: ResponseName): Promise<FoundResponse | null> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<Row>(
          `SELECT ${columns} FROM headgate.responses
            WHERE project_id = $1 AND response_id = $2 AND holder = $3 AND expires_at > now()`,
          [project, id, holder],
        )
        return rows[0] === undefined ? null : unseal(read, project, rows[0])
      }),

    /** A response and those before it in its conversation, oldest first; fewer where some are gone. */
    conversation: ({ project, id, holder }: ResponseName): Promise<readonly FoundResponse[]> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<Row>(
          `WITH RECURSIVE turns AS (
             SELECT *, 1 AS age FROM headgate.responses
              WHERE project_id = $1 AND response_id = $2 AND holder = $3 AND expires_at > now()
             UNION ALL
             SELECT earlier.*, turns.age + 1 FROM headgate.responses earlier
               JOIN turns ON earlier.response_id = turns.previous_id
              WHERE earlier.project_id = $1 AND earlier.holder = $3 AND earlier.expires_at > now() AND turns.age < $4
           ) SELECT ${columns} FROM turns ORDER BY age DESC`,
          [project, id, holder, MOST_TURNS],
        )
        const found: FoundResponse[] = []
        for (const row of rows) found.push(await unseal(read, project, row))
        return found
      }),

    /** Tells whether there was one. */
    remove: ({ project, id, holder }: ResponseName): Promise<boolean> =>
      database.transaction({ project }, async ({ execute }) => {
        const gone = await execute(
          'DELETE FROM headgate.responses WHERE project_id = $1 AND response_id = $2 AND holder = $3',
          [project, id, holder],
        )
        return gone > 0
      }),

    /** A sign that what is made here goes on. */
    hold: (): Promise<void> =>
      database.transaction('system', async ({ execute }) => {
        await execute(
          `UPDATE headgate.responses SET held_until = now() + make_interval(secs => $2)
            WHERE turn = $1 AND held_until IS NOT NULL`,
          [turn, HELD_SECONDS],
        )
      }),

    /** Deletes some of what has expired; tells whether there may be more. */
    forget: (): Promise<boolean> =>
      database.transaction('system', async ({ execute }) => {
        const gone = await execute(
          `DELETE FROM headgate.responses WHERE (project_id, response_id) IN (
             SELECT project_id, response_id FROM headgate.responses
              WHERE expires_at <= now() AND NOT headgate.is_held(project_id, subject)
              ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
          [FORGOTTEN_AT_ONCE],
        )
        return gone === FORGOTTEN_AT_ONCE
      }),
  }
}
