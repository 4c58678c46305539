import type { BatchEndpoint, BatchStatus, BatchView } from '@headgate/contract/files.ts'
import type { Database, Read } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { SealPort } from './files.ports.ts'

/** A batch that is to be. */
export interface NewBatch {
  readonly projectId: string
  readonly id: string
  readonly keyId: string
  readonly user: string | null
  readonly endpoint: BatchEndpoint
  readonly inputFileId: string
  readonly completionWindow: string
  readonly windowSeconds: number
  readonly outputSeconds: number
  readonly metadata: Readonly<Record<string, string>> | null
}

/** A fault of the input. */
export type BatchFault = NonNullable<BatchView['errors']>['data'][number]

/** A batch as it stands in its table, with the counts of its lines. */
export interface BatchRow {
  readonly project_id: string
  readonly batch_id: string
  readonly key_id: string
  readonly subject: string | null
  readonly endpoint: BatchEndpoint
  readonly input_file_id: string
  readonly completion_window: string
  readonly metadata: Buffer | null
  readonly output_seconds: number
  readonly status: BatchStatus
  readonly errors: BatchFault[] | null
  readonly output_file_id: string | null
  readonly error_file_id: string | null
  readonly total: number
  readonly completed: number
  readonly failed: number
  readonly called_completed: number
  readonly called_failed: number
  readonly [time: `${string}_at`]: Date | null
}

const seconds = (at: Date | null | undefined): number | null => (at ? Math.floor(at.getTime() / 1_000) : null)

/** Batches as callers see them. Times are the database's, the same for all replicas. */
export const createBatchStore = (database: Database, { seal, open }: SealPort) => {
  const metadataPlace = (project: string, row: string) => ({
    ...{ project, purpose: 'files', table: 'batches', row, column: 'metadata' },
  })
  const view = async (read: Read, row: BatchRow): Promise<BatchView> => ({
    id: row.batch_id,
    object: 'batch',
    endpoint: row.endpoint,
    errors: row.errors && { object: 'list', data: row.errors },
    input_file_id: row.input_file_id,
    completion_window: row.completion_window,
    status: row.status,
    output_file_id: row.output_file_id,
    error_file_id: row.error_file_id,
    created_at: seconds(row.created_at) as number,
    in_progress_at: seconds(row.in_progress_at),
    expires_at: seconds(row.expires_at),
    finalizing_at: seconds(row.finalizing_at),
    completed_at: seconds(row.completed_at),
    failed_at: seconds(row.failed_at),
    expired_at: seconds(row.expired_at),
    cancelling_at: seconds(row.cancelling_at),
    cancelled_at: seconds(row.cancelled_at),
    request_counts: {
      total: row.total,
      completed: row.completed + row.called_completed,
      failed: row.failed + row.called_failed,
    },
    metadata:
      row.metadata &&
      (JSON.parse(await open(read, metadataPlace(row.project_id, row.batch_id), row.metadata)) as Record<
        string,
        string
      >),
  })

  /** Lines stand in their table until the files are written, and then in the counts. */
  const SELECT = `SELECT batch.*, called.completed AS called_completed, called.failed AS called_failed
    FROM headgate.batches AS batch CROSS JOIN LATERAL (
      SELECT (count(*) FILTER (WHERE succeeded))::int AS completed, (count(*) FILTER (WHERE NOT succeeded))::int AS failed
        FROM headgate.batch_lines AS line
       WHERE line.project_id = batch.project_id AND line.batch_id = batch.batch_id) AS called`

  const find = async (read: Read, project: string, id: string): Promise<BatchView> => {
    const { rows } = await read.query<BatchRow>(`${SELECT} WHERE batch.project_id = $1 AND batch.batch_id = $2`, [
      ...[project, id],
    ])
    if (!rows[0]) throw new AppError('batch_not_found')
    return view(read, rows[0])
  }

  return {
    /** @throws AppError `file_not_found`. */
    create: (batch: NewBatch): Promise<BatchView> =>
      database.transaction({ project: batch.projectId }, async (transaction) => {
        const { projectId, id } = batch
        // Held, so that it is not erased before the batch is seen to need it.
        const { rows } = await transaction.query<{ purpose: string }>(
          `SELECT purpose FROM headgate.files WHERE project_id = $1 AND file_id = $2
              AND (expires_at IS NULL OR expires_at > now()) FOR SHARE`,
          [projectId, batch.inputFileId],
        )
        if (!rows[0]) throw new AppError('file_not_found')
        if (rows[0].purpose !== 'batch')
          throw new AppError('invalid_parameter', {
            detail: 'The input of a batch is a file of the purpose batch.',
            details: [
              {
                location: 'input_file_id',
                message: `names a file of the purpose ${rows[0].purpose}`,
                fix: 'Upload the file with purpose=batch.',
              },
            ],
          })
        const metadata =
          batch.metadata && (await seal(transaction, metadataPlace(projectId, id), JSON.stringify(batch.metadata)))
        await transaction.execute(
          `INSERT INTO headgate.batches (project_id, batch_id, key_id, subject, endpoint, input_file_id,
             completion_window, metadata, output_seconds, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10))`,
          [
            ...[projectId, id, batch.keyId, batch.user, batch.endpoint, batch.inputFileId],
            ...[batch.completionWindow, metadata, batch.outputSeconds, batch.windowSeconds],
          ],
        )
        return find(transaction, projectId, id)
      }),

    /** @throws AppError `batch_not_found`. */
    get: (project: string, id: string): Promise<BatchView> =>
      database.read({ project }, (read) => find(read, project, id)),

    list: (project: string, after: string | undefined, limit: number): Promise<BatchView[]> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<BatchRow>(
          `${SELECT} WHERE batch.project_id = $1 AND ($2::text IS NULL OR batch.batch_id < $2)
            ORDER BY batch.batch_id DESC LIMIT $3`,
          [project, after ?? null, limit],
        )
        const batches: BatchView[] = []
        for (const row of rows) batches.push(await view(read, row))
        return batches
      }),

    /** @throws AppError `batch_not_found`, `batch_ended`. */
    cancel: (project: string, id: string): Promise<BatchView> =>
      database.transaction({ project }, async (transaction) => {
        const changed = await transaction.execute(
          `UPDATE headgate.batches SET status = 'cancelling', cancelling_at = coalesce(cancelling_at, now())
            WHERE project_id = $1 AND batch_id = $2 AND status IN ('validating', 'in_progress', 'cancelling')`,
          [project, id],
        )
        const found = await find(transaction, project, id)
        if (changed === 0) throw new AppError('batch_ended', { params: { status: found.status } })
        return found
      }),
  }
}

export type BatchStore = ReturnType<typeof createBatchStore>
