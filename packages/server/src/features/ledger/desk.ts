import type { CallBudget } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { isUsable, type Lease } from './lease.ts'
import type { Reservation } from './row.ts'

/** A call that waits until every one of its budgets has room. It holds nothing meanwhile, so that none waits for another in a circle. */
export interface Ticket {
  readonly id: string
  readonly amount: NanoUsd
  /** Where it waits; less the desks of budgets that were removed. */
  places: readonly Place[]
  readonly resolve: (reservations: readonly Reservation[]) => void
  readonly reject: (cause: unknown) => void
}

/** One budget of a call, and the desk where it is held. */
export interface Place {
  readonly desk: Desk
  readonly budget: CallBudget
}

/** Where the calls of one budget are admitted. */
export interface Desk {
  /** As the call that came last named it. */
  budget: CallBudget
  lease: Lease | null
  readonly queue: Set<Ticket>
  /** What all that wait need together. */
  owed: NanoUsd
  /** What PostgreSQL had left when it was too little for all that wait: no more is asked for. */
  remainder: NanoUsd | null
  working: boolean
  /** No call of at least this amount can be admitted before that time (monotonic), nor before the window's end. */
  refusing: { readonly until: number; readonly windowEnd: number | null; readonly amount: NanoUsd } | null
  /** Until then (monotonic) only what is needed is taken. */
  sparingUntil: number
  /** Until then (monotonic) a soft budget is not asked: PostgreSQL did not answer. */
  passingUntil: number
}

export const newDesk = (budget: CallBudget): Desk => ({
  budget,
  lease: null,
  queue: new Set(),
  owed: 0n,
  remainder: null,
  working: false,
  refusing: null,
  sparingUntil: 0,
  passingUntil: 0,
})

/** What a desk needs of time. */
export type DeskClock = Pick<Clock, 'now' | 'monotonic'>

/** The lease from which calls may be admitted now. */
export const usableLease = (desk: Desk, clock: DeskClock): Lease | null =>
  desk.lease && isUsable(desk.lease, clock.now(), clock.monotonic()) ? desk.lease : null

/** What is at hand for those that wait and those that come. */
export const atHand = (desk: Desk, clock: DeskClock): NanoUsd => usableLease(desk, clock)?.free ?? 0n

/** Whether those that wait need more than is at hand; else they wait for another desk. */
export const isShort = (desk: Desk, clock: DeskClock): boolean => desk.queue.size > 0 && desk.owed > atHand(desk, clock)

/** What to ask for beyond what is at hand: for all that wait, or for those that the remainder suffices for, in the order of coming. */
export const neededBy = ({ queue, owed, remainder }: Desk, free: NanoUsd): NanoUsd => {
  if (remainder === null) return owed - free
  let sum = 0n
  for (const { amount } of queue) if (sum + amount <= free + remainder) sum += amount
  return sum - free
}

/** The least that helps one of those that wait. Who fits into what is at hand waits for another desk. */
export const leastHelp = ({ queue, owed }: Desk, free: NanoUsd): NanoUsd => {
  let least = owed - free
  let smallest = least
  let fits = true
  for (const { amount } of queue) {
    if (amount < smallest) smallest = amount
    if (amount <= free) continue
    fits = false
    if (amount - free < least) least = amount - free
  }
  return fits ? smallest : least
}

const SPARE_FOR_MS = 5_000

/** Somebody is short of this budget: for a while only what is needed is taken, and nothing is kept that is not. */
export const beSparing = (desk: Desk, { monotonic }: DeskClock): void => {
  desk.sparingUntil = monotonic() + SPARE_FOR_MS
}

/** Whether what is at hand helps nobody here, while somebody is short. */
export const isHoarded = ({ lease, queue, sparingUntil }: Desk, { monotonic }: DeskClock): boolean => {
  if (lease === null || lease.free === 0n || sparingUntil <= monotonic()) return false
  for (const { amount } of queue) if (amount <= lease.free) return false
  return true
}

/** Whether it is known that a call of this amount cannot be admitted. */
export const refuses = ({ refusing }: Desk, amount: NanoUsd, clock: DeskClock): boolean =>
  refusing !== null &&
  amount >= refusing.amount &&
  clock.monotonic() < refusing.until &&
  (refusing.windowEnd === null || clock.now() < refusing.windowEnd)

/** Whether nothing of a desk need be remembered. */
export const isForgettable = (
  { lease, queue, working, refusing, sparingUntil, passingUntil }: Desk,
  monotonic: number,
): boolean =>
  lease === null &&
  queue.size === 0 &&
  !working &&
  (refusing === null || refusing.until <= monotonic) &&
  Math.max(sparingUntil, passingUntil) <= monotonic

/** Takes a call's worst case from a lease. */
export const takeFrom = (
  lease: Lease,
  budget: CallBudget,
  { id, amount }: Pick<Ticket, 'id' | 'amount'>,
  monotonic: number,
): Reservation => {
  lease.free -= amount
  lease.calls.add(id)
  lease.usedAt = monotonic
  const { id: budgetId, targets } = budget
  return { budgetId, leaseId: lease.id, windowStart: lease.windowStart, amount, targets }
}

/** The refusal of a call, by the budget that had too little left. */
export const exceeded = ({ level, rule }: CallBudget): AppError => {
  const which = rule === null ? 'of this key' : `${rule.name} (per ${level})`
  return new AppError('budget_exceeded', {
    shouldRetry: false,
    detail: `What is left of the budget ${which} does not cover the worst case of this request.`,
    details: [
      {
        location: 'budget',
        message: `the budget ${which} has too little left`,
        fix: 'Lower max_tokens, wait for the next window, or have the budget raised.',
      },
    ],
    params: { level, ...(rule && { budget: rule.name }) },
  })
}
