import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { Measures } from './measures.ts'

const LOOK_EVERY_MS = 60_000

interface WatchPorts {
  readonly clock: Clock
  readonly log: Log
  readonly measures: Pick<Measures, 'look' | 'failed' | 'wrong'>
}

/** Looks every minute at backups that somebody else makes, and tells when they are not as they should be. */
export const createWatch = ({
  clock,
  log,
  measures,
}: WatchPorts): Required<Pick<Feature, 'start' | 'stop' | 'health'>> => {
  let timer: Timer | null = null
  let looking: Promise<void> | null = null
  let failed: string | null = null
  const look = async (): Promise<void> => {
    try {
      await measures.look(true)
      failed = null
    } catch (cause) {
      if (timer === null) return
      const reason = cause instanceof Error ? cause.message : String(cause)
      if (failed !== reason) log.error({ component: 'backups', error: cause }, 'Backups cannot be looked at')
      failed = reason
    }
    measures.failed(failed)
  }
  const begin = (): void => {
    looking ??= look().finally(() => (looking = null))
  }
  return {
    start: async () => {
      timer = clock.every(LOOK_EVERY_MS, begin)
      begin()
    },
    stop: async () => {
      timer?.cancel()
      // Not waited for: a repository far away may be slow to answer, and nothing is half done.
      timer = null
    },
    health: () => {
      const wrong = measures.wrong()[0] ?? null
      return wrong === null ? { state: 'ok' } : { state: 'degraded', detail: wrong }
    },
  }
}
