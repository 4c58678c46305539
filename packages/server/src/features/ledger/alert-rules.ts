import type { BudgetAlertKind } from '../../domain/budget-alert.ts'
import type { BudgetWindow } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import { isRolling, windowEnd, windowStart } from './windows.ts'

/** How an account stands. */
export interface Standing {
  readonly window: BudgetWindow
  readonly limit: NanoUsd
  /** In the present window. */
  readonly spent: NanoUsd
}

const shares = [
  ['50', 50n],
  ['80', 80n],
  ['100', 100n],
] as const

/** A shorter part of a window says too little of the rest. */
const LEAST_PART = 0.1

/**
 * What a calendar window will have spent at its end when it goes on as it began: spent × length / elapsed. Null while less
 * than a tenth of it is over, and of windows without a begin.
 */
export const forecastOf = ({ window, spent }: Standing, now: number): NanoUsd | null => {
  const start = windowStart(window, now)
  const end = isRolling(window) ? null : windowEnd(window, start)
  if (end === null) return null
  const elapsed = now - start
  const length = end - start
  return elapsed < length * LEAST_PART ? null : (spent * BigInt(length)) / BigInt(elapsed)
}

/** The thresholds that an account has reached, whoever was told before. */
export const reachedBy = (standing: Standing, now: number): BudgetAlertKind[] => {
  const { limit, spent } = standing
  if (limit <= 0n || spent <= 0n) return []
  const reached: BudgetAlertKind[] = shares.filter(([, share]) => spent * 100n >= limit * share).map(([kind]) => kind)
  const forecast = forecastOf(standing, now)
  if (forecast !== null && forecast > limit && spent < limit) reached.push('forecast')
  return reached
}
