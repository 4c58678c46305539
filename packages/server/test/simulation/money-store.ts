import type { GrantAnswer, GrantRequest, LeaseNews } from '../../src/features/ledger/leases.store.ts'
import { LEASE_EXPIRY_SECONDS } from '../../src/features/ledger/leases.store.ts'
import { isCharged, type LedgerRow, paidByLease, type Reservation } from '../../src/features/ledger/row.ts'
import { countedFrom, isRolling, windowStart } from '../../src/features/ledger/windows.ts'
import type { BudgetWindow } from '../../src/domain/hold.ts'

/** A budget of the model. */
export interface ModelBudget {
  readonly id: string
  readonly limit: bigint
  readonly window: BudgetWindow
  /** It refuses nobody. */
  readonly soft?: boolean
}

/** A window of a budget, or a part of a rolling one. */
export interface ModelWindow {
  readonly budget: ModelBudget
  readonly start: number
  spent: bigint
  leased: bigint
  /** What was spent without a lease to pay it, since others had taken the lease of a silent replica. */
  uncovered: bigint
}

interface ModelLease {
  readonly id: string
  readonly window: ModelWindow
  readonly start: number
  readonly replica: string
  readonly epoch: string
  amount: bigint
  heartbeatAt: number
  wanted: boolean
}

/** Told of what is no fault of the model but may be one of who asks it. */
export interface MoneyObserver {
  /** A row came to a lease that was returned; `expiredAt` says when, if for the silence of its replica. */
  readonly onUncovered?: (row: LedgerRow, expiredAt: number | undefined) => void
  /** After every change. */
  readonly onChanged?: () => void
}

const CHUNK_DIVISOR = 32n

/**
 * PostgreSQL as the ledger sees it: the functions of `leases.store.ts` and `entries.store.ts` on maps, each at once and whole.
 * That model and SQL do the same is held together by `stores.conformance.ts`, which runs on both; what statements of several
 * transactions do to each other is shown on the real database alone (`test/accounts/`).
 * @param now milliseconds of the store's own clock.
 */
export const createMoneyStore = (now: () => number, observer: MoneyObserver = {}) => {
  const budgets = new Map<string, ModelBudget>()
  const windows = new Map<string, ModelWindow>()
  const leases = new Map<string, ModelLease>()
  const expired = new Map<string, number>()
  const rows = new Map<string, LedgerRow>()

  const windowOf = (budget: ModelBudget, start: number): ModelWindow => {
    const key = `${budget.id} ${start}`
    const window = windows.get(key) ?? { budget, start, spent: 0n, leased: 0n, uncovered: 0n }
    windows.set(key, window)
    return window
  }

  /** The parts of a rolling window that count with one of them. */
  const countedWith = ({ budget, start }: ModelWindow): readonly ModelWindow[] =>
    [...windows.values()].filter(
      (part) => part.budget.id === budget.id && part.start >= countedFrom(budget.window, start),
    )

  const endWhere = (matches: (lease: ModelLease) => boolean): number => {
    let ended = 0
    for (const lease of leases.values()) {
      if (!matches(lease)) continue
      lease.window.leased -= lease.amount
      leases.delete(lease.id)
      ended++
    }
    observer.onChanged?.()
    return ended
  }

  const charge = (fresh: readonly LedgerRow[]): void => {
    const byLease = new Map<string, { readonly row: LedgerRow; readonly from: Reservation }[]>()
    for (const row of fresh) {
      for (const from of row.reservations)
        if (isCharged(row, from)) byLease.set(from.leaseId, [...(byLease.get(from.leaseId) ?? []), { row, from }])
    }
    for (const [id, charged] of byLease) {
      const [first] = charged
      const budget = budgets.get(first?.from.budgetId ?? '')
      if (!budget || !first) continue
      const window = windowOf(budget, first.from.windowStart)
      const paid = charged.reduce((sum, { row, from }) => sum + paidByLease(row, from), 0n)
      window.spent += charged.reduce((sum, { row }) => sum + (row.cost ?? 0n), 0n)
      const lease = leases.get(id)
      if (lease && lease.amount >= paid) {
        lease.amount -= paid
        window.leased -= paid
      } else {
        window.uncovered += paid
        for (const { row } of charged) observer.onUncovered?.(row, expired.get(id))
      }
    }
  }

  return {
    windows: windows as ReadonlyMap<string, ModelWindow>,
    leases: leases as ReadonlyMap<string, ModelLease>,
    rows: rows as ReadonlyMap<string, LedgerRow>,
    putBudget: (budget: ModelBudget) => void budgets.set(budget.id, budget),

    /** Answers how many rows were new. */
    write: (given: readonly LedgerRow[]): number => {
      const fresh = given.filter(({ id }) => !rows.has(id))
      for (const row of fresh) rows.set(row.id, row)
      charge(fresh)
      observer.onChanged?.()
      return fresh.length
    },

    /** What one process of a replica asks. */
    leasesOf: (replica: string, epoch: string) => ({
      grant: (request: GrantRequest): GrantAnswer => {
        const budget = budgets.get(request.budget.id)
        if (!budget) return 'no-budget'
        const start = windowStart(budget.window, request.at)
        if (request.lease && request.lease.windowStart !== start) return 'gone'
        const window = windowOf(budget, start)
        const counted = isRolling(budget.window) ? countedWith(window) : [window]
        const leased = counted.reduce((sum, part) => sum + part.leased, 0n)
        const remainder = budget.limit - leased - counted.reduce((sum, part) => sum + part.spent, 0n)
        const over = remainder < request.least
        const answer = { window: budget.window, windowStart: start, remainder, leased, over }
        if (over && budget.soft !== true) return { ...answer, amount: 0n }
        const chunk = request.exact ? 0n : (over ? budget.limit : remainder) / CHUNK_DIVISOR
        const wished = request.need > chunk ? request.need : chunk
        const amount = over || wished <= remainder ? wished : request.least
        if (request.lease) {
          const lease = leases.get(request.lease.id)
          if (!lease) return 'gone'
          lease.amount += amount
        } else {
          const lease = { id: request.newId, window, start, replica, epoch, amount, heartbeatAt: now(), wanted: false }
          leases.set(lease.id, lease)
        }
        window.leased += amount
        observer.onChanged?.()
        return { ...answer, amount }
      },
      giveBack: (id: string, amount: bigint): boolean => {
        const lease = leases.get(id)
        if (!lease || lease.amount < amount) return false
        lease.amount -= amount
        lease.wanted = false
        lease.window.leased -= amount
        observer.onChanged?.()
        return true
      },
      end: (ids: readonly string[]): void => {
        endWhere(({ id }) => ids.includes(id))
      },
      endOld: (): void => {
        endWhere((lease) => lease.replica === replica && lease.epoch !== epoch)
      },
      endExpired: (): number =>
        endWhere((lease) => {
          if (lease.heartbeatAt >= now() - LEASE_EXPIRY_SECONDS * 1_000) return false
          expired.set(lease.id, now())
          return true
        }),
      heartbeat: (ids: readonly string[], old: boolean): readonly string[] => {
        const mine = [...leases.values()].filter(
          (lease) => lease.replica === replica && (ids.includes(lease.id) || (old && lease.epoch !== epoch)),
        )
        for (const lease of mine) lease.heartbeatAt = now()
        return mine.map(({ id }) => id)
      },
      news: (): readonly LeaseNews[] =>
        [...leases.values()]
          .filter((lease) => lease.replica === replica)
          .map(({ id, wanted, window }) => ({
            id,
            window: window.budget.window,
            wanted: wanted || (window.spent + window.leased > window.budget.limit && window.budget.soft !== true),
          })),
      want: (budgetId: string, start: number): number => {
        let asked = 0
        for (const lease of leases.values()) {
          if (lease.window.budget.id !== budgetId || lease.start !== start) continue
          if (lease.replica === replica || lease.amount <= 0n) continue
          lease.wanted = true
          asked++
        }
        return asked
      },
      unanswered: (budgetId: string, start: number): number =>
        [...leases.values()].filter(
          (lease) =>
            lease.window.budget.id === budgetId &&
            lease.start === start &&
            lease.replica !== replica &&
            lease.wanted &&
            lease.amount > 0n,
        ).length,
    }),
  }
}

/** The model of PostgreSQL. */
export type MoneyStore = ReturnType<typeof createMoneyStore>
