import type { LogComponent } from '@headgate/contract/log-levels.ts'
import type { Clock, Timer } from './clock.ts'
import type { Log } from './log.ts'

/** With the time of a look, well within the 5 seconds that a change may take. */
const POLL_MS = 2_000

/** Keeps a memory of this replica equal to the database. */
export interface Follower {
  /** Looks once; a look under way may have asked before the change, so it is waited for. @throws what looking throws. */
  refresh(): Promise<void>
  /** The same, never rejecting: says once that the database is away, and once that it is back. */
  refreshQuietly(): Promise<void>
  /** Looks, then again and again. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Follows changes by looking for them; `what` completes the sentence "Changes of … cannot be read". */
export const createFollower = (options: {
  readonly clock: Clock
  readonly log: Log
  readonly component: LogComponent
  readonly what: string
  readonly look: () => Promise<void>
}): Follower => {
  const { clock, log, component, what } = options
  let looking: Promise<void> | null = null
  let failing = false
  let timer: Timer | null = null

  const refresh = async (): Promise<void> => {
    if (looking) await looking.catch(() => undefined)
    looking ??= options.look().finally(() => {
      looking = null
    })
    await looking
  }
  const refreshQuietly = async (): Promise<void> => {
    try {
      await refresh()
      if (failing) log.info({ component }, `Changes of ${what} are read again`)
      failing = false
    } catch (error) {
      if (!failing) log.warn({ component, error: error as Error }, `Changes of ${what} cannot be read`)
      failing = true
    }
  }
  return {
    refresh,
    refreshQuietly,
    start: async () => {
      await refresh()
      timer = clock.every(POLL_MS, () => void refreshQuietly())
    },
    stop: async () => {
      timer?.cancel()
      await looking?.catch(() => undefined)
    },
  }
}
