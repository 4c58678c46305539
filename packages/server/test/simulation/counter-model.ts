import { CONCURRENCY_RETRY_MS, hasRoom, returnableMs, WINDOW_PARTS } from '../../src/kernel/counters.ts'
import type {
  AgedCorrection,
  Answer,
  AskedRule,
  Found,
  Holding,
  Question,
} from '../../src/kernel/counters.shared-store.ts'

const PRESENCE_MS = 15_000

type Rule = Pick<AskedRule, 'key' | 'limit'>

/**
 * The shared count of limits as Redis and PostgreSQL keep it (`counters.redis-script.ts`, `decide_limits`), on maps, each question
 * at once and whole. `counters.conformance.ts` runs on all of them.
 * @param now milliseconds of the store's own clock.
 */
export const createCounterModel = (now: () => number) => {
  const fullAt = new Map<string, number>()
  /** By bucket, the milliseconds that were ever given back. */
  const given = new Map<string, number>()
  const parts = new Map<string, Map<number, number>>()
  /** By key, until when each holder has its place. */
  const places = new Map<string, Map<string, number>>()
  const replicas = new Map<string, number>()
  /** Since when it counts. */
  let began = now()

  const partOf = (windowMs: number, at: number): number => Math.floor((at * WINDOW_PARTS) / windowMs)

  const windowParts = ({ key, limit }: Rule): Map<number, number> => {
    const found = parts.get(key) ?? new Map<number, number>()
    parts.set(key, found)
    const oldest = partOf(limit.windowMs, now()) - WINDOW_PARTS
    for (const part of found.keys()) if (part < oldest) found.delete(part)
    return found
  }

  const placesOf = (key: string): Map<string, number> => {
    const found = places.get(key) ?? new Map<string, number>()
    places.set(key, found)
    for (const [holder, until] of found) if (until <= now()) found.delete(holder)
    return found
  }

  const usedOf = (rule: Rule): number => {
    const { key, limit } = rule
    if (limit.algorithm === 'token_bucket')
      return Math.min(limit.quota, (Math.max(0, (fullAt.get(key) ?? 0) - now()) * limit.quota) / limit.windowMs)
    if (limit.algorithm === 'concurrency') return placesOf(key).size
    let total = 0
    for (const units of windowParts(rule).values()) total += units
    return total
  }

  const add = (rule: Rule, used: number, change: number, takenAt: number, holder: string, leaseMs: number): void => {
    const { key, limit } = rule
    if (limit.algorithm === 'token_bucket') {
      fullAt.set(key, now() + (Math.max(0, used + change) * limit.windowMs) / limit.quota)
    } else if (limit.algorithm === 'concurrency') {
      if (change > 0) placesOf(key).set(holder, now() + leaseMs)
      else placesOf(key).delete(holder)
    } else {
      const part = partOf(limit.windowMs, change < 0 ? takenAt : now())
      if (part < partOf(limit.windowMs, now()) - WINDOW_PARTS) return
      const found = windowParts(rule)
      found.set(part, Math.max(0, (found.get(part) ?? 0) + change))
    }
  }

  const leaveIn = (rule: Rule, units: number): number => {
    let left = 0
    for (const [part, taken] of [...windowParts(rule)].sort(([one], [other]) => one - other)) {
      left += taken
      if (left > 0 && left + 1e-9 >= units)
        return ((part + WINDOW_PARTS + 1) * rule.limit.windowMs) / WINDOW_PARTS - now()
    }
    return rule.limit.windowMs
  }

  const retryOf = (rule: AskedRule, used: number): number => {
    const { limit, cost } = rule
    if (cost > limit.quota + 1e-4) return Number.POSITIVE_INFINITY
    if (limit.algorithm === 'concurrency') return CONCURRENCY_RETRY_MS
    if (limit.algorithm === 'token_bucket') return ((used + cost - limit.quota) * limit.windowMs) / limit.quota
    return leaveIn(rule, used + cost - limit.quota)
  }

  const resetOf = (rule: AskedRule, used: number): number => {
    if (rule.limit.algorithm === 'token_bucket') return (used * rule.limit.windowMs) / rule.limit.quota
    return rule.limit.algorithm === 'sliding_window' && used > 0 ? leaveIn(rule, used) : 0
  }

  return {
    /** Who has places, by key. */
    holders: (key: string): ReadonlyMap<string, number> => placesOf(key),
    take: ({ rules, holder, leaseMs, heardAt }: Question): Answer => {
      const looked = rules.map((rule) => {
        const used = Math.max(usedOf(rule), began > heardAt ? rule.least : 0)
        return { rule, used, fits: hasRoom(rule.limit, used, rule.cost) }
      })
      const allowed = looked.every(({ rule, fits }) => fits || rule.shadow === true)
      const found = looked.map(({ rule, used, fits }): Found => {
        const retryAfterMs = fits ? 0 : retryOf(rule, used)
        const givenMs = given.get(rule.key) ?? 0
        if (!allowed || !fits) return { used, resetMs: resetOf(rule, used), retryAfterMs, givenMs }
        add(rule, used, rule.cost, now(), holder, leaseMs)
        return { used: used + rule.cost, resetMs: resetOf(rule, used + rule.cost), retryAfterMs, givenMs }
      })
      return { allowed, found, at: now(), isEmptied: heardAt > 0 && began > heardAt }
    },
    correct: (corrections: readonly AgedCorrection[]): void => {
      for (const { holder, ageMs, change, taken, bucket, ...rule } of corrections) {
        const { algorithm, quota, windowMs } = rule.limit
        const takenAt = taken.store ?? now() - ageMs
        if (change < 0 && algorithm !== 'concurrency' && takenAt < began) continue
        if (algorithm === 'token_bucket') {
          const givenMs = given.get(rule.key) ?? 0
          const most = bucket === undefined ? Number.POSITIVE_INFINITY : returnableMs(bucket, now() - takenAt, givenMs)
          add(rule, usedOf(rule), Math.max(change, (-most * quota) / windowMs), takenAt, holder, 0)
          given.set(rule.key, givenMs - (Math.min(0, change) * windowMs) / quota)
        } else add(rule, 0, change, takenAt, holder, 0)
      }
    },
    renew: (holdings: readonly Holding[], leaseMs: number): void => {
      for (const { key, holder } of holdings) placesOf(key).set(holder, now() + leaseMs)
    },
    present: (replica: string): number => {
      replicas.set(replica, now())
      for (const [name, seenAt] of replicas) if (seenAt < now() - PRESENCE_MS) replicas.delete(name)
      return replicas.size
    },
    leave: (replica: string): void => void replicas.delete(replica),
    /** FLUSHALL. */
    flush: (): void => {
      for (const kept of [fullAt, given, parts, places, replicas]) kept.clear()
      began = now()
    },
  }
}

/** The model of the shared count. */
export type CounterModel = ReturnType<typeof createCounterModel>
