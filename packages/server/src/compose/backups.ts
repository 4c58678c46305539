import type { Settings } from '../config/config.ts'
import type { BackupEvent, BackupFacts, BackupReading } from '../features/backups/backups.ports.ts'
import { type BackupMaker, createBackups } from '../features/backups/backups.ts'
import type { BackupRoutes } from '../features/backups/backups.routes.ts'
import { createCopyWatch } from '../features/backups/copy-watch.ts'
import { createJobStore } from '../features/backups/jobs.store.ts'
import { createMeasures } from '../features/backups/measures.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database, DatabaseConnection } from '../kernel/db.ts'
import { writeCopyNote } from '../kernel/embedded-backup-note.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { createBackupFacts } from './backup-facts.ts'
import { createBench } from './backup-bench.ts'
import { backupOptions, shelfOf } from './backup-tools.ts'
import { createPgBackRestFacts, pgBackRestOf } from './pgbackrest.ts'

const MINUTE_MS = 60_000

export interface BackupRoomOptions {
  /** As they were at the start. */
  readonly settings: Settings
  readonly database: Database
  readonly connection: () => DatabaseConnection
  readonly clock: Clock
  readonly log: Log
  readonly record: BackupRoutes['record']
  /** Only the first process of a machine makes backups. */
  readonly isFirst: boolean
  /** Tells receivers of alerts. */
  readonly tell: (event: BackupEvent) => void
}

/** What makes backups by itself; null where none are configured, or another process does it. */
const createMaker = (options: BackupRoomOptions): BackupMaker | null => {
  const { settings, clock, log, isFirst, tell } = options
  const { directory, every_hours: everyHours, copy } = settings.config.backups
  if (directory === undefined || settings.secrets.database_url !== undefined || !isFirst) return null
  const open = backupOptions(settings)
  const facts = createBackupFacts(open)
  const { bench, copy: copyNow, copied } = createBench(open, options.connection)
  const watch =
    open.copy === null
      ? null
      : createCopyWatch({
          ...{ clock, log, tell, state: copied, alarmMs: copy.alarm_minutes * MINUTE_MS },
          place: shelfOf(open.copy, clock).name,
          copy: copyNow,
        })
  let noted = ''
  return {
    ...{ everyHours, bench, copy: watch },
    measures: createMeasures({ clock, log, tell, everyHours, facts, copy: watch?.standing ?? null }),
    newest: async () => (await facts.list(1))[0]?.facts?.from ?? null,
    noteCopy: async () => {
      if (watch === null) return
      const standing = watch.standing()
      // To the minute: it is no log.
      const text = JSON.stringify({ ...standing, copied_at: Math.floor((standing.copied_at ?? 0) / MINUTE_MS) })
      if (text === noted) return
      noted = text
      await writeCopyNote(open.dataDirectory, standing)
    },
  }
}

/** Builds backups: making those of the embedded store, and what operators see of them and of those by pgBackRest. */
export const createBackupRoom = (options: BackupRoomOptions) => {
  const { settings, database, clock, log, record } = options
  const maker = createMaker(options)
  const copy = maker?.copy ?? null
  const pgbackrest = pgBackRestOf(settings)
  const outside = pgbackrest === null ? null : createPgBackRestFacts(pgbackrest, database, clock)
  const watched =
    outside === null || !options.isFirst
      ? null
      : createMeasures({
          ...{ clock, log, tell: options.tell, facts: outside, copy: null },
          everyHours: settings.config.backups.every_hours,
        })
  const assertMade = (): void => {
    if (pgbackrest !== null)
      throw new AppError('backup_unavailable', {
        detail: 'pgBackRest makes and verifies them, where it is: headgate backup run, headgate backup verify.',
      })
  }
  const facts = (): BackupFacts => {
    if (outside !== null) return outside
    const found = createBackupFacts(backupOptions(settings))
    // Who makes it knows it to the second.
    return copy === null ? found : { ...found, copy: async () => copy.standing() }
  }
  return createBackups({
    ...{ clock, log, jobs: createJobStore(database), maker, watched },
    routes: { record, facts, assertMade },
  })
}

/** Figures for metrics; read when Prometheus asks. */
export const gaugesOfBackups = ({ reading }: { readonly reading: () => BackupReading }) => ({
  backupAge: () => reading().ageSeconds,
  backupDuration: () => reading().durationSeconds,
  backupBytes: () => reading().storedBytes,
  backupArchiveLag: () => reading().archiveLagSeconds,
  backupCopyLag: () => reading().copyLagSeconds,
  backupDrillAge: () => reading().drillAgeSeconds,
  backupFailures: () => reading().failures,
})
