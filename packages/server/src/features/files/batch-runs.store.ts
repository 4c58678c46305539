import type { BatchEndpoint, BatchStatus } from '@headgate/contract/files.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import type { BatchFault, BatchRow } from './batches.store.ts'
import type { SealPort } from './files.ports.ts'

/** A batch as its worker has it. */
export interface HeldBatch {
  readonly projectId: string
  readonly id: string
  readonly keyId: string
  readonly user: string | null
  readonly endpoint: BatchEndpoint
  readonly inputFileId: string
  readonly outputSeconds: number
  readonly status: BatchStatus
  /** Its lines; 0 until they are read. */
  readonly total: number
  /** The run that has it. */
  readonly run: string
}

/** A run holds its batch this long beyond its last sign. */
const HELD_SECONDS = 15
/** Batches that one statement forgets. */
const FORGET_AT_ONCE = 500
const OPEN = `status IN ('validating', 'in_progress', 'finalizing', 'cancelling')`

/** Batches and their lines, as the runs that work on them have them. Times are the database's, the same for all replicas. */
export const createBatchRunStore = (database: Database, { seal, open }: SealPort) => {
  const linePlace = ({ projectId, id }: Pick<HeldBatch, 'projectId' | 'id'>, line: number) => ({
    ...{ project: projectId, purpose: 'files', table: 'batch_lines', row: `${id}/${line}`, column: 'sealed' },
  })
  const held = (row: BatchRow, run: string): HeldBatch => ({
    projectId: row.project_id,
    id: row.batch_id,
    keyId: row.key_id,
    user: row.subject,
    endpoint: row.endpoint,
    inputFileId: row.input_file_id,
    outputSeconds: row.output_seconds,
    status: row.status,
    total: row.total,
    run,
  })

  const scope = ({ projectId }: HeldBatch) => ({ project: projectId })
  const named = ({ projectId, id, run }: HeldBatch) => [projectId, id, run]

  return {
    /** Takes the oldest batch that nobody works on, or whose run is gone. */
    claim: (run: string): Promise<HeldBatch | null> =>
      database.transaction('system', async ({ query }) => {
        const { rows } = await query<BatchRow>(
          `UPDATE headgate.batches SET held_by = $1, held_until = now() + make_interval(secs => $2)
            WHERE (project_id, batch_id) = (
              SELECT project_id, batch_id FROM headgate.batches
               WHERE ${OPEN} AND (held_until IS NULL OR held_until < now())
               ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING *`,
          [run, HELD_SECONDS],
        )
        return rows[0] ? held(rows[0], run) : null
      }),

    /** A sign that the run goes on; tells how the batch stands, or null when another run has it. */
    hold: (batch: HeldBatch): Promise<{ status: BatchStatus; is_over: boolean } | null> =>
      database.transaction(scope(batch), async ({ query }) => {
        const { rows } = await query<{ status: BatchStatus; is_over: boolean }>(
          `UPDATE headgate.batches SET held_until = now() + make_interval(secs => $4)
            WHERE project_id = $1 AND batch_id = $2 AND held_by = $3
           RETURNING status, expires_at <= now() AS is_over`,
          [...named(batch), HELD_SECONDS],
        )
        return rows[0] ?? null
      }),

    /** Lets the next run have it at once. */
    letGo: (batch: HeldBatch): Promise<void> =>
      database.transaction(scope(batch), async ({ execute }) => {
        await execute(
          `UPDATE headgate.batches SET held_by = NULL, held_until = NULL
            WHERE project_id = $1 AND batch_id = $2 AND held_by = $3`,
          named(batch),
        )
      }),

    begin: (batch: HeldBatch, total: number): Promise<boolean> =>
      database.transaction(scope(batch), async ({ execute }) => {
        const changed = await execute(
          `UPDATE headgate.batches SET status = 'in_progress', in_progress_at = now(), total = $4
            WHERE project_id = $1 AND batch_id = $2 AND held_by = $3 AND status = 'validating'`,
          [...named(batch), total],
        )
        return changed > 0
      }),

    fail: (batch: HeldBatch, faults: readonly BatchFault[]): Promise<void> =>
      database.transaction(scope(batch), async ({ execute }) => {
        await execute(
          `UPDATE headgate.batches SET status = 'failed', failed_at = now(), errors = $4, held_by = NULL, held_until = NULL
            WHERE project_id = $1 AND batch_id = $2 AND held_by = $3 AND status = 'validating'`,
          [...named(batch), JSON.stringify(faults)],
        )
      }),

    /** The lines that were called, by any run. */
    called: (batch: HeldBatch): Promise<Set<number>> =>
      database.read(scope(batch), async ({ query }) => {
        const { rows } = await query<{ line: number }>(
          'SELECT line FROM headgate.batch_lines WHERE project_id = $1 AND batch_id = $2',
          [batch.projectId, batch.id],
        )
        return new Set(rows.map(({ line }) => line))
      }),

    /** Notes that a line will be called now; false where it must not: another run has the batch, or it shall end. */
    startLine: (batch: HeldBatch, line: number): Promise<boolean> =>
      database.transaction(scope(batch), async ({ execute }) => {
        const made = await execute(
          `INSERT INTO headgate.batch_lines (project_id, batch_id, line)
           SELECT project_id, batch_id, $4 FROM headgate.batches
            WHERE project_id = $1 AND batch_id = $2 AND held_by = $3 AND status = 'in_progress' AND expires_at > now()
            FOR SHARE
           ON CONFLICT DO NOTHING`,
          [...named(batch), line],
        )
        return made > 0
      }),

    /** Takes a line back that was refused before any provider was asked. */
    dropLine: (batch: HeldBatch, line: number): Promise<void> =>
      database.transaction(scope(batch), async ({ execute }) => {
        await execute(
          `DELETE FROM headgate.batch_lines WHERE project_id = $1 AND batch_id = $2 AND line = $3 AND succeeded IS NULL`,
          [batch.projectId, batch.id, line],
        )
      }),

    /** Keeps what became of a line. */
    endLine: (batch: HeldBatch, line: number, succeeded: boolean, text: string): Promise<void> =>
      database.transaction(scope(batch), async (transaction) => {
        const sealed = await seal(transaction, linePlace(batch, line), text)
        await transaction.execute(
          `UPDATE headgate.batch_lines SET succeeded = $4, sealed = $5
            WHERE project_id = $1 AND batch_id = $2 AND line = $3 AND succeeded IS NULL`,
          [batch.projectId, batch.id, line, succeeded, sealed],
        )
      }),

    /** What became of the lines from one to another, by their numbers; the text is null of one whose run is gone. */
    outcomes: async (read: Read, batch: HeldBatch, from: number, to: number) => {
      const { rows } = await read.query<{ line: number; succeeded: boolean | null; sealed: Buffer | null }>(
        `SELECT line, succeeded, sealed FROM headgate.batch_lines
          WHERE project_id = $1 AND batch_id = $2 AND line BETWEEN $3 AND $4`,
        [batch.projectId, batch.id, from, to],
      )
      const found = new Map<number, { readonly succeeded: boolean; readonly text: string | null }>()
      for (const { line, succeeded, sealed } of rows) {
        const text = sealed === null ? null : await open(read, linePlace(batch, line), sealed)
        found.set(line, { succeeded: succeeded === true, text })
      }
      return found
    },

    finalizing: (batch: HeldBatch): Promise<void> =>
      database.transaction(scope(batch), async ({ execute }) => {
        await execute(
          `UPDATE headgate.batches SET status = 'finalizing', finalizing_at = now()
            WHERE project_id = $1 AND batch_id = $2 AND held_by = $3 AND status = 'in_progress'`,
          named(batch),
        )
      }),

    /** Ends a batch in the transaction that writes its files. @throws Error where another run has it. */
    finish: async (
      { execute }: Transaction,
      batch: HeldBatch,
      end: {
        readonly status: 'completed' | 'expired' | 'cancelled'
        readonly output: string | null
        readonly error: string | null
        readonly completed: number
        readonly failed: number
      },
    ): Promise<void> => {
      const changed = await execute(
        `UPDATE headgate.batches SET status = $4, ${end.status}_at = now(), output_file_id = $5, error_file_id = $6,
                completed = $7, failed = $8, held_by = NULL, held_until = NULL
          WHERE project_id = $1 AND batch_id = $2 AND held_by = $3`,
        [...named(batch), end.status, end.output, end.error, end.completed, end.failed],
      )
      if (changed === 0) throw new Error('Another run has the batch')
      await execute('DELETE FROM headgate.batch_lines WHERE project_id = $1 AND batch_id = $2', [
        ...[batch.projectId, batch.id],
      ])
    },

    /** Forgets some of the batches that ended longer ago; tells whether there may be more. */
    forget: (keepDays: number): Promise<boolean> =>
      database.transaction('system', async ({ execute }) => {
        const forgotten = await execute(
          `DELETE FROM headgate.batches WHERE (project_id, batch_id) IN (
             SELECT project_id, batch_id FROM headgate.batches
              WHERE NOT (${OPEN}) AND created_at < now() - make_interval(days => $1)
                AND NOT headgate.is_held(project_id, subject)
                AND coalesce(completed_at, failed_at, expired_at, cancelled_at) < now() - make_interval(days => $1)
              ORDER BY created_at LIMIT ${FORGET_AT_ONCE} FOR UPDATE SKIP LOCKED)`,
          [keepDays],
        )
        return forgotten === FORGET_AT_ONCE
      }),
  }
}

export type BatchRunStore = ReturnType<typeof createBatchRunStore>
