import type { BudgetAlert } from '../../domain/budget-alert.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import { forecastOf, reachedBy } from './alert-rules.ts'
import { insertAlert, readSpent, type SpentRow } from './budget-alerts.store.ts'
import { isCharged, type LedgerRow } from './row.ts'
import { stretchStart } from './windows.ts'

/** Watches what budgets have spent. */
export interface BudgetAlerts {
  /** The rows are in PostgreSQL: what their budgets have spent is looked at soon. */
  drained(rows: readonly LedgerRow[]): void
  /** Looks at once: also what the timer does. */
  round(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export interface BudgetAlertsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Told of each threshold once per window, by the replica that kept it first. */
  readonly onAlert: (alert: BudgetAlert) => void
}

const ROUND_MS = 1_000
const MOST_AT_ONCE = 500
const MOST_TOLD = 50_000

/** Thresholds are kept in PostgreSQL, which takes each once per account and window. */
export const createBudgetAlerts = ({ database, clock, log, onAlert }: BudgetAlertsOptions): BudgetAlerts => {
  const touched = new Set<string>()
  /** Spares PostgreSQL what it has already: by account, window and kind. */
  let told = new Set<string>()
  let timer: Timer | null = null
  let running: Promise<void> | null = null
  let failing = false

  const raise = async (row: SpentRow, now: number) => {
    const standing = { window: row.budget_window, limit: row.limit_nano, spent: row.spent_nano }
    const windowStart = stretchStart(row.budget_window, now)
    for (const kind of reachedBy(standing, now)) {
      const name = `${row.id} ${windowStart} ${kind}`
      if (told.has(name)) continue
      const alert: BudgetAlert = {
        budgetId: row.id,
        budget: row.rule_name,
        projectId: row.project_id,
        subject: row.subject,
        kind,
        windowStart,
        raisedAt: now,
        limit: row.limit_nano,
        spent: row.spent_nano,
        forecast: forecastOf(standing, now),
      }
      const isNew = await database.transaction('system', (transaction) => insertAlert(transaction, alert))
      if (told.size >= MOST_TOLD) told = new Set()
      told.add(name)
      if (isNew) onAlert(alert)
    }
  }

  const look = async () => {
    while (touched.size > 0) {
      const ids = [...touched].slice(0, MOST_AT_ONCE)
      for (const id of ids) touched.delete(id)
      try {
        const now = clock.now()
        for (const row of await database.read('system', (read) => readSpent(read, ids, now))) await raise(row, now)
        failing = false
      } catch (error) {
        for (const id of ids) touched.add(id)
        if (!failing) log.warn({ component: 'ledger', error: error as Error }, 'Budgets cannot be watched')
        failing = true
        return
      }
    }
  }

  const round = (): Promise<void> => {
    running ??= look().finally(() => {
      running = null
    })
    return running
  }

  return {
    drained: (rows) => {
      for (const row of rows) {
        if (row.cost === null || row.cost === 0n) continue
        for (const reservation of row.reservations) if (isCharged(row, reservation)) touched.add(reservation.budgetId)
      }
    },
    round,
    start: () => {
      timer = clock.every(ROUND_MS, () => void round())
    },
    stop: async () => {
      timer?.cancel()
      await running
      await round()
    },
  }
}
