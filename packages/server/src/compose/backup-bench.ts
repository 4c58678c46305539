import { Worker } from 'node:worker_threads'
import type { BackupMaker } from '../features/backups/backups.ts'
import type { JobProgress } from '../features/backups/backups.ports.ts'
import type { DatabaseConnection } from '../kernel/db.ts'
import type { CopyState } from '../kernel/embedded-backup-copy.ts'
import { AppError } from '../kernel/errors.ts'
import type { BackupOptions } from './backup-tools.ts'
import type { BackupOrder } from './backup.worker.ts'

interface Reply {
  /** Absent: told without being asked. */
  readonly id?: number
  readonly copy?: CopyState
  /** Of which order, and how far it is. */
  readonly of?: number
  readonly progress?: JobProgress
  readonly made?: string | null
  readonly code?: AppError['code']
  readonly detail?: string
}

interface Waiting {
  readonly resolve: (made: string | null) => void
  readonly reject: (fault: Error) => void
  readonly told: ((progress: JobProgress) => void) | undefined
}

interface Bench {
  readonly bench: BackupMaker['bench']
  /** Copies to the second place what is missing there. @throws AppError */
  readonly copy: () => Promise<unknown>
  /** How far the copy is, as the worker told it last. */
  readonly copied: () => CopyState | null
}

/** The worker that makes backups, started when first needed, and again after it ended. */
export const createBench = (open: BackupOptions, connection: () => DatabaseConnection): Bench => {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let next = 0
  let copied: CopyState | null = null
  const start = (): Worker => {
    const started = new Worker(new URL('./backup.worker.ts', import.meta.url), { execArgv: [] })
    started.unref()
    const order: BackupOrder = { open, connection: connection() }
    started.postMessage(order)
    started.on('message', ({ id, copy, of, progress, made = null, code, detail }: Reply) => {
      copied = copy ?? copied
      if (of !== undefined && progress !== undefined) waiting.get(of)?.told?.(progress)
      if (id === undefined) return
      const entry = waiting.get(id)
      waiting.delete(id)
      if (code === undefined) entry?.resolve(made)
      else entry?.reject(new AppError(code, detail === undefined ? {} : { detail }))
    })
    const end = (cause?: unknown): void => {
      if (worker === started) worker = null
      for (const { reject } of waiting.values()) reject(new AppError('backup_failed', { cause }))
      waiting.clear()
    }
    started.on('error', end)
    started.on('exit', () => end())
    return started
  }
  const ask = (order: (id: number) => BackupOrder, told?: Waiting['told']): Promise<string | null> =>
    new Promise((resolve, reject) => {
      const id = next++
      waiting.set(id, { resolve, reject, told })
      worker ??= start()
      worker.postMessage(order(id))
    })
  return {
    bench: {
      ship: () => ask((id) => ({ id, do: 'ship' })),
      run: (told) => ask((id) => ({ id, do: 'run' }), told),
      verify: (backup, told) => ask((id) => ({ id, do: 'verify', backup }), told),
      stop: async () => void (await worker?.terminate()),
    },
    copy: () => ask((id) => ({ id, do: 'copy' })),
    copied: () => copied,
  }
}
