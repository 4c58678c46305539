import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { BackupEvent, CopyStanding } from './backups.ports.ts'

interface CopyPorts {
  readonly clock: Clock
  readonly log: Log
  /** Where the copy is, for operators. */
  readonly place: string
  /** The copy may be behind for so long. */
  readonly alarmMs: number
  /** Copies what is missing. @throws AppError */
  readonly copy: () => Promise<unknown>
  /** How far the copy is, as it was told last; null: not known yet. */
  readonly state: () => { readonly behind_since: number | null; readonly files: number; readonly bytes: number } | null
  /** Tells receivers of alerts; never rejects. */
  readonly tell: (event: BackupEvent) => void
}

/** After a failure the next pass waits, longer each time. */
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 300_000
/** A pass that has said nothing for so long stands still. */
const STILL_MS = 300_000
/** What lasts is told again. */
const TELL_AGAIN_MS = 86_400_000
const MINUTE_MS = 60_000

/** Copies backups to a second place beside everything else, measures how far behind that is, and tells when it is too far. */
export const createCopyWatch = ({ clock, log, place, alarmMs, copy, state, tell }: CopyPorts) => {
  const begun = clock.now()
  let working: Promise<void> | null = null
  let failure: string | null = null
  let failures = 0
  /** Since when no pass has come to its end, while one is wanted. */
  let unsureSince: number | null = null
  let copiedAt: number | null = null
  let pauseMs = FIRST_PAUSE_MS
  let againAt = 0
  let toldAt: number | null = null

  const pass = async (): Promise<void> => {
    unsureSince ??= clock.now()
    try {
      await copy()
      if (failure !== null) log.info({ component: 'backups' }, 'Backups are copied again')
      failure = null
      unsureSince = null
      copiedAt = clock.now()
      pauseMs = FIRST_PAUSE_MS
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      failures += 1
      if (failure !== reason)
        log.warn(
          { component: 'backups', reason, ...(cause instanceof AppError && { code: cause.code }) },
          'Backups could not be copied; it is tried again',
        )
      failure = reason
      againAt = clock.now() + pauseMs
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }
  const lagMs = (): number => {
    const behind = state()?.behind_since ?? null
    const unsure =
      unsureSince !== null && (failure !== null || clock.now() - unsureSince > STILL_MS) ? unsureSince : null
    const since = behind ?? unsure
    return since === null ? 0 : Math.max(0, clock.now() - since)
  }
  const isLate = (): boolean => lagMs() > alarmMs && clock.now() - begun > alarmMs
  const judge = (): void => {
    if (!isLate()) {
      if (toldAt !== null) log.info({ component: 'backups' }, 'The copy of the backups has caught up')
      toldAt = null
      return
    }
    if (toldAt !== null && clock.now() - toldAt < TELL_AGAIN_MS) return
    toldAt = clock.now()
    const minutes = Math.floor(lagMs() / MINUTE_MS)
    const why = failure === null ? '' : `: ${failure}`
    const summary = `The copy of the backups in ${place} is ${minutes} minutes behind${why}`
    log.error({ component: 'backups', reason: summary }, 'The copy of the backups is behind')
    tell({ name: 'backups/copy', severity: 'ticket', summary, value: minutes, threshold: alarmMs / MINUTE_MS })
  }

  return {
    /** Begins a pass unless one is under way or waits after a failure; then judges the lag. */
    look: (): void => {
      if (clock.now() >= againAt) working ??= pass().finally(() => (working = null))
      judge()
    },
    /** Whether the copy is too far behind, in words; null: it is not. */
    late: (): string | null =>
      isLate() ? `the copy of the backups is ${Math.floor(lagMs() / MINUTE_MS)} minutes behind` : null,
    standing: (): CopyStanding => ({
      place,
      lag_seconds: Math.round(lagMs() / 1_000),
      files_left: state()?.files ?? 0,
      bytes_left: state()?.bytes ?? 0,
      copied_at: copiedAt,
      failure,
      failures,
    }),
    ended: async (): Promise<void> => void (await working),
  }
}

export type CopyWatch = ReturnType<typeof createCopyWatch>
