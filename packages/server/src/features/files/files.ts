import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { createBatchRunStore } from './batch-runs.store.ts'
import { createBatchWorker } from './batch-worker.ts'
import { batchRoutes } from './batches.routes.ts'
import { createBatchStore } from './batches.store.ts'
import { createFinishBatch } from './finish-batch.ts'
import type { BatchBounds, BatchPorts, FileBounds, SealPort } from './files.ports.ts'
import { fileRoutes } from './files.routes.ts'
import { createFileStore } from './files.store.ts'

const HOUR_MS = 3_600_000

export interface FilesOptions extends BatchPorts {
  readonly database: Database
  readonly seal: SealPort
  readonly clock: Clock
  readonly log: Log
  /** Largest file. */
  readonly maxBytes: number
  /** Asked anew each time. */
  readonly bounds: () => FileBounds
  readonly batchBounds: () => BatchBounds
}

/** Files of projects, and batches of calls whose lines and answers they are. */
export const createFiles = (options: FilesOptions): Feature => {
  const { database, seal, clock, log, maxBytes, bounds, batchBounds } = options
  const files = createFileStore(database, seal)
  const runs = createBatchRunStore(database, seal)
  const newFileId = () => prefixedId('file', clock.now())
  const worker = createBatchWorker({
    ...options,
    files,
    runs,
    bounds: batchBounds,
    finish: createFinishBatch({ database, files, runs, newFileId }),
  })
  const forget = async (): Promise<void> => {
    while (await files.forget());
    while (await runs.forget(batchBounds().keepDays));
  }
  const timer = { cancel: (): void => {} }
  return {
    name: 'files',
    routes: [
      ...fileRoutes({ store: files, maxBytes, bounds, newId: newFileId }),
      ...batchRoutes({
        store: createBatchStore(database, seal),
        bounds,
        newId: () => prefixedId('batch', clock.now()),
        onCreated: worker.look,
      }),
    ],
    start: () => {
      worker.start()
      timer.cancel = clock.every(HOUR_MS, () => {
        forget().catch((error: Error) => log.warn({ component: 'files', error }, 'Expired files could not be erased'))
      }).cancel
    },
    stop: async () => {
      timer.cancel()
      await worker.stop()
    },
  }
}
