import type { BudgetAlert } from '../../domain/budget-alert.ts'
import { type Hold, type Intent, isHard } from '../../domain/hold.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { createBudgetAlerts } from './budget-alerts.ts'
import { type Budgets, createBudgets } from './budgets.store.ts'
import { createDrain } from './drain.ts'
import { createEntryStore, type EntryStore } from './entries.store.ts'
import { createHolds } from './holds.ts'
import { JournalFault, openJournal } from './journal.ts'
import { createLeases } from './leases.ts'
import { createLeaseStore, type LeaseStore } from './leases.store.ts'
import { usageRoutes, type UsageRoutesOptions } from './ledger.routes.ts'
import { noReservations, type Reservation } from './row.ts'
import { openProgress } from './progress.ts'
import { recover } from './recovery.ts'
import { createUsageStore } from './usage.store.ts'

/** Where rows and leases are kept for all replicas. */
export interface LedgerStores {
  readonly entries: EntryStore
  readonly leases: LeaseStore
}

/** What the ledger is made of. */
export interface LedgerOptions {
  readonly database: Database
  /** Folder of the journal: on a local disk, and this process's alone. */
  readonly journalDirectory: string
  readonly clock: Clock
  readonly faultPoints: FaultPoints
  readonly log: Log
  /** Names this replica in its leases; by default an id kept in the journal's folder. */
  readonly replicaId?: string
  readonly segmentBytes?: number
  /** Settled rows held in memory for PostgreSQL. */
  readonly queueLimit?: number
  /** Told of each threshold of a budget, once per window over all replicas. */
  readonly onBudgetAlert?: (alert: BudgetAlert) => void
  /** Budgets that a caller may look at, for its usage; by default none. */
  readonly standingsOf?: UsageRoutesOptions['standingsOf']
  /** The stores of one process of a replica; by default PostgreSQL. */
  readonly stores?: (replicaId: string, epoch: string) => LedgerStores
}

/** How the ledger fares, for metrics and readiness. */
export interface LedgerStats {
  readonly openHolds: number
  /** Settled rows in memory that PostgreSQL has not taken yet. */
  readonly queued: number
  /** More rows than that are still to be read back from the journal. */
  readonly behind: boolean
  readonly journal: 'ok' | 'failing'
  readonly journalSegments: number
  readonly journalFaults: number
  /** Records that the journal did not take. */
  readonly droppedRecords: number
  /** Rows that neither the journal nor the queue took: lost. */
  readonly lostRows: number
  /** Rows that PostgreSQL refused for good. */
  readonly refusedRows: number
  readonly leases: number
}

/** Every call's money: reserved before it is made, settled once after. */
export interface Ledger {
  /**
   * Admits a call: reserves its worst case and journals the intent. Synchronous unless a budget has to be asked for.
   * @throws AppError budget_exceeded, price_unknown, database_unavailable, or journal_unavailable where a budget applies
   */
  reserve(intent: Intent): Hold | Promise<Hold>
  readonly budgets: Budgets
  stats(): LedgerStats
  /** Brings everything settled until now to PostgreSQL. */
  flush(): Promise<void>
  /** What is settled leaves the journal as soon as nothing is under way in it any more. */
  forgetSettled(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const QUEUE_LIMIT = 50_000
const DAY_MS = 86_400_000
const CARRY_MS = 2_000
/** How long at least a line stands in the journal of a house that has little to do. */
const RENEW_MS = 600_000
const RECOVERY_RETRY_MS = 1_000
const FLUSH_ATTEMPTS = 3

/**
 * Opens the ledger.
 * @throws JournalInUse when another living process writes the journal.
 */
export const createLedger = (options: LedgerOptions): Ledger & Feature => {
  const { database, journalDirectory, clock, faultPoints, log } = options
  const journal = openJournal({ ...options, directory: journalDirectory })
  const progress = openProgress(journalDirectory, journal.first)
  const inPostgres = (replicaId: string, epoch: string): LedgerStores => ({
    entries: createEntryStore(database, faultPoints),
    leases: createLeaseStore(database, replicaId, epoch, faultPoints),
  })
  const { stores = inPostgres } = options
  const { entries, leases: leaseStore } = stores(journal.replicaId, prefixedId('run', clock.now()))
  const leases = createLeases({ store: leaseStore, clock, log })
  const alerts = createBudgetAlerts({ database, clock, log, onAlert: options.onBudgetAlert ?? (() => {}) })
  const drain = createDrain({
    store: entries,
    journal,
    clock,
    log,
    queueLimit: options.queueLimit ?? QUEUE_LIMIT,
    onDrained: (rows) => {
      leases.drained(rows)
      alerts.drained(rows)
    },
  })
  // Whatever becomes of this process's own rows meanwhile, an earlier one's stay until they are taken up.
  for (const segment of journal.inherited) journal.pin(segment)
  const holds = createHolds({ journal, progress, drain, leases, faultPoints, log })
  const budgets = createBudgets(database, clock.now)
  const { standingsOf = async () => [] } = options
  const store = createUsageStore(database)
  const routes = usageRoutes({ store, drain, budgets: budgets.state, standingsOf, now: clock.now })
  const timers: { cancel(): void }[] = []

  const open = (intent: Intent, granted: readonly Reservation[]): Hold =>
    holds.open(intent, granted, leases.overrun(intent, granted))

  const reserve = (intent: Intent): Hold | Promise<Hold> => {
    if (intent.budgets.length === 0) return holds.open(intent, noReservations)
    if (journal.stats().state === 'failing' && intent.budgets.some(isHard))
      throw new AppError('journal_unavailable', { retryAfterMs: 1_000 })
    const reservations = leases.reserve(intent)
    return reservations instanceof Promise
      ? reservations.then((granted) => open(intent, granted))
      : open(intent, reservations)
  }

  const ensurePartitions = () =>
    entries
      .ensurePartitions()
      .catch((error) => log.warn({ component: 'ledger', error }, 'Partitions of the months ahead were not made'))

  /**
   * Settles what an earlier process left open; its rows and leases then go to PostgreSQL when that answers. On a disk that
   * takes no line this is tried again and again, and the house stands meanwhile.
   */
  const takeUp = async () => {
    const oldest = journal.inherited[0]
    if (oldest === undefined) return leases.endOld()
    try {
      const { killed, damaged } = await recover(journalDirectory, journal, faultPoints)
      if (killed > 0) log.warn({ component: 'ledger', count: killed }, 'Calls cut by the end of a process were settled')
      if (damaged > 0) log.warn({ component: 'ledger', count: damaged }, 'Damaged journal lines were skipped')
      void drain.catchUp({ segment: oldest, offset: 0 }).then(leases.endOld)
      for (const segment of journal.inherited) journal.unpin(segment)
    } catch (cause) {
      if (!(cause instanceof JournalFault)) throw cause
      log.error({ component: 'ledger', error: cause }, 'The journal of an earlier process cannot be settled yet')
      timers.push(clock.after(RECOVERY_RETRY_MS, () => void takeUp()))
    }
  }

  const stats = (): LedgerStats => {
    const { queued, behind, refused } = drain.stats()
    const { state, segments, faults } = journal.stats()
    return {
      openHolds: holds.count(),
      queued,
      behind,
      journal: state,
      journalSegments: segments,
      journalFaults: faults,
      ...holds.losses(),
      refusedRows: refused,
      leases: leases.count(),
    }
  }

  return {
    name: 'ledger',
    routes,
    reserve,
    budgets,
    stats,
    flush: drain.flush,
    forgetSettled: async () => {
      journal.renew()
      await drain.flush()
    },
    start: async () => {
      await takeUp()
      leases.start()
      alerts.start()
      timers.push(
        clock.every(CARRY_MS, holds.carry),
        clock.every(RENEW_MS, journal.renew),
        clock.every(DAY_MS, () => void ensurePartitions()),
      )
      void ensurePartitions()
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
      for (let attempt = 1; attempt <= FLUSH_ATTEMPTS; attempt++) {
        try {
          await drain.flush()
          break
        } catch (error) {
          if (attempt === FLUSH_ATTEMPTS) {
            log.warn({ component: 'ledger', error: error as Error }, 'Rows stay in the journal for the next start')
          }
        }
      }
      drain.stop()
      await alerts.stop()
      await leases.stop()
      progress.close()
      await journal.close()
    },
    health: () => {
      const { journal: state, behind } = stats()
      if (state === 'failing') return { state: 'failing', detail: 'the ledger journal cannot be written' }
      return behind ? { state: 'degraded', detail: 'ledger rows wait for PostgreSQL' } : { state: 'ok' }
    },
  }
}
