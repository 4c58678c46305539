import type { Clock } from './clock.ts'
import { createMemoryCounters } from './counters.memory.ts'
import type { Correction, CounterRule, Counters, Decision, Limit } from './counters.ts'

/** One thing to count, in the order in which it was asked for. Both cross from process to process as JSON. */
export type DoorItem =
  | { readonly holder: string; readonly rules: readonly CounterRule[] }
  | { readonly holder: string; readonly corrections: readonly Correction[] }

/** The decisions of one batch; -1 stands for a retry that never helps, because JSON knows no infinity. */
export type DoorAnswer = readonly Decision[]

const NEVER = -1

const encode = ({ allowed, standings, taken }: Decision): Decision => ({
  allowed,
  taken,
  standings: standings.map((standing) =>
    standing.retryAfterMs === Number.POSITIVE_INFINITY ? { ...standing, retryAfterMs: NEVER } : standing,
  ),
})
/** Two processes have two clocks: that of the one that counts is its own time, handed back to it as it is. */
const decode = ({ allowed, standings, taken }: Decision, now: number): Decision => ({
  allowed,
  taken: { at: now, store: taken.at },
  standings: standings.map((standing) =>
    standing.retryAfterMs === NEVER ? { ...standing, retryAfterMs: Number.POSITIVE_INFINITY } : standing,
  ),
})

/** Counts for several processes of one machine, in the memory of the one that owns it. */
export const createCountersDoor = (clock: Clock) => {
  const counters = createMemoryCounters({ clock })
  /** Places under way, by the process that holds them: one that dies gives nothing back itself. */
  const held = new Map<number, Map<string, { key: string; limit: Limit; cost: number }>>()
  const placesOf = (member: number) => {
    let places = held.get(member)
    if (places === undefined) held.set(member, (places = new Map()))
    return places
  }
  const nameOf = (holder: string, key: string): string => `${holder}\n${key}`

  const take = (member: number, holder: string, rules: readonly CounterRule[]): Decision => {
    const decision = counters.take(rules, holder)
    rules.forEach(({ key, limit, cost }, index) => {
      if (limit.algorithm === 'concurrency' && decision.allowed && decision.standings[index]?.retryAfterMs === 0)
        placesOf(member).set(nameOf(holder, key), { key, limit, cost })
    })
    return encode(decision)
  }

  return {
    /** Counts a batch of one process in its order. */
    count: (member: number, items: readonly DoorItem[]): DoorAnswer => {
      const decisions: Decision[] = []
      for (const item of items) {
        if ('rules' in item) {
          decisions.push(take(member, item.holder, item.rules))
          continue
        }
        for (const correction of item.corrections) {
          const isPlace = correction.limit.algorithm === 'concurrency'
          // What a dead process held has been given back for it.
          if (isPlace && !placesOf(member).delete(nameOf(item.holder, correction.key))) continue
          counters.correct([correction], item.holder)
        }
      }
      return decisions
    },
    /** Gives back the places of a process that has ended. */
    left: (member: number): void => {
      const taken = { at: clock.monotonic(), store: null }
      for (const { key, limit, cost } of placesOf(member).values())
        counters.correct([{ key, limit, change: -cost, taken }], '')
      held.delete(member)
    },
  }
}

export interface RemoteCountersOptions {
  readonly clock: Clock
  /** Has a batch counted; rejects when the process that counts is gone. */
  readonly count: (items: readonly DoorItem[]) => Promise<DoorAnswer>
}

/** Counts behind the door of another process: what is asked within one turn of the event loop goes there together. */
export const createRemoteCounters = ({ clock, count }: RemoteCountersOptions): Counters => {
  /** The process ends soon when the one that counts is gone; until then it decides alone. */
  const alone = createMemoryCounters({ clock })
  let items: DoorItem[] = []
  let asked: { rules: readonly CounterRule[]; resolve: (decision: Decision) => void }[] = []

  const send = (): void => {
    const waiting = asked
    const batch = items
    items = []
    asked = []
    count(batch).then(
      (decisions) =>
        waiting.forEach(({ resolve }, index) => resolve(decode(decisions[index] as Decision, clock.monotonic()))),
      () => waiting.forEach(({ rules, resolve }) => resolve(alone.take(rules))),
    )
  }
  const add = (item: DoorItem): void => {
    if (items.length === 0) setImmediate(send)
    items.push(item)
  }

  return {
    take: (rules, holder = '') =>
      new Promise((resolve) => {
        add({ holder, rules })
        asked.push({ rules, resolve })
      }),
    correct: (corrections, holder) => {
      // What was decided alone is known to nobody there.
      const known = corrections.flatMap((correction) => {
        const { store } = correction.taken
        return store === null ? [] : [{ ...correction, taken: { at: store, store: null } }]
      })
      if (known.length > 0) add({ holder, corrections: known })
    },
    start: () => {},
    close: () => Promise.resolve(),
    health: () => ({ state: 'ok', detail: 'counted in the first process' }),
  }
}
