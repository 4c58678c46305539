import { expect, it } from 'vitest'
import { systemClock } from './clock.ts'
import type { CounterRule } from './counters.ts'
import { createSharedCounters } from './counters.shared.ts'
import type { CounterStore } from './counters.shared-store.ts'
import { silentLog } from './log.ts'

const place: CounterRule = { key: 'place', limit: { algorithm: 'concurrency', quota: 1, windowMs: 0 }, cost: 1 }
const giveBack = { key: place.key, limit: place.limit, change: -1, takenAt: 0 }

/** A store of places whose answers can be held up. */
const slowStore = () => {
  const places = new Map<string, Set<string>>()
  const of = (key: string): Set<string> => places.get(key) ?? places.set(key, new Set()).get(key) ?? new Set()
  const state = { delayMs: 0 }
  const soon = async <Value>(answer: () => Value): Promise<Value> => {
    await new Promise((resolve) => setTimeout(resolve, state.delayMs))
    return answer()
  }
  const store: CounterStore = {
    name: 'a slow store',
    open: (onReady) => onReady(),
    isReady: () => true,
    take: (rules, holder) =>
      soon(() => {
        const allowed = rules.every(({ key, limit }) => of(key).size < limit.quota)
        if (allowed) for (const { key } of rules) of(key).add(holder)
        const found = rules.map(({ key }) => ({ used: of(key).size, resetMs: 0, retryAfterMs: allowed ? 0 : 1000 }))
        return { allowed, found }
      }),
    correct: (corrections) => soon(() => corrections.forEach(({ key, holder }) => of(key).delete(holder))),
    renew: (holdings) => soon(() => holdings.forEach(({ key, holder }) => of(key).add(holder))),
    present: () => soon(() => 1),
    close: () => Promise.resolve(),
  }
  return { store, state, held: () => of(place.key).size }
}

it('a place that was taken here, since the store was late, counts in the store when that is back, until it is given back', async () => {
  const { store, state, held } = slowStore()
  const counters = createSharedCounters({ store, clock: systemClock, log: silentLog, timeoutMs: 100 })
  counters.start()
  await expect.poll(() => counters.health().state).toBe('ok')

  state.delayMs = 400
  expect((await counters.take([place], 'first')).allowed).toBe(true)
  expect(counters.health().state).toBe('degraded')
  expect((await counters.take([place], 'second')).allowed).toBe(false)
  state.delayMs = 0
  await expect.poll(() => counters.health().state, { timeout: 10_000 }).toBe('ok')
  expect(held()).toBe(1)
  expect((await counters.take([place], 'third')).allowed).toBe(false)
  counters.correct([giveBack], 'first')
  await expect.poll(held).toBe(0)
  expect((await counters.take([place], 'fourth')).allowed).toBe(true)

  // What the store gave is known here, too, when it is late again.
  state.delayMs = 400
  expect((await counters.take([place], 'fifth')).allowed).toBe(false)
  counters.correct([giveBack], 'fourth')
  expect((await counters.take([place], 'sixth')).allowed).toBe(true)
  await counters.close()
})
