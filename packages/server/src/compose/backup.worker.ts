import { parentPort } from 'node:worker_threads'
import { systemClock } from '../kernel/clock.ts'
import { type DatabaseConnection, openDatabase } from '../kernel/db.ts'
import type { TellProgress } from '../kernel/embedded-backup-repository.ts'
import { AppError } from '../kernel/errors.ts'
import { silentLog } from '../kernel/log.ts'
import { type BackupOptions, createBackupTools } from './backup-tools.ts'

/** What the worker is told first, and then over and over. */
export type BackupOrder =
  | { readonly open: BackupOptions; readonly connection: DatabaseConnection }
  | { readonly id: number; readonly do: 'ship' | 'run' | 'copy' }
  | { readonly id: number; readonly do: 'verify'; readonly backup: string }

let tools: ReturnType<typeof createBackupTools> | null = null

// Copies, compresses and encrypts beside the event loop that answers calls.
const obey = async (order: BackupOrder): Promise<void> => {
  if ('open' in order) {
    const { connection } = order
    const database = openDatabase({ connection, log: silentLog, poolSize: 1, applicationName: 'headgate-backup' })
    tools = createBackupTools(order.open, {
      ...{ database, connection, clock: systemClock },
      onCopyState: (copy) => parentPort?.postMessage({ copy }),
    })
    tools.catch(() => undefined)
    return
  }
  try {
    const ready = await tools
    const told: TellProgress = (progress) => parentPort?.postMessage({ of: order.id, progress })
    const made =
      order.do === 'verify'
        ? await ready?.verify(order.backup, told)
        : order.do === 'run'
          ? await ready?.run(told)
          : await ready?.[order.do]()
    parentPort?.postMessage({ id: order.id, made: made && 'id' in made ? made.id : null })
  } catch (cause) {
    const known =
      cause instanceof AppError ? cause : new AppError('backup_failed', { detail: (cause as Error).message })
    parentPort?.postMessage({ id: order.id, code: known.code, detail: known.message })
  }
}

parentPort?.on('message', (order: BackupOrder) => void obey(order))
