import type { BudgetWindow, CalendarWindow } from '../../domain/hold.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/**
 * A rolling window is counted in parts, each a row like a calendar window: what was spent in a part comes back when the
 * whole of it is older than the window, so that no window of its length ever holds more than the limit.
 */
const rolling = {
  'rolling-hour': { lengthMs: HOUR_MS, partMs: MINUTE_MS },
  'rolling-day': { lengthMs: DAY_MS, partMs: 30 * MINUTE_MS },
  'rolling-month': { lengthMs: 30 * DAY_MS, partMs: 12 * HOUR_MS },
} as const

/** All kinds of windows. */
export const budgetWindows: readonly BudgetWindow[] = [
  'total',
  'hour',
  'day',
  'month',
  'rolling-hour',
  'rolling-day',
  'rolling-month',
]

/** Whether a window has no fixed begin. */
export const isRolling = (window: BudgetWindow): window is Exclude<BudgetWindow, CalendarWindow> => window in rolling

/** Begin of the window, or the part of a rolling one, that holds `at`, milliseconds since the epoch; 0 where there is none. */
export const windowStart = (window: BudgetWindow, at: number): number => {
  const date = new Date(at)
  switch (window) {
    case 'total':
      return 0
    case 'hour':
      return date.setUTCMinutes(0, 0, 0)
    case 'day':
      return date.setUTCHours(0, 0, 0, 0)
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
    default:
      return at - (at % rolling[window].partMs)
  }
}

/** When the window, or the part of a rolling one, that begins at `start` is over; null when it never is. */
export const windowEnd = (window: BudgetWindow, start: number): number | null => {
  const date = new Date(start)
  switch (window) {
    case 'total':
      return null
    case 'hour':
      return start + HOUR_MS
    case 'day':
      return start + DAY_MS
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
    default:
      return start + rolling[window].partMs
  }
}

/** Begin of the earliest window whose money still counts in the one that begins at `start`: itself, unless it rolls. */
export const countedFrom = (window: BudgetWindow, start: number): number =>
  isRolling(window) ? start - rolling[window].lengthMs : start

/** Begin of what thresholds are told once in: the window, or of a rolling one the stretch of its length, counted from the epoch. */
export const stretchStart = (window: BudgetWindow, at: number): number =>
  isRolling(window) ? at - (at % rolling[window].lengthMs) : windowStart(window, at)

/** When what was spent in the window or part that begins at `start` counts no more; null: never. */
export const comesBackAt = (window: BudgetWindow, start: number): number | null => {
  const end = windowEnd(window, start)
  return end !== null && isRolling(window) ? end + rolling[window].lengthMs : end
}
