import type { BudgetWindow } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import { windowEnd } from './windows.ts'

/** A replica that could not say for so long that it lives stops using its leases, before others may take them. */
export const FENCE_AFTER_MS = 45_000

/** Money of one budget's window that this process may reserve from by itself. */
export interface Lease {
  readonly id: string
  readonly budgetId: string
  readonly window: BudgetWindow
  readonly windowStart: number
  readonly windowEnd: number | null
  /** What no call holds. */
  free: NanoUsd
  /** Calls that reserved here and whose rows are not in PostgreSQL yet. */
  readonly calls: Set<string>
  /** Monotonic milliseconds of the last sign from PostgreSQL that the lease is ours. */
  confirmedAt: number
  usedAt: number
  /** A soft budget gave its last money beyond its limit. */
  over: boolean
  /** `ending`: takes no call and is returned when its last row is written; `gone`: others have returned it. */
  state: 'active' | 'ending' | 'gone'
}

export const newLease = (
  id: string,
  budgetId: string,
  window: BudgetWindow,
  windowStart: number,
  monotonic: number,
): Lease => ({
  id,
  budgetId,
  window,
  windowStart,
  windowEnd: windowEnd(window, windowStart),
  free: 0n,
  calls: new Set(),
  confirmedAt: monotonic,
  usedAt: monotonic,
  over: false,
  state: 'active',
})

/** Whether a call may be admitted from a lease now. */
export const isUsable = (lease: Lease, now: number, monotonic: number): boolean =>
  lease.state === 'active' &&
  monotonic - lease.confirmedAt <= FENCE_AFTER_MS &&
  (lease.windowEnd === null || now < lease.windowEnd)
