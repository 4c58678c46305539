import type { Clock, Timer } from '../../kernel/clock.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import type { HealthReport } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { AuditBroken, type Checkpoints } from './checkpoints.ts'
import type { Copies } from './copies.ts'

/** The first look comes soon after the start, so that a process that never lives long signs too. */
const FIRST_MS = 5_000
const SOON_MS = 50

interface UpkeepOptions {
  readonly checkpoints: Checkpoints
  readonly copies: Copies
  readonly clock: Clock
  readonly log: Log
  readonly settings: () => { readonly everyMs: number; readonly everyEntries: number }
}

/** Signs and copies by itself: when time has passed, or when many entries wait. */
export const createUpkeep = ({ checkpoints, copies, clock, log, settings }: UpkeepOptions) => {
  let timer: Timer | null = null
  let running: Promise<void> | null = null
  let isStopped = true
  let signed = 0n
  let broken: string | null = null
  let failed: readonly string[] = []

  const look = async (): Promise<void> => {
    try {
      const made = await checkpoints.make()
      if (made !== null) signed = made.size
      failed = await copies.run()
      broken = null
    } catch (cause) {
      if (cause instanceof AuditBroken) {
        broken = cause.message
        log.error({ component: 'audit', reason: broken }, 'The audit is not what was written or signed')
      } else if (isConnectionFault(cause)) log.warn({ component: 'audit', error: cause }, 'The audit was not signed')
      else log.error({ component: 'audit', error: cause }, 'The audit was not signed')
    }
  }
  const run = (): Promise<void> => {
    running ??= look().finally(() => {
      running = null
      wait(settings().everyMs)
    })
    return running
  }
  const wait = (milliseconds: number): void => {
    timer?.cancel()
    timer = isStopped ? null : clock.after(milliseconds, () => void run())
  }

  return {
    start: (): void => {
      isStopped = false
      wait(Math.min(FIRST_MS, settings().everyMs))
    },
    stop: async (): Promise<void> => {
      isStopped = true
      timer?.cancel()
      await running
    },
    /** Told of the number of an entry that is being written: many of them do not wait for the time. */
    written: (seq: bigint): void => {
      if (isStopped || running !== null || seq - signed < BigInt(settings().everyEntries)) return
      signed = seq
      wait(SOON_MS)
    },
    health: (): HealthReport => {
      if (broken !== null) return { state: 'degraded', detail: `the audit was tampered with: ${broken}` }
      return failed.length > 0 ? { state: 'degraded', detail: `not copied to ${failed.join(', ')}` } : { state: 'ok' }
    },
  }
}
