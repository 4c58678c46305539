import { type CallBudget, type Intent, noBudgets } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import {
  beSparing,
  type Desk,
  exceeded,
  isForgettable,
  isHoarded,
  newDesk,
  type Place,
  refuses,
  takeFrom,
  usableLease,
} from './desk.ts'
import { createDeskWork } from './desk-work.ts'
import type { Lease } from './lease.ts'
import { createLeaseUpkeep } from './lease-upkeep.ts'
import type { LeaseStore } from './leases.store.ts'
import { type LedgerRow, noReservations, paidByLease, type Reservation } from './row.ts'

/** Reserves money of budgets from leases; the truth stays in PostgreSQL. */
export interface Leases {
  /**
   * Holds a call's worst case against all its budgets, or against none when one refuses; of budgets that were removed, and
   * where the worst case is nothing, nothing is held. Synchronous when the leases at hand have room.
   * @throws AppError budget_exceeded, price_unknown or database_unavailable
   */
  reserve(intent: Intent): readonly Reservation[] | Promise<readonly Reservation[]>
  /** Undoes the reservations of a call that was not made. */
  cancel(id: string, reservations: readonly Reservation[]): void
  /** The soft budgets of a call that gave beyond their limit. */
  overrun(intent: Intent, reservations: readonly Reservation[]): readonly CallBudget[]
  /** Frees what a settled call did not need. */
  settled(row: LedgerRow): void
  /** The rows are in PostgreSQL, which has taken their cost from the leases. */
  drained(rows: readonly LedgerRow[]): void
  /** Everything an earlier process of this replica settled is in PostgreSQL: its leases go back. */
  endOld(): void
  start(): void
  round(): Promise<void>
  stop(): Promise<void>
  count(): number
}

const MOST_WAITING = 10_000

export interface LeasesOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly log: Log
}

export const createLeases = ({ store, clock, log }: LeasesOptions): Leases => {
  const desks = new Map<string, Desk>()
  const leases = new Map<string, Lease>()
  const old: { state: 'kept' | 'to-return' | 'none' } = { state: 'kept' }

  const retire = (lease: Lease, state: 'ending' | 'gone') => {
    lease.state = state
    const desk = desks.get(lease.budgetId)
    if (desk?.lease === lease) desk.lease = null
    if (state === 'gone') log.warn({ component: 'ledger', id: lease.id }, 'A lease was lost to others')
  }

  const deskOf = (budget: CallBudget): Desk => {
    let desk = desks.get(budget.id)
    if (!desk) desks.set(budget.id, (desk = newDesk(budget)))
    desk.budget = budget
    return desk
  }

  const { enqueue, serve } = createDeskWork({ store, clock, leases, retire })

  const free = ({ leaseId }: Reservation, amount: NanoUsd) => {
    const lease = leases.get(leaseId)
    if (!lease || lease.state !== 'active') return
    lease.free += amount
    const desk = desks.get(lease.budgetId)
    if (desk && desk.queue.size > 0) serve(desk)
  }

  const forget = (id: string, reservations: readonly Reservation[]) => {
    for (const { leaseId } of reservations) leases.get(leaseId)?.calls.delete(id)
  }

  /** From what is at hand beyond what those that wait need; null when one of the budgets has too little of it. */
  const takeAtOnce = (intent: Intent, amount: NanoUsd): readonly Reservation[] | null => {
    for (const budget of intent.budgets) {
      const desk = deskOf(budget)
      const lease = usableLease(desk, clock)
      if (lease === null || lease.free - desk.owed < amount) return null
    }
    const call = { id: intent.id, amount }
    return intent.budgets.map((budget) => takeFrom(deskOf(budget).lease as Lease, budget, call, clock.monotonic()))
  }

  const upkeep = createLeaseUpkeep({
    store,
    clock,
    log,
    leases,
    old,
    retire,
    spare: (budgetId) => {
      const desk = desks.get(budgetId)
      if (desk) beSparing(desk, clock)
    },
    isHoarded: (lease) => {
      const desk = desks.get(lease.budgetId)
      return desk?.lease === lease && isHoarded(desk, clock)
    },
    sweep: () => {
      for (const [id, desk] of desks) if (isForgettable(desk, clock.monotonic())) desks.delete(id)
    },
  })

  return {
    reserve: (intent) => {
      const amount = intent.worstCase
      // Nobody can say what it costs, and only soft budgets ask.
      if (amount === null && intent.budgets.every(({ soft }) => soft)) return noReservations
      if (amount === null) throw new AppError('price_unknown')
      // What costs nothing is free on a spent budget too, and needs no lease.
      if (amount === 0n) return noReservations
      const taken = takeAtOnce(intent, amount)
      if (taken) return taken
      const places = intent.budgets
        .map((budget): Place => ({ desk: deskOf(budget), budget }))
        .filter(({ desk, budget }) => !budget.soft || desk.passingUntil <= clock.monotonic())
      for (const { desk, budget } of places) if (refuses(desk, amount, clock)) throw exceeded(budget)
      if (places.some(({ desk }) => desk.queue.size >= MOST_WAITING))
        throw new AppError('database_unavailable', { retryAfterMs: 1_000 })
      return new Promise((resolve, reject) => {
        enqueue({ id: intent.id, amount, places, resolve, reject })
      })
    },
    cancel: (id, reservations) => {
      forget(id, reservations)
      for (const reservation of reservations) free(reservation, reservation.amount)
    },
    overrun: ({ budgets }, reservations) => {
      const isOver = ({ leaseId }: Reservation) => leases.get(leaseId)?.over === true
      if (!reservations.some(isOver)) return noBudgets
      return budgets.filter(({ id }) => reservations.some((one) => one.budgetId === id && isOver(one)))
    },
    settled: (row) => {
      for (const reservation of row.reservations) free(reservation, reservation.amount - paidByLease(row, reservation))
    },
    drained: (rows) => {
      for (const row of rows) forget(row.id, row.reservations)
    },
    endOld: () => {
      old.state = 'to-return'
    },
    start: upkeep.start,
    round: upkeep.round,
    stop: upkeep.stop,
    count: () => leases.size,
  }
}
