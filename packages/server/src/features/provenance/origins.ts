import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import type { Log } from '../../kernel/log.ts'
import { findOrigins, forgetOrigins, insertOrigins, type OriginsAsked } from './origins.store.ts'
import type { OriginRecord } from './provenance.ports.ts'

const WRITE_AFTER_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
const HOUR_MS = 3_600_000
/** Rows of one statement. */
const BATCH = 500
/** Rows held while PostgreSQL does not answer, about 3 MiB. */
const MOST_HELD = 10_000

interface OriginsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly keepDays: () => number
}

/** The record of origins: written in batches behind the answers, so that no answer waits for it. */
export const createOriginRecord = ({ database, clock, log, keepDays }: OriginsOptions) => {
  let held: OriginRecord[] = []
  let running: Promise<void> | null = null
  let timer: Timer | null = null
  let hourly: Timer | null = null
  let pause = WRITE_AFTER_MS
  let isFailing = false

  const warn = (error: unknown, message: string, count: number): void =>
    log.warn({ component: 'provenance', error, count }, message)

  const writeHeld = async (): Promise<void> => {
    while (held.length > 0) {
      const batch = held.slice(0, BATCH)
      try {
        await database.transaction('system', (transaction) => insertOrigins(transaction, batch))
      } catch (error) {
        if (isConnectionFault(error)) {
          if (!isFailing) warn(error, 'PostgreSQL does not take the record of origins; it is held', held.length)
          isFailing = true
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
          throw error
        }
        // One that is refused must not hold up the others for ever.
        warn(error, 'PostgreSQL refuses records of origins; they are dropped', batch.length)
      }
      held = held.slice(batch.length)
      isFailing = false
      pause = WRITE_AFTER_MS
    }
  }

  /** Writes what is held. @throws the fault of a database that is away */
  const flush = (): Promise<void> => {
    timer?.cancel()
    timer = null
    running ??= writeHeld().finally(() => {
      running = null
      if (held.length > 0) schedule()
    })
    return running
  }
  const schedule = (): void => {
    timer ??= clock.after(pause, () => {
      timer = null
      flush().catch(() => undefined)
    })
  }
  const forget = async (): Promise<void> => {
    while (await database.transaction('system', (transaction) => forgetOrigins(transaction, keepDays())));
  }

  return {
    /** Takes a record; what finds no room is dropped, and told once. */
    push: (record: OriginRecord): void => {
      if (held.length >= MOST_HELD) return
      held.push(record)
      if (held.length === MOST_HELD) warn(null, 'No room for more records of origins: further ones are lost', MOST_HELD)
      if (running === null) schedule()
    },
    /** What is known of an output, this process's own newest records too. @throws a database's fault */
    find: async (project: string, asked: OriginsAsked): Promise<readonly OriginRecord[]> => {
      if (held.length > 0) await flush()
      return database.read({ project }, (read) => findOrigins(read, project, asked))
    },
    start: (): void => {
      hourly = clock.every(HOUR_MS, () => {
        forget().catch((error: unknown) => warn(error, 'Old records of origins could not be deleted', 0))
      })
    },
    stop: async (): Promise<void> => {
      hourly?.cancel()
      await flush().catch((error: unknown) => warn(error, 'Records of origins are lost', held.length))
      timer?.cancel()
    },
  }
}
