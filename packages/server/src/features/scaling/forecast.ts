const HOUR_MS = 3_600_000
const WEEK_HOURS = 168
const STEP_MS = 5 * 60_000
/** A day that is unlike the weeks before bends the forecast no further than this. */
const MOST_BEND = 4

/** Mean calls per minute by the hour of the week, from a Sunday's midnight in UTC; null where nothing is known. */
export interface Season {
  readonly perMinute: readonly (number | null)[]
  /** Weeks that it was made of. */
  readonly weeks: number
}

const hourOfWeek = (at: number): number => {
  const date = new Date(at)
  return date.getUTCDay() * 24 + date.getUTCHours()
}

/**
 * Sums hours up to a season. `since`: when counting began, so that an hour without a call counts as none and one before counts not at
 * all; `until`: the end, which is excluded.
 */
export const seasonOf = (
  hours: readonly { readonly at: number; readonly calls: number }[],
  since: number,
  until: number,
): Season => {
  const sums = new Array<number>(WEEK_HOURS).fill(0)
  const counted = new Array<number>(WEEK_HOURS).fill(0)
  const calls = new Map(hours.map((hour) => [hour.at, hour.calls]))
  for (let at = Math.ceil(since / HOUR_MS) * HOUR_MS; at + HOUR_MS <= until; at += HOUR_MS) {
    const slot = hourOfWeek(at)
    sums[slot] = (sums[slot] as number) + (calls.get(at) ?? 0)
    counted[slot] = (counted[slot] as number) + 1
  }
  return {
    perMinute: sums.map((sum, slot) => {
      const times = counted[slot] as number
      return times === 0 ? null : sum / times / 60
    }),
    weeks: Math.max(...counted),
  }
}

/** Calls per minute at a time, between the middles of two hours; null where one of them is not known. */
const seasonAt = ({ perMinute }: Season, at: number): number | null => {
  const middle = at - HOUR_MS / 2
  const part = (middle % HOUR_MS) / HOUR_MS
  const before = perMinute[hourOfWeek(middle)] ?? null
  const after = perMinute[hourOfWeek(middle + HOUR_MS)] ?? null
  return before === null || after === null ? null : before + part * (after - before)
}

/**
 * The most calls per minute within `minutes` from `now`: what the same hours of earlier weeks had, bent by how today compares with them;
 * what is now, where nothing is known of those weeks.
 */
export const forecast = (season: Season, now: number, callsPerMinute: number, minutes: number): number => {
  const usual = seasonAt(season, now)
  const bend =
    usual === null || usual === 0 || callsPerMinute === 0
      ? 1
      : Math.min(MOST_BEND, Math.max(1 / MOST_BEND, callsPerMinute / usual))
  let most = callsPerMinute
  for (let at = now; at <= now + minutes * 60_000; at += STEP_MS) {
    const then = seasonAt(season, at)
    if (then !== null) most = Math.max(most, then * bend)
  }
  return most
}
