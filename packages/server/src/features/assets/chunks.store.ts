import { createHash } from 'node:crypto'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Owner, SealPort } from './assets.ports.ts'
import { objectPlace } from './places.ts'

/** An object of an upload or of a blob, in its place. */
export interface Chunk {
  readonly object: string
  readonly digest: string
  readonly bytes: number
  /** Whose data key seals it; '' for the project’s. */
  readonly subject: string
}

/** What is written under a name is erased after so long unless an upload has taken it. */
const WRITING_SECONDS = 3_600
const ERASED_AT_ONCE = 50

const hexOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Objects by their names: what is being written, what holds them, what is to be erased. */
export const createChunkStore = (database: Database, { seal, openBytes }: SealPort) => ({
  /**
   * Seals bytes and notes the name of what is about to be stored, before it is: a crash leaves nothing that nobody knows of.
   * @returns the chunk, and what to store.
   */
  prepare: ({ project, subject }: Owner, plain: Buffer): Promise<{ readonly chunk: Chunk; readonly sealed: Buffer }> =>
    database.transaction({ project }, async (transaction) => {
      const digest = hexOf(plain)
      const sealed = await seal(transaction, objectPlace({ project, subject }, digest), plain)
      const object = hexOf(sealed)
      await transaction.execute(
        `INSERT INTO headgate.asset_doomed (project_id, object, due_at)
         VALUES ($1, $2, now() + make_interval(secs => $3))`,
        [project, object, WRITING_SECONDS],
      )
      return { chunk: { object, digest, bytes: plain.length, subject }, sealed }
    }),

  /** What an object holds. @throws SealBroken */
  open: (project: string, { digest, subject }: Chunk, sealed: Buffer): Promise<Buffer> =>
    database.read({ project }, (read) => openBytes(read, objectPlace({ project, subject }, digest), sealed)),

  /** The chunks of an upload, or of a blob, in their order. */
  of: (project: string, holder: string): Promise<Chunk[]> =>
    database.read({ project }, async ({ query }) => {
      const { rows } = await query<Chunk>(
        `SELECT object, digest, bytes, subject FROM headgate.asset_chunks
          WHERE project_id = $1 AND holder = $2 ORDER BY position`,
        [project, holder],
      )
      return rows
    }),

  /** Has written objects erased that no upload took. */
  drop: (project: string, chunks: readonly Chunk[]): Promise<void> =>
    database.transaction({ project }, async ({ execute }) => {
      await execute('UPDATE headgate.asset_doomed SET due_at = now() WHERE project_id = $1 AND object = ANY($2)', [
        project,
        chunks.map(({ object }) => object),
      ])
    }),

  /**
   * Erases some of what is due. Rows are locked meanwhile and skipped by other replicas; what cannot be erased, for which `remove`
   * resolves to false, is tried again later.
   * @returns whether there may be more.
   */
  erase: (remove: (object: string) => Promise<boolean>): Promise<boolean> =>
    database.transaction('system', async ({ query, execute }) => {
      const { rows } = await query<{ project_id: string; object: string }>(
        `SELECT project_id, object FROM headgate.asset_doomed WHERE due_at <= now()
          ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED`,
        [ERASED_AT_ONCE],
      )
      for (const { project_id: project, object } of rows) {
        const isGone = await remove(object)
        await execute(
          isGone
            ? 'DELETE FROM headgate.asset_doomed WHERE project_id = $1 AND object = $2'
            : `UPDATE headgate.asset_doomed SET due_at = now() + interval '5 minutes' WHERE project_id = $1 AND object = $2`,
          [project, object],
        )
        // A store that is away takes its time to say so, and this transaction holds a connection meanwhile.
        if (!isGone) return false
      }
      return rows.length === ERASED_AT_ONCE
    }),
})

export type ChunkStore = ReturnType<typeof createChunkStore>

/** Gives written objects to an upload, after `from` others. False where one of them was erased meanwhile. */
export const takeChunks = async (
  { execute }: Transaction,
  project: string,
  holder: string,
  from: number,
  chunks: readonly Chunk[],
): Promise<boolean> => {
  for (const [index, { object, digest, bytes, subject }] of chunks.entries()) {
    const was = await execute('DELETE FROM headgate.asset_doomed WHERE project_id = $1 AND object = $2', [
      project,
      object,
    ])
    if (was !== 1) return false
    await execute(
      `INSERT INTO headgate.asset_chunks (project_id, holder, position, object, digest, bytes, subject)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [project, holder, from + index, object, digest, bytes, subject],
    )
  }
  return true
}

/** Has everything erased that an upload, or a blob, holds. */
export const doomChunks = async ({ execute }: Transaction, project: string, holder: string): Promise<void> => {
  await execute(
    `WITH gone AS (DELETE FROM headgate.asset_chunks WHERE project_id = $1 AND holder = $2 RETURNING object)
     INSERT INTO headgate.asset_doomed (project_id, object, due_at) SELECT $1, object, now() FROM gone
     ON CONFLICT (project_id, object) DO UPDATE SET due_at = excluded.due_at`,
    [project, holder],
  )
}
