import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { CopyWatch } from './copy-watch.ts'

interface BackupPorts {
  readonly clock: Clock
  readonly log: Log
  /** Hours between base backups; 0: none by itself. */
  readonly everyHours: number
  /** Does the work beside the event loop. */
  readonly bench: {
    readonly ask: (what: 'ship' | 'run') => Promise<string | null>
    readonly stop: () => Promise<void>
  }
  /** The copy in a second place; null where none is made. */
  readonly copy: Pick<CopyWatch, 'look' | 'late' | 'ended'> | null
  /** When the newest base backup was made; null where there is none. @throws AppError */
  readonly newest: () => Promise<number | null>
  /** Since when no restore was tried with success, or since the oldest backup; null where there is none. @throws AppError */
  readonly untriedSince: () => Promise<number | null>
}

/** Contents, segments of the WAL and erasures are taken over this often. */
const SHIP_EVERY_MS = 10_000
const HOUR_MS = 3_600_000
/** After a failure the next attempt waits, so that the log can be read. */
const AGAIN_MS = 300_000
/** Whether restores are tried is looked at this often, and told when none passed for so long. */
const DRILLS_EVERY_MS = HOUR_MS
const UNTRIED_MS = 8 * 24 * HOUR_MS

/** Makes backups by itself: what is new every few seconds, a base when it is time. */
export const createBackups = ({ clock, log, everyHours, bench, copy, newest, untriedSince }: BackupPorts): Feature => {
  let timer: Timer | null = null
  let working: Promise<void> | null = null
  let failed: string | null = null
  let againAt = 0
  let untried: string | null = null
  let drillsAt = 0

  const isDue = async (): Promise<boolean> => {
    if (everyHours === 0 || clock.now() < againAt) return false
    const at = await newest()
    return at === null || clock.now() - at >= everyHours * HOUR_MS
  }
  const lookAtDrills = async (): Promise<void> => {
    if (clock.now() < drillsAt) return
    drillsAt = clock.now() + DRILLS_EVERY_MS
    const since = await untriedSince()
    const former = untried
    const isLate = since !== null && clock.now() - since > UNTRIED_MS
    untried = isLate ? `no drill has passed since ${new Date(since).toISOString().slice(0, 10)}` : null
    if (untried !== null && untried !== former)
      log.error(
        { component: 'backups', reason: untried },
        'Backups were not tried for more than 8 days: run headgate backup drill',
      )
  }
  const work = async (): Promise<void> => {
    try {
      await lookAtDrills()
      await bench.ask('ship')
      if (await isDue()) {
        againAt = clock.now() + AGAIN_MS
        const reason = await bench.ask('run')
        log.info({ component: 'backups', ...(reason !== null && { reason }) }, 'A base backup was made')
      }
      failed = null
    } catch (cause) {
      // A command is at it.
      if (cause instanceof AppError && cause.code === 'backup_running') return
      const reason = cause instanceof Error ? cause.message : String(cause)
      if (failed !== reason) log.error({ component: 'backups', error: cause }, 'Backups cannot be made')
      failed = reason
    }
  }
  const look = (): void => {
    working ??= work().finally(() => (working = null))
    // Beside it: a place that is slow or away delays nothing here.
    copy?.look()
  }

  return {
    name: 'backups',
    start: () => {
      timer = clock.every(SHIP_EVERY_MS, look)
    },
    stop: async () => {
      timer?.cancel()
      await bench.stop()
      await working
      await copy?.ended()
    },
    health: () => {
      if (failed !== null) return { state: 'degraded', detail: `no backups: ${failed}` }
      const late = untried ?? copy?.late() ?? null
      return late === null ? { state: 'ok' } : { state: 'degraded', detail: late }
    },
  }
}
