import { expect, it } from 'vitest'
import { systemClock } from './clock.ts'
import type { CounterRule } from './counters.ts'
import { createSharedCounters } from './counters.shared.ts'
import type { CounterStore } from './counters.shared-store.ts'
import { silentLog } from './log.ts'

const place: CounterRule = { key: 'place', limit: { algorithm: 'concurrency', quota: 1, windowMs: 0 }, cost: 1 }
const giveBack = { key: place.key, limit: place.limit, change: -1, taken: { at: 0, store: null } }

const hour = { algorithm: 'sliding_window', quota: 10, windowMs: 3_600_000 } as const

/** A store whose answers can be held up; of windows it knows the sum alone. */
const slowStore = () => {
  const sums = new Map<string, number>()
  const sumOf = (key: string): number => sums.get(key) ?? 0
  const places = new Map<string, Set<string>>()
  const of = (key: string): Set<string> => places.get(key) ?? places.set(key, new Set()).get(key) ?? new Set()
  const state = { delayMs: 0, replicas: 1 }
  const soon = async <Value>(answer: () => Value): Promise<Value> => {
    await new Promise((resolve) => setTimeout(resolve, state.delayMs))
    return answer()
  }
  const store: CounterStore = {
    name: 'a slow store',
    open: (onReady) => onReady(),
    isReady: () => true,
    take: ({ rules, holder }) =>
      soon(() => {
        const isPlace = ({ limit }: CounterRule) => limit.algorithm === 'concurrency'
        const used = (rule: CounterRule) => (isPlace(rule) ? of(rule.key).size : sumOf(rule.key))
        const allowed = rules.every((rule) => used(rule) + rule.cost <= rule.limit.quota)
        if (allowed)
          for (const rule of rules)
            if (isPlace(rule)) of(rule.key).add(holder)
            else sums.set(rule.key, sumOf(rule.key) + rule.cost)
        const found = rules.map((rule) => ({
          used: used(rule),
          resetMs: 0,
          retryAfterMs: allowed ? 0 : 1000,
          givenMs: 0,
        }))
        return { allowed, found, at: 1, isEmptied: false }
      }),
    correct: (corrections) =>
      soon(() =>
        corrections.forEach(({ key, limit, change, holder }) =>
          limit.algorithm === 'concurrency' ? of(key).delete(holder) : sums.set(key, sumOf(key) + change),
        ),
      ),
    renew: (holdings) => soon(() => holdings.forEach(({ key, holder }) => of(key).add(holder))),
    present: () => soon(() => state.replicas),
    close: () => Promise.resolve(),
  }
  return { store, state, held: () => of(place.key).size, sumOf }
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

it('what a window gave while the shared count was late is counted once, and as it was corrected meanwhile', async () => {
  const { store, state, sumOf } = slowStore()
  const counters = createSharedCounters({ store, clock: systemClock, log: silentLog, timeoutMs: 100 })
  counters.start()
  await expect.poll(() => counters.health().state).toBe('ok')

  state.delayMs = 400
  const { allowed, taken } = await counters.take([{ key: 'tokens', limit: hour, cost: 8 }], 'first')
  expect(allowed).toBe(true)
  counters.correct([{ key: 'tokens', limit: hour, change: -5, taken }], 'first')
  await expect.poll(() => sumOf('tokens')).toBe(8)
  state.delayMs = 0
  await expect.poll(() => counters.health().state, { timeout: 10_000 }).toBe('ok')
  await expect.poll(() => sumOf('tokens')).toBe(3)
  expect((await counters.take([{ key: 'tokens', limit: hour, cost: 7 }], 'second')).allowed).toBe(true)
  await counters.close()
})

it('a store that was emptied, and knows one replica for the moment, makes none of them give away the whole of a limit', async () => {
  const { store, state } = slowStore()
  state.replicas = 3
  const counters = createSharedCounters({ store, clock: systemClock, log: silentLog, timeoutMs: 100 })
  counters.start()
  await expect.poll(() => counters.health().state).toBe('ok')
  const rule = (key: string): CounterRule => ({ key, limit: { ...hour, quota: 9 }, cost: 1 })
  const givenHere = async (key: string): Promise<number> => {
    state.delayMs = 400
    const first = await counters.take([rule(key)], 'first')
    const rest = await Promise.all(Array.from({ length: 10 }, async () => counters.take([rule(key)], 'later')))
    state.delayMs = 0
    return [first, ...rest].filter(({ allowed }) => allowed).length
  }
  expect(await givenHere('before')).toBe(3)
  state.replicas = 1
  await expect.poll(() => counters.health().state, { timeout: 10_000 }).toBe('ok')
  expect(await givenHere('emptied')).toBe(3)
  await counters.close()
})
