import type { FirstStart } from '../compose/greeting.ts'
import type { House } from '../compose/house.ts'
import type { ProcessLog } from '../kernel/log.ts'

/** After the drain window: for settling the calls that were ended, and for their callers to read it. */
export const LAST_WORDS_MS = 4_000

/** A running Headgate. */
export interface Running {
  readonly port: number
  readonly log: ProcessLog
  /** Resolves when every settled call is in PostgreSQL. */
  readonly settled: () => Promise<void>
  /** Takes over a changed configuration while calls run. @throws AppError `config_invalid`. */
  readonly reload: House['reload']
  /** The text of this process's own metrics. */
  readonly exposeMetrics: () => Promise<string>
  /** Keys that were made on a first start. */
  readonly made: FirstStart
  /** Prints where it listens and, on a first start, the keys that were made. */
  readonly greet: () => void
  /** Drains and releases everything; resolves when nothing is left. */
  readonly stop: (reason: string) => Promise<void>
  /** Cuts what is open and leaves the rest to the next start; the embedded PostgreSQL still ends with it. */
  readonly abandon: () => Promise<void>
}
