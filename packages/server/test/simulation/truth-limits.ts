import { type CounterRule, type Limit, shareOf } from '../../src/kernel/counters.ts'
import type { Settings } from './settings.ts'
import type { World } from './stage.ts'

/** One admission, as one limit has to see it. */
interface Admission {
  readonly at: number
  /** Units in the end: a correction is known by then. */
  cost: number
  /** null: the shared count decided; else the process that decided by itself, and for how many replicas it took the house. */
  readonly process: string | null
  readonly peers: number
  endedAt: number
}

/** What one limit let through. */
interface Watched {
  readonly name: string
  readonly limit: Limit
  readonly admissions: Admission[]
}

/** Rounding of floats, and of the least that a limit gives. */
const SLACK = 1e-3

/** The most of something, and when. */
type Peak = readonly [most: number, at: number]

/** Most units that any stretch of time as long as the window holds. */
const mostInWindow = (limit: Limit, admissions: readonly Admission[]): Peak => {
  let first = 0
  let units = 0
  let peak: Peak = [0, 0]
  for (const { at, cost } of admissions) {
    units += cost
    while ((admissions[first] as Admission).at <= at - limit.windowMs) units -= (admissions[first++] as Admission).cost
    if (units > peak[0]) peak = [units, at]
  }
  return peak
}

/** How much the fullest a bucket of the limit's speed would have to hold. */
const mostInBucket = (limit: Limit, admissions: readonly Admission[]): Peak => {
  let level = 0
  let at = 0
  let peak: Peak = [0, 0]
  for (const { at: next, cost } of admissions) {
    level = Math.max(0, level - ((next - at) * limit.quota) / limit.windowMs) + cost
    at = next
    if (level > peak[0]) peak = [level, at]
  }
  return peak
}

/** Most that was under way at once. */
const mostAtOnce = (admissions: readonly Admission[]): Peak => {
  const moves = admissions.flatMap(({ at, endedAt, cost }) => [
    { at, change: cost },
    { at: endedAt, change: -cost },
  ])
  let underWay = 0
  let peak: Peak = [0, 0]
  for (const { at, change } of moves.sort((one, other) => one.at - other.at || one.change - other.change)) {
    underWay += change
    if (underWay > peak[0]) peak = [underWay, at]
  }
  return peak
}

const mostOf = (limit: Limit, admissions: readonly Admission[]): Peak => {
  if (limit.algorithm === 'sliding_window') return mostInWindow(limit, admissions)
  return limit.algorithm === 'token_bucket' ? mostInBucket(limit, admissions) : mostAtOnce(admissions)
}

/**
 * What limits let through, judged without the counters' help: what the shared count decided must keep within the limit, and what a
 * process decided alone, while the count was away, within its share. A count that was emptied begins anew.
 */
export const watchLimits = (world: World, settings: Settings) => {
  const watched = new Map<string, Watched>()
  const grantedAt = new Map<string, number>()
  const emptiedAt: number[] = []
  const open = new Map<string, readonly { key: string; admission: Admission }[]>()

  const watchedOf = (name: string, limit: Limit): Watched => {
    const found = watched.get(name) ?? { name, limit, admissions: [] }
    watched.set(name, found)
    return found
  }

  const check = ({ name, limit }: Watched, who: string, admissions: readonly Admission[], quota: Limit): void => {
    const sorted = [...admissions].sort((one, other) => one.at - other.at)
    const [most, at] = mostOf(quota, sorted)
    const text = `${name} let ${most} through until ${at}, ${quota.quota} of ${limit.quota} may, decided by ${who}`
    if (most > quota.quota + SLACK) world.breach('no limit is passed', text)
  }

  return {
    /** The shared count let a call through. */
    granted: (id: string) => void grantedAt.set(id, world.time()),
    emptied: () => void emptiedAt.push(world.time()),
    wasGranted: (id: string) => grantedAt.has(id),
    /** Counters let a call through; `process` decided alone if the shared count did not. */
    decided: (id: string, rules: readonly CounterRule[], process: string, peers: number): void => {
      const at = grantedAt.get(id)
      const noted = rules.map(({ key, limit, cost }) => {
        const decider = at === undefined ? process : null
        const admission = { at: at ?? world.time(), cost, process: decider, peers, endedAt: Number.POSITIVE_INFINITY }
        watchedOf(key, limit).admissions.push(admission)
        return { key, admission }
      })
      open.set(id, noted)
      const decider = at === undefined ? `${process} alone, of ${peers}` : 'the shared count'
      world.note(`${id.slice(-6)} let through by ${decider}: ${rules.map(({ key }) => key).join(' ')}`)
    },
    /** The call is over, or was not made, and used so many tokens. */
    ended: (id: string, tokens: number): void => {
      for (const { key, admission } of open.get(id) ?? []) {
        admission.endedAt = world.time()
        if (key.startsWith('policy:tokens')) admission.cost = tokens
      }
      open.delete(id)
    },
    judge: (): void => {
      for (const one of watched.values()) {
        const byDecider = Map.groupBy(one.admissions, ({ process }) => process)
        for (const [process, admissions] of byDecider) {
          if (process !== null) {
            const peers = Math.min(...admissions.map((admission) => admission.peers))
            check(one, process, admissions, shareOf(one.limit, peers))
            continue
          }
          // Places are given again when their holder was not heard of; that is watched where it happens.
          if (one.limit.algorithm === 'concurrency' && !settings.calm) continue
          const borders = [0, ...emptiedAt, Number.POSITIVE_INFINITY]
          for (let index = 1; index < borders.length; index++) {
            const [from, to] = [borders[index - 1] as number, borders[index] as number]
            const part = admissions.filter(({ at }) => at >= from && at < to)
            check(one, 'the shared count', part, one.limit)
          }
        }
      }
    },
  }
}
