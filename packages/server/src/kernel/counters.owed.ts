import type { Clock } from './clock.ts'
import type { Correction, CounterRule, Standing } from './counters.ts'

/** Most windows that are remembered; beyond them the one known longest is forgotten. */
const MOST_OWED = 50_000

/** What sliding windows gave away here while the shared store was away: the store is told when it is back. */
export const createOwedWindows = (clock: Clock) => {
  // In the order of time.
  const owed = new Map<string, Correction>()
  return {
    /** Notes what an allowed decision took. */
    note: (rules: readonly CounterRule[], standings: readonly Standing[]): void => {
      const takenAt = clock.monotonic()
      rules.forEach(({ key, limit, cost }, index) => {
        if (limit.algorithm !== 'sliding_window' || standings[index]?.retryAfterMs !== 0) return
        const change = cost + (owed.get(key)?.change ?? 0)
        owed.delete(key)
        if (owed.size >= MOST_OWED) owed.delete(owed.keys().next().value as string)
        owed.set(key, { key, limit, change, takenAt })
      })
    },
    /** Corrects what is owed; a give-back alone is owed, too. */
    correct: ({ key, limit, change, takenAt }: Correction): void => {
      const before = owed.get(key)
      const whole = change + (before?.change ?? 0)
      owed.delete(key)
      if (whole === 0) return
      if (owed.size >= MOST_OWED) owed.delete(owed.keys().next().value as string)
      // What is taken counts from the later time, what is given back from the earlier: neither lets more through.
      const times = [takenAt, before?.takenAt ?? takenAt]
      owed.set(key, { key, limit, change: whole, takenAt: whole > 0 ? Math.max(...times) : Math.min(...times) })
    },
    /** Forgets what has left its window. */
    tidy: (): void => {
      const now = clock.monotonic()
      for (const [key, { limit, takenAt }] of owed) if (takenAt + limit.windowMs < now) owed.delete(key)
    },
    /** Hands everything over. */
    takeAll: (): Correction[] => {
      const all = [...owed.values()]
      owed.clear()
      return all
    },
  }
}
