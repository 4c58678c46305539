import { CONCURRENCY_RETRY_MS, hasRoom, remainingOf } from './counters.ts'
import type { Tally } from './tally.ts'

/** What is under way now; a key with nothing under way is forgotten. */
export const createConcurrencyTally = (): Tally => {
  const underWay = new Map<string, number>()
  const used = (key: string): number => underWay.get(key) ?? 0
  return {
    fits: (key, limit, cost) => hasRoom(limit, used(key), cost),
    add: (key, _limit, change) => {
      const now = used(key) + change
      if (now > 0) underWay.set(key, now)
      else underWay.delete(key)
    },
    standing: (key, limit, _now, refused) => ({
      remaining: remainingOf(limit, used(key)),
      resetMs: 0,
      retryAfterMs: refused === 0 ? 0 : refused > limit.quota ? Number.POSITIVE_INFINITY : CONCURRENCY_RETRY_MS,
    }),
    used,
    // What others hold cannot be given back here; only the own calls are known.
    note: () => {},
  }
}
