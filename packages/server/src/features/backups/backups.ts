import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { BackupReading, JobProgress } from './backups.ports.ts'
import { backupRoutes, type BackupRoutes } from './backups.routes.ts'
import type { CopyWatch } from './copy-watch.ts'
import type { JobStore, StoredJob } from './jobs.store.ts'
import type { Measures } from './measures.ts'
import { createWatch } from './watch.ts'

/** What the process has that makes backups; one of a machine does. */
export interface BackupMaker {
  /** Hours between base backups; 0: none by itself. */
  readonly everyHours: number
  /** Does the work beside the event loop. */
  readonly bench: {
    readonly ship: () => Promise<unknown>
    /** Makes a base backup; resolves to its id. @throws AppError */
    readonly run: (told: (progress: JobProgress) => void) => Promise<string | null>
    /** Reads one whole. @throws AppError */
    readonly verify: (id: string, told: (progress: JobProgress) => void) => Promise<unknown>
    readonly stop: () => Promise<void>
  }
  /** The copy in a second place; null where none is made. */
  readonly copy: Pick<CopyWatch, 'look' | 'late' | 'ended' | 'standing'> | null
  readonly measures: Measures
  /** When the newest base backup was made; null where there is none. @throws AppError */
  readonly newest: () => Promise<number | null>
  /** Leaves how the copy stands where other processes find it. */
  readonly noteCopy: () => Promise<void>
}

interface BackupPorts {
  readonly clock: Clock
  readonly log: Log
  readonly jobs: JobStore
  readonly routes: Omit<BackupRoutes, 'jobs' | 'clock' | 'begin'>
  /** Null: another process of the machine makes them, or nobody does. */
  readonly maker: BackupMaker | null
  /** Figures of backups that somebody else makes; null: there are none, or another process looks at them. */
  readonly watched: Measures | null
}

/** Contents, segments of the WAL and erasures are taken over this often. */
const SHIP_EVERY_MS = 10_000
const HOUR_MS = 3_600_000
/** After a failure the next attempt waits, so that the log can be read. */
const AGAIN_MS = 300_000
/** What a job has reached is written down this often. */
const TELL_EVERY_MS = 1_000
const KEEP_DAYS = 90
/** A command that is at it holds jobs up for so long. */
const BUSY_MS = 5_000

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
const unknown: BackupReading = {
  ...{ ageSeconds: Number.NaN, durationSeconds: Number.NaN, storedBytes: Number.NaN, archiveLagSeconds: Number.NaN },
  ...{ copyLagSeconds: Number.NaN, drillAgeSeconds: Number.NaN, failures: 0 },
}

/** Makes backups by itself: what is new every few seconds, a base when it is time, and what operators ask for. */
const createWork = ({ clock, log, jobs, maker }: BackupPorts & { readonly maker: BackupMaker }) => {
  const { bench, copy, measures, everyHours, newest } = maker
  let timer: Timer | null = null
  let working: Promise<void> | null = null
  let failed: string | null = null
  let againAt = 0
  let forgotAt = 0

  const isDue = async (): Promise<boolean> => {
    if (everyHours === 0 || clock.now() < againAt) return false
    const at = await newest()
    return at === null || clock.now() - at >= everyHours * HOUR_MS
  }
  const act = async (job: StoredJob): Promise<void> => {
    let toldAt = 0
    let telling: Promise<unknown> = Promise.resolve()
    const told = ({ stage, done, total }: JobProgress): void => {
      if (clock.now() - toldAt < TELL_EVERY_MS) return
      toldAt = clock.now()
      telling = jobs.progress(job.id, stage, done, total).catch(() => undefined)
    }
    try {
      const backup = job.kind === 'run' ? await bench.run(told) : job.backup
      if (job.kind === 'verify' && backup !== null) await bench.verify(backup, told)
      await telling
      await jobs.end(job.id, { backup, code: null, detail: null })
      log.info(
        { component: 'backups', ...(backup !== null && { reason: backup }) },
        job.kind === 'run' ? 'A base backup was made' : 'A backup was verified',
      )
    } catch (cause) {
      const code = cause instanceof AppError ? cause.code : 'backup_failed'
      await telling
      await jobs.end(job.id, { backup: null, code, detail: reasonOf(cause) })
      if (job.kind === 'verify')
        measures.judgeVerified(job.backup ?? '', code === 'backup_damaged' ? reasonOf(cause) : null)
      log.error({ component: 'backups', code, error: cause }, `A backup failed: ${job.kind}`)
      if (job.kind === 'run') throw cause
    }
  }
  const work = async (): Promise<void> => {
    try {
      await measures.look()
      await bench.ship()
      if (await isDue()) {
        againAt = clock.now() + AGAIN_MS
        await jobs.create(prefixedId('bkj', clock.now()), 'run', null)
      }
      for (let job = await jobs.claim(); job !== null; job = await jobs.claim()) {
        await act(job)
        await measures.look(true)
        copy?.look()
      }
      if (clock.now() - forgotAt > HOUR_MS) {
        forgotAt = clock.now()
        await jobs.forget(KEEP_DAYS)
      }
      await maker.noteCopy()
      failed = null
      measures.failed(null)
    } catch (cause) {
      // A command is at it; what waits is done when it has ended.
      if (cause instanceof AppError && cause.code === 'backup_running') return void clock.after(BUSY_MS, look)
      const reason = reasonOf(cause)
      if (failed !== reason) log.error({ component: 'backups', error: cause }, 'Backups cannot be made')
      failed = reason
      measures.failed(reason)
    }
  }
  const look = (): void => {
    if (timer === null) return
    working ??= work().finally(() => (working = null))
    // Beside it: a place that is slow or away delays nothing here.
    copy?.look()
  }
  return {
    look,
    start: async (): Promise<void> => {
      await jobs.abandon('The process ended that was at it.')
      timer = clock.every(SHIP_EVERY_MS, look)
    },
    stop: async (): Promise<void> => {
      timer?.cancel()
      timer = null
      await bench.stop()
      await working
      await copy?.ended()
    },
    health: (): ReturnType<NonNullable<Feature['health']>> => {
      if (failed !== null) return { state: 'degraded', detail: `no backups: ${failed}` }
      const late = measures.wrong()[0] ?? copy?.late() ?? null
      return late === null ? { state: 'ok' } : { state: 'degraded', detail: late }
    },
  }
}

/** Backups of the embedded store, made by the process that may, shown and asked for by any; or those that somebody else makes, watched. */
export const createBackups = (ports: BackupPorts): Feature & { readonly reading: () => BackupReading } => {
  const { clock, log, jobs, routes, maker, watched } = ports
  const made = maker === null ? null : createWork({ ...ports, maker })
  const work = made ?? (watched === null ? null : createWatch({ clock, log, measures: watched }))
  return {
    name: 'backups',
    routes: backupRoutes({ ...routes, jobs, clock, begin: () => made?.look() }),
    reading: () => (maker?.measures ?? watched)?.reading() ?? unknown,
    ...(work !== null && { start: work.start, stop: work.stop, health: work.health }),
  }
}
