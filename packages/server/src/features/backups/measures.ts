import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { BackupEvent, BackupFacts, BackupReading, CopyStanding, ListedBackup } from './backups.ports.ts'
import { createTeller } from './teller.ts'

interface MeasurePorts {
  readonly clock: Clock
  readonly log: Log
  readonly tell: (event: BackupEvent) => void
  /** Hours between base backups; 0: none by itself. */
  readonly everyHours: number
  readonly facts: BackupFacts
  readonly copy: (() => CopyStanding) | null
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Longest that nobody may have tried a restore. */
export const UNTRIED_MS = 8 * 24 * HOUR_MS
/** Segments may wait for so long. */
const ARCHIVE_LATE_MS = 10 * MINUTE_MS
const EVERY_MS = MINUTE_MS

const seconds = (since: number | null | undefined, now: number): number =>
  since === null || since === undefined ? Number.NaN : Math.max(0, now - since) / 1_000

/** Figures of the backups, looked at once a minute, and what is told when they are not as they should be. */
export const createMeasures = ({ clock, log, tell, everyHours, facts, copy }: MeasurePorts) => {
  const teller = createTeller({ clock, log, tell })
  let newest: ListedBackup['facts'] = null
  let waitingSince: number | null = null
  let drilledAt: number | null = null
  let oldestAt: number | null = null
  let failures = 0
  let lookedAt = Number.NEGATIVE_INFINITY

  const judge = (): void => {
    const now = clock.now()
    const age = newest === null ? null : now - newest.from
    const late = everyHours > 0 && age !== null && age > 2 * everyHours * HOUR_MS
    teller.judge(
      'backups/late',
      late ? `The newest backup is ${Math.floor(age / HOUR_MS)} hours old; one is due every ${everyHours}.` : null,
      { severity: 'page', value: Math.floor((age ?? 0) / HOUR_MS), threshold: 2 * everyHours },
    )
    const lag = waitingSince === null ? 0 : now - waitingSince
    teller.judge(
      'backups/archive',
      lag > ARCHIVE_LATE_MS ? `WAL has waited for ${Math.floor(lag / MINUTE_MS)} minutes to be backed up.` : null,
      { severity: 'page', value: Math.floor(lag / MINUTE_MS), threshold: ARCHIVE_LATE_MS / MINUTE_MS },
    )
    const untriedSince = drilledAt ?? oldestAt
    const untried = facts.drills && untriedSince !== null && now - untriedSince > UNTRIED_MS
    const days = untriedSince === null ? 0 : Math.floor((now - untriedSince) / (24 * HOUR_MS))
    teller.judge('backups/drill', untried ? `No drill has passed for ${days} days: run headgate backup drill.` : null, {
      severity: 'ticket',
      value: days,
      threshold: UNTRIED_MS / (24 * HOUR_MS),
    })
  }

  return {
    /** Looks, at most once a minute unless `now`. @throws AppError where the folder cannot be read */
    look: async (atOnce = false): Promise<void> => {
      if (!atOnce && clock.now() - lookedAt < EVERY_MS) return
      lookedAt = clock.now()
      newest = (await facts.list(1))[0]?.facts ?? null
      waitingSince = (await facts.waiting()).since
      drilledAt = await facts.drilledAt()
      oldestAt = await facts.oldestAt()
      judge()
    },
    /** A backup could not be made, or the WAL not taken over; null: it went well. */
    failed: (reason: string | null): void => {
      if (reason !== null) failures += 1
      teller.judge('backups/failed', reason === null ? null : `No backups can be made: ${reason}`, {
        ...{ severity: 'page' as const, value: failures, threshold: 0 },
      })
    },
    /** A backup was found damaged; null: it is whole. */
    judgeVerified: (id: string, reason: string | null): void =>
      teller.judge('backups/damaged', reason === null ? null : `The backup ${id} is damaged: ${reason}`, {
        ...{ severity: 'page' as const, value: 1, threshold: 0 },
      }),
    wrong: teller.wrong,
    reading: (): BackupReading => {
      const now = clock.now()
      return {
        ageSeconds: seconds(newest?.from, now),
        durationSeconds: newest === null ? Number.NaN : (newest.finishedAt - newest.startedAt) / 1_000,
        storedBytes: newest?.storedBytes ?? Number.NaN,
        archiveLagSeconds: waitingSince === null ? 0 : seconds(waitingSince, now),
        copyLagSeconds: copy === null ? Number.NaN : copy().lag_seconds,
        drillAgeSeconds: seconds(drilledAt, now),
        failures,
      }
    },
  }
}

export type Measures = ReturnType<typeof createMeasures>
