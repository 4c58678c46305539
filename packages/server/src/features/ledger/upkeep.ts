import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createUpkeepStore, SumsDiffer } from './upkeep.store.ts'

export interface UpkeepOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly faultPoints: FaultPoints
  /** Whole months that rows of the ledger stay, at least 12; null: for ever. Asked each time. */
  readonly keepMonths: () => number | null
}

/** Keeps the ledger from growing beyond what is wanted, and its sums true. */
export interface Upkeep extends Feature {
  /** What the timer does: once a day, by one of the replicas. Answers whether it was this one's turn. */
  run(): Promise<boolean>
}

const EVERY_MS = 600_000
const DAY_MS = 86_400_000

/**
 * Once a day compares yesterday's sums with what they are sums of, takes away windows, accounts and thresholds that are long past, and ends
 * the months of the ledger that have had their time. Cut anywhere, the next turn goes on where this one was.
 */
export const createUpkeep = ({ database, clock, log, faultPoints, keepMonths }: UpkeepOptions): Upkeep => {
  const store = createUpkeepStore(database)
  const pass = () => faultPoints.pass('ledger.in-upkeep')
  let timer: Timer | null = null
  let running: Promise<boolean> | null = null
  let stopped = false

  const compare = async () => {
    const today = clock.now() - (clock.now() % DAY_MS)
    const differing = await store.differing(today - DAY_MS)
    if (differing > 0)
      log.error(
        { component: 'ledger', count: differing },
        'Sums of yesterday differ from their rows: run `headgate ledger verify`',
      )
  }

  const prune = async () => {
    const now = clock.now()
    const windows = await store.prune('windows', now)
    const accounts = await store.prune('accounts', now)
    const alerts = await store.prune('alerts', now)
    const count = windows + accounts + alerts
    if (count > 0)
      log.info({ component: 'ledger', count }, 'Budget windows, accounts and thresholds long past were taken away')
  }

  const endMonths = async () => {
    const months = keepMonths()
    if (months === null) return
    for (const month of await store.endedMonths(months)) {
      if (stopped) return
      try {
        const entries = await store.endMonth(month, months, pass)
        log.info(
          { component: 'ledger', id: month.toISOString().slice(0, 7), count: entries },
          'A month of the ledger was sealed and its rows were dropped',
        )
      } catch (error) {
        if (!(error instanceof SumsDiffer)) throw error
        log.error({ component: 'ledger', error }, 'A month of the ledger stays: its sums differ from its rows')
        return
      }
    }
  }

  const turn = async (): Promise<boolean> => {
    if (!(await store.claim())) return false
    await compare()
    await prune()
    await endMonths()
    if (!stopped) await store.finish()
    return true
  }

  const run = (): Promise<boolean> => {
    running ??= turn().finally(() => {
      running = null
    })
    return running
  }

  const tryRun = (): Promise<unknown> =>
    run().catch((error) => log.warn({ component: 'ledger', error: error as Error }, 'The upkeep of the ledger waits'))

  return {
    name: 'upkeep',
    run,
    start: () => {
      timer = clock.every(EVERY_MS, () => void tryRun())
    },
    stop: async () => {
      stopped = true
      timer?.cancel()
      await running?.catch(() => undefined)
    },
  }
}
