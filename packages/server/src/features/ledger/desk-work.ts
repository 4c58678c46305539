import type { NanoUsd } from '../../domain/money.ts'
import type { Clock } from '../../kernel/clock.ts'
import { prefixedId } from '../../kernel/ids.ts'
import {
  atHand,
  beSparing,
  type Desk,
  exceeded,
  isShort,
  leastHelp,
  neededBy,
  takeFrom,
  type Ticket,
  usableLease,
} from './desk.ts'
import { type Lease, newLease } from './lease.ts'
import { asUnavailable, type Grant, isUnknown, type LeaseStore } from './leases.store.ts'
import type { Reservation } from './row.ts'
import { windowEnd } from './windows.ts'

/** Gets money for those that wait at desks, and admits or refuses them. */
export interface DeskWork {
  /** Puts a call in the queues of all its budgets. */
  enqueue(ticket: Ticket): void
  /** Admits who finds room at all its desks, in the order of coming. */
  serve(desk: Desk): void
  /** Begins to get money where those that wait are short of it. */
  wake(desk: Desk): void
}

export interface DeskWorkOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly leases: Map<string, Lease>
  /** The lease takes no more calls. */
  readonly retire: (lease: Lease, state: 'ending' | 'gone') => void
}

const LONGEST_WAIT_MS = 1_000
const ASK_EVERY_MS = 50
const REFUSE_FOR_MS = 200
const PASS_FOR_MS = 1_000

const hasMoved = (before: Grant, after: Grant): boolean =>
  before.windowStart !== after.windowStart || before.remainder !== after.remainder || before.leased !== after.leased

export const createDeskWork = ({ store, clock, leases, retire }: DeskWorkOptions): DeskWork => {
  const leave = (ticket: Ticket) => {
    for (const { desk } of ticket.places) if (desk.queue.delete(ticket)) desk.owed -= ticket.amount
  }

  const reject = (ticket: Ticket, cause: unknown) => {
    leave(ticket)
    ticket.reject(cause)
  }

  /** All budgets in one step: a call that one of them refuses has taken nothing of the others. */
  const admit = (ticket: Ticket): boolean => {
    for (const { desk } of ticket.places) if (atHand(desk, clock) < ticket.amount) return false
    const reservations: Reservation[] = []
    for (const { desk, budget } of ticket.places)
      reservations.push(takeFrom(desk.lease as Lease, budget, ticket, clock.monotonic()))
    leave(ticket)
    ticket.resolve(reservations)
    return true
  }

  const serve = (desk: Desk) => {
    if (atHand(desk, clock) === 0n) return
    for (const ticket of desk.queue) if (!admit(ticket)) for (const place of ticket.places) wake(place.desk)
  }

  const refuse = (desk: Desk, asked: ReadonlySet<Ticket>, limit: NanoUsd, { window, windowStart }: Grant) => {
    const refused = [...desk.queue].filter((ticket) => asked.has(ticket) && ticket.amount > limit)
    const [first] = refused
    if (first === undefined) return
    const amount = refused.reduce((least, ticket) => (ticket.amount < least ? ticket.amount : least), first.amount)
    desk.refusing = { until: clock.monotonic() + REFUSE_FOR_MS, windowEnd: windowEnd(window, windowStart), amount }
    for (const ticket of refused) reject(ticket, exceeded(desk.budget))
  }

  /** The budget was removed, or is soft and cannot be asked: it holds nobody up. */
  const dissolve = (desk: Desk) => {
    for (const ticket of desk.queue) {
      leave(ticket)
      ticket.places = ticket.places.filter((place) => place.desk !== desk)
      enqueue(ticket)
    }
  }

  /** Asks PostgreSQL for what the queue needs. Answers what it said when it gave nothing. */
  const acquire = async (desk: Desk): Promise<Grant | null> => {
    if (desk.lease && !usableLease(desk, clock)) retire(desk.lease, 'ending')
    // Whoever waited has left meanwhile: a lease of nothing would be nobody's.
    if (!isShort(desk, clock)) return null
    const lease = desk.lease
    const free = lease?.free ?? 0n
    const newId = prefixedId('lea', clock.now())
    const askedAt = clock.monotonic()
    const least = leastHelp(desk, free)
    const wished = neededBy(desk, free)
    const need = wished > least ? wished : least
    const answer = await store
      .grant({
        budget: desk.budget,
        at: Math.max(clock.now(), lease?.windowStart ?? 0),
        lease,
        newId,
        need,
        least,
        exact: askedAt < desk.sparingUntil || desk.remainder !== null,
      })
      .catch((cause) => {
        if (isUnknown(cause)) {
          // Whatever was kept is returned with the lease.
          const doubtful = lease ?? newLease(newId, desk.budget.id, 'total', 0, askedAt)
          leases.set(doubtful.id, doubtful)
          retire(doubtful, 'ending')
        }
        throw cause
      })
    if (answer === 'no-budget') {
      dissolve(desk)
      return null
    }
    if (answer === 'gone') {
      if (lease) retire(lease, 'ending')
      return null
    }
    desk.remainder = answer.amount < need && answer.amount > 0n ? answer.remainder - answer.amount : null
    if (answer.amount === 0n) return answer
    let holder = lease
    if (!holder) {
      holder = newLease(newId, desk.budget.id, answer.window, answer.windowStart, askedAt)
      leases.set(holder.id, holder)
      desk.lease = holder
    }
    // A lease that was retired while PostgreSQL answered returns this money too.
    if (holder.state === 'active') holder.free += answer.amount
    holder.over = answer.over
    return null
  }

  const pause = (milliseconds: number) => new Promise<void>((resolve) => void clock.after(milliseconds, resolve))

  /**
   * Nothing is left for some: asks the other replicas for what lies idle, waits a little, and refuses whom it does not reach.
   * While money moves, others may have taken what was given back and need it no longer: then they are asked again.
   */
  const negotiate = async (desk: Desk, first: Grant) => {
    const asked = new Set(desk.queue)
    const { id } = desk.budget
    let latest = first
    beSparing(desk, clock)
    refuse(desk, asked, atHand(desk, clock) + first.remainder + first.leased, first)
    let others = await store.want(id, first.windowStart)
    const expired = await store.endExpired()
    const deadline = clock.monotonic() + LONGEST_WAIT_MS
    while (isShort(desk, clock)) {
      const answered = others === 0 || (await store.unanswered(id, latest.windowStart)) === 0
      const late = clock.monotonic() >= deadline
      if (answered || late || expired > 0) {
        const grant = await acquire(desk)
        serve(desk)
        if (grant && answered && !late && hasMoved(latest, grant)) {
          latest = grant
          others = await store.want(id, latest.windowStart)
        } else if (answered || late) {
          // Who fits into what is at hand waits for another desk, and is decided there.
          if (grant || late) refuse(desk, asked, atHand(desk, clock), grant ?? latest)
          break
        }
      }
      await pause(ASK_EVERY_MS)
      serve(desk)
    }
  }

  const work = async (desk: Desk) => {
    let doubts = 0
    while (isShort(desk, clock)) {
      try {
        const denied = await acquire(desk)
        serve(desk)
        if (!denied || !isShort(desk, clock)) continue
        await negotiate(desk, denied)
        // Whoever is left fits, but not all of them together: another desk decides who goes.
        const left = atHand(desk, clock)
        if ([...desk.queue].every(({ amount }) => amount <= left)) await pause(ASK_EVERY_MS)
      } catch (cause) {
        if (isUnknown(cause) && doubts++ === 0) continue
        if (desk.budget.soft) {
          desk.passingUntil = clock.monotonic() + PASS_FOR_MS
          dissolve(desk)
        }
        for (const ticket of desk.queue) reject(ticket, asUnavailable(cause))
      }
    }
  }

  const wake = (desk: Desk) => {
    if (desk.working || !isShort(desk, clock)) return
    desk.working = true
    void work(desk).finally(() => {
      desk.working = false
      wake(desk)
    })
  }

  const enqueue = (ticket: Ticket) => {
    if (admit(ticket)) return
    for (const { desk } of ticket.places) {
      desk.queue.add(ticket)
      desk.owed += ticket.amount
    }
    for (const { desk } of ticket.places) wake(desk)
  }

  return { enqueue, serve, wake }
}
