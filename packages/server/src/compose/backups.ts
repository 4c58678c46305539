import { Worker } from 'node:worker_threads'
import type { Settings } from '../config/config.ts'
import type { BackupEvent } from '../features/backups/backups.ports.ts'
import { createBackups } from '../features/backups/backups.ts'
import { createCopyWatch } from '../features/backups/copy-watch.ts'
import type { Clock } from '../kernel/clock.ts'
import type { DatabaseConnection } from '../kernel/db.ts'
import type { CopyState } from '../kernel/embedded-backup-copy.ts'
import { lastPassedDrill } from '../kernel/embedded-backup-drill.ts'
import { createBackupSigner, listBackups, readManifest } from '../kernel/embedded-backup-repository.ts'
import { AppError } from '../kernel/errors.ts'
import type { Feature } from '../kernel/feature.ts'
import type { Log } from '../kernel/log.ts'
import { backupOptions, shelfOf } from './backup-tools.ts'
import type { BackupOrder } from './backup.worker.ts'

const MINUTE_MS = 60_000

interface BackupRoomOptions {
  /** As they were at the start. */
  readonly settings: Settings
  readonly connection: () => DatabaseConnection
  readonly clock: Clock
  readonly log: Log
  /** Only the first process of a machine makes backups. */
  readonly isFirst: boolean
  /** Tells receivers of alerts. */
  readonly tell: (event: BackupEvent) => void
}

interface Reply {
  /** Absent: told without being asked. */
  readonly id?: number
  readonly copy?: CopyState
  readonly made?: string | null
  readonly code?: AppError['code']
  readonly detail?: string
}

/** The worker that makes backups, started when first needed, and again after it ended. */
const createBench = (options: Pick<BackupRoomOptions, 'settings' | 'connection'>) => {
  const waiting = new Map<number, { resolve: (made: string | null) => void; reject: (fault: Error) => void }>()
  let worker: Worker | null = null
  let next = 0
  let copied: CopyState | null = null
  const start = (): Worker => {
    const started = new Worker(new URL('./backup.worker.ts', import.meta.url), { execArgv: [] })
    started.unref()
    const order: BackupOrder = { open: backupOptions(options.settings), connection: options.connection() }
    started.postMessage(order)
    started.on('message', ({ id, copy: told, made = null, code, detail }: Reply) => {
      copied = told ?? copied
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
  return {
    ask: (what: 'ship' | 'run' | 'copy'): Promise<string | null> =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        worker ??= start()
        const order: BackupOrder = { id, do: what }
        worker.postMessage(order)
      }),
    /** How far the copy is, as the worker told it last. */
    copied: () => copied,
    stop: async () => void (await worker?.terminate()),
  }
}

/** Builds what makes backups by itself; null where none are configured, or another process does it. */
export const createBackupRoom = (options: BackupRoomOptions): Feature[] => {
  const { settings, clock, log, isFirst, tell } = options
  const { directory, every_hours: everyHours, copy } = settings.config.backups
  if (directory === undefined || settings.secrets.database_url !== undefined || !isFirst) return []
  const bench = createBench(options)
  const place = backupOptions(settings).copy
  const copyWatch =
    place === null
      ? null
      : createCopyWatch({
          ...{ clock, log, tell, state: bench.copied, alarmMs: copy.alarm_minutes * MINUTE_MS },
          place: shelfOf(place, clock).name,
          copy: () => bench.ask('copy'),
        })
  return [
    createBackups({
      ...{ clock, log, everyHours, bench, copy: copyWatch },
      newest: async () => {
        const id = (await listBackups(directory)).at(-1)
        return id === undefined ? null : Date.parse((await readManifest(directory, id)).evidence.at)
      },
      untriedSince: async () => {
        const [oldest] = await listBackups(directory)
        if (oldest === undefined) return null
        const passed = await lastPassedDrill(directory, [createBackupSigner(settings.secrets.root_key.reveal())])
        return passed ?? Date.parse((await readManifest(directory, oldest)).evidence.at)
      },
    }),
  ]
}
