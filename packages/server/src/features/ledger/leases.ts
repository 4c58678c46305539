import type { Intent } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { isUsable, type Lease, newLease } from './lease.ts'
import { createLeaseUpkeep } from './lease-upkeep.ts'
import { asUnavailable, type Grant, isUnknown, type LeaseStore } from './leases.store.ts'
import { type LedgerRow, paidByLease, type Reservation } from './row.ts'
import { windowEnd } from './windows.ts'

/** Reserves money of budgets from leases; the truth stays in PostgreSQL. */
export interface Leases {
  /**
   * Holds a call's worst case; null when that is nothing, or the budget was removed. Synchronous when the lease at hand
   * has room.
   * @throws AppError budget_exceeded, price_unknown or database_unavailable
   */
  reserve(intent: Intent, budgetId: string): Reservation | null | Promise<Reservation | null>
  /** Undoes a reservation whose call was not made. */
  cancel(id: string, reservation: Reservation): void
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

interface Waiting {
  readonly id: string
  readonly amount: NanoUsd
  readonly resolve: (reservation: Reservation | null) => void
  readonly reject: (cause: unknown) => void
}

/** Where the calls of one budget are admitted, one after the other. */
interface Desk {
  readonly budgetId: string
  lease: Lease | null
  queue: Waiting[]
  working: boolean
  /** No call of at least this amount can be admitted before that time (monotonic), nor before the window's end. */
  refusing: { readonly until: number; readonly windowEnd: number | null; readonly amount: NanoUsd } | null
  /** Until then (monotonic) only what is needed is taken. */
  sparingUntil: number
}

const LONGEST_WAIT_MS = 1_000
const ASK_EVERY_MS = 50
const REFUSE_FOR_MS = 200
const SPARE_FOR_MS = 5_000
const MOST_WAITING = 10_000

const exceeded = () =>
  new AppError('budget_exceeded', {
    shouldRetry: false,
    detail: 'What is left of the budget of this key does not cover the worst case of this request.',
  })

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

  const deskOf = (budgetId: string): Desk => {
    let desk = desks.get(budgetId)
    if (!desk) {
      desk = { budgetId, lease: null, queue: [], working: false, refusing: null, sparingUntil: 0 }
      desks.set(budgetId, desk)
    }
    return desk
  }

  const usable = (desk: Desk): Lease | null =>
    desk.lease && isUsable(desk.lease, clock.now(), clock.monotonic()) ? desk.lease : null

  const refuses = ({ refusing }: Desk, amount: NanoUsd): boolean =>
    refusing !== null &&
    amount >= refusing.amount &&
    clock.monotonic() < refusing.until &&
    (refusing.windowEnd === null || clock.now() < refusing.windowEnd)

  const take = (lease: Lease, id: string, amount: NanoUsd): Reservation => {
    lease.free -= amount
    lease.calls.add(id)
    lease.usedAt = clock.monotonic()
    return { leaseId: lease.id, windowStart: lease.windowStart, amount }
  }

  /** Admits who fits into what is at hand, in the order of coming. */
  const serve = (desk: Desk) => {
    const lease = usable(desk)
    if (!lease) return
    desk.queue = desk.queue.filter((waiting) => {
      if (waiting.amount > lease.free) return true
      waiting.resolve(take(lease, waiting.id, waiting.amount))
      return false
    })
  }

  const refuse = (desk: Desk, refused: ReadonlySet<Waiting>, { window, windowStart }: Grant) => {
    const left = desk.queue.filter((waiting) => refused.has(waiting))
    desk.queue = desk.queue.filter((waiting) => !refused.has(waiting))
    if (left.length === 0) return
    const amount = left.reduce((least, waiting) => (waiting.amount < least ? waiting.amount : least), left[0]!.amount)
    desk.refusing = { until: clock.monotonic() + REFUSE_FOR_MS, windowEnd: windowEnd(window, windowStart), amount }
    for (const waiting of left) waiting.reject(exceeded())
  }

  /** Asks PostgreSQL for what the queue needs. True when something changed and the queue is worth another look. */
  const acquire = async (desk: Desk): Promise<Grant | null> => {
    if (desk.lease && !usable(desk)) retire(desk.lease, 'ending')
    const lease = desk.lease
    const free = lease?.free ?? 0n
    const newId = prefixedId('lea', clock.now())
    const askedAt = clock.monotonic()
    let need = -free
    let least = desk.queue[0]!.amount
    for (const { amount } of desk.queue) {
      need += amount
      if (amount < least) least = amount
    }
    const answer = await store
      .grant({
        budgetId: desk.budgetId,
        at: Math.max(clock.now(), lease?.windowStart ?? 0),
        lease,
        newId,
        need,
        least: least - free,
        exact: askedAt < desk.sparingUntil,
      })
      .catch((cause) => {
        if (isUnknown(cause)) {
          // Whatever was kept is returned with the lease.
          const doubtful = lease ?? newLease(newId, desk.budgetId, 'total', 0, askedAt)
          leases.set(doubtful.id, doubtful)
          retire(doubtful, 'ending')
        }
        throw cause
      })
    if (answer === 'no-budget') {
      for (const waiting of desk.queue.splice(0)) waiting.resolve(null)
      return null
    }
    if (answer === 'gone') {
      if (lease) retire(lease, 'ending')
      return null
    }
    if (answer.amount === 0n) return answer
    let holder = lease
    if (!holder) {
      holder = newLease(newId, desk.budgetId, answer.window, answer.windowStart, askedAt)
      leases.set(holder.id, holder)
      desk.lease = holder
    }
    // A lease that was retired while PostgreSQL answered returns this money too.
    if (holder.state === 'active') holder.free += answer.amount
    return null
  }

  const pause = (milliseconds: number) => new Promise<void>((resolve) => void clock.after(milliseconds, resolve))

  /** Nothing is left for some: asks the other replicas for what lies idle, waits a little, and refuses whom it does not reach. */
  const negotiate = async (desk: Desk, first: Grant) => {
    const asked = new Set(desk.queue)
    const reachable = (grant: Grant) => (desk.lease?.free ?? 0n) + grant.remainder + grant.leased
    refuse(desk, new Set([...asked].filter((waiting) => waiting.amount > reachable(first))), first)
    const others = await store.want(desk.budgetId, first.windowStart)
    const expired = await store.endExpired()
    const deadline = clock.monotonic() + LONGEST_WAIT_MS
    while (desk.queue.some((waiting) => asked.has(waiting))) {
      const answered = others === 0 || (await store.unanswered(desk.budgetId, first.windowStart)) === 0
      const late = clock.monotonic() >= deadline
      if (answered || late || expired > 0) {
        const grant = await acquire(desk)
        serve(desk)
        if (answered || late) {
          if (grant || late) refuse(desk, asked, grant ?? first)
          return
        }
      }
      await pause(ASK_EVERY_MS)
      serve(desk)
    }
  }

  const work = async (desk: Desk) => {
    let doubts = 0
    while (desk.queue.length > 0) {
      try {
        serve(desk)
        if (desk.queue.length === 0) return
        const denied = await acquire(desk)
        serve(desk)
        if (denied && desk.queue.length > 0) await negotiate(desk, denied)
      } catch (cause) {
        if (isUnknown(cause) && doubts++ === 0) continue
        for (const waiting of desk.queue.splice(0)) waiting.reject(asUnavailable(cause))
      }
    }
  }

  const startWork = (desk: Desk) => {
    if (desk.working) return
    desk.working = true
    void work(desk).finally(() => {
      desk.working = false
      if (desk.queue.length > 0) startWork(desk)
    })
  }

  const free = (reservation: Reservation, amount: NanoUsd) => {
    const lease = leases.get(reservation.leaseId)
    if (!lease || lease.state !== 'active') return
    lease.free += amount
    const desk = desks.get(lease.budgetId)
    if (desk && desk.queue.length > 0) serve(desk)
  }

  const forget = (id: string, reservation: Reservation) => {
    leases.get(reservation.leaseId)?.calls.delete(id)
  }

  const upkeep = createLeaseUpkeep({
    store,
    clock,
    log,
    leases,
    old,
    retire,
    spare: (budgetId) => {
      deskOf(budgetId).sparingUntil = clock.monotonic() + SPARE_FOR_MS
    },
  })

  return {
    reserve: (intent, budgetId) => {
      const amount = intent.worstCase
      if (amount === null) throw new AppError('price_unknown')
      // What costs nothing is free on a spent budget too, and needs no lease.
      if (amount === 0n) return null
      const desk = deskOf(budgetId)
      const lease = desk.queue.length === 0 ? usable(desk) : null
      if (lease && lease.free >= amount) return take(lease, intent.id, amount)
      if (refuses(desk, amount)) throw exceeded()
      if (desk.queue.length >= MOST_WAITING) throw new AppError('database_unavailable', { retryAfterMs: 1_000 })
      return new Promise((resolve, reject) => {
        desk.queue.push({ id: intent.id, amount, resolve, reject })
        startWork(desk)
      })
    },
    cancel: (id, reservation) => {
      forget(id, reservation)
      free(reservation, reservation.amount)
    },
    settled: (row) => {
      const { reservation } = row
      if (reservation) free(reservation, reservation.amount - paidByLease(row))
    },
    drained: (rows) => {
      for (const row of rows) if (row.reservation) forget(row.id, row.reservation)
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
