/** What a budget is renewed by, in UTC; `total` never. */
export type BudgetWindow = 'total' | 'hour' | 'day' | 'month'

/** Begin of the window that holds `at`, milliseconds since the epoch; a window with no begin starts at 0. */
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
  }
}

/** When the window that begins at `start` is over; null when it never is. */
export const windowEnd = (window: BudgetWindow, start: number): number | null => {
  const date = new Date(start)
  switch (window) {
    case 'total':
      return null
    case 'hour':
      return start + 3_600_000
    case 'day':
      return start + 86_400_000
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
  }
}
