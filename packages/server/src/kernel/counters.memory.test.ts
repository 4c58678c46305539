import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import { bucketOf, type Limit } from './counters.ts'
import { describeCounters } from './counters.conformance.ts'
import { createMemoryCounters } from './counters.memory.ts'

const virtualClock = (): Clock & { now: () => number; advance: (milliseconds: number) => void } => {
  let time = 0
  const never = { cancel: () => {} }
  return {
    now: () => time,
    monotonic: () => time,
    after: () => never,
    every: () => never,
    advance: (milliseconds) => {
      time += milliseconds
    },
  }
}

describeCounters('memory', () => {
  const clock = virtualClock()
  return {
    counters: createMemoryCounters({ clock }),
    key: (name) => name,
    advance: clock.advance,
    now: clock.monotonic,
    settled: () => Promise.resolve(),
  }
})

/** A bucket as a child would write it: whole milliseconds of credit, filled as time passes. */
const referenceBucket = (intervalMs: number, burst: number) => {
  const most = intervalMs * burst
  let credit = most
  let seenAt = 0
  return {
    look: (now: number) => {
      credit = Math.min(most, credit + now - seenAt)
      seenAt = now
      return credit >= intervalMs
    },
    take: () => {
      credit -= intervalMs
    },
    remaining: () => Math.floor(credit / intervalMs),
    resetMs: () => most - credit,
  }
}

const divisors = [1, 2, 3, 5, 8, 10, 12, 20, 60, 100, 250, 1000, 4000, 60_000]
const limit = fc.record({ intervalMs: fc.constantFrom(...divisors), burst: fc.integer({ min: 1, max: 40 }) })

describe('token buckets against a simple model', () => {
  it('decide, count and charge alike, rule by rule and several at once', () => {
    const steps = fc.array(
      fc.record({
        wait: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 100_000 })),
        keys: fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 120 },
    )
    fc.assert(
      fc.property(fc.tuple(limit, limit, limit), steps, (limits, walk) => {
        const clock = virtualClock()
        const counters = createMemoryCounters({ clock, capacity: 4 })
        const models = limits.map(({ intervalMs, burst }) => referenceBucket(intervalMs, burst))
        const buckets = limits.map(({ intervalMs, burst }) => bucketOf(60_000 / intervalMs, burst))
        for (const { wait, keys } of walk) {
          clock.advance(wait)
          const now = clock.monotonic()
          const willing = keys.map((key) => models[key]?.look(now))
          const expected = willing.every(Boolean)
          if (expected) for (const key of keys) models[key]?.take()
          const rules = keys.map((key) => ({ key: String(key), limit: buckets[key] as Limit, cost: 1 }))
          const { allowed, standings } = counters.take(rules)
          expect(allowed).toBe(expected)
          standings.forEach((standing, index) => {
            const model = models[keys[index] as number]
            expect(standing.remaining).toBe(model?.remaining())
            expect(standing.resetMs).toBeCloseTo(model?.resetMs() ?? -1, 6)
            expect(standing.retryAfterMs > 0).toBe(!willing[index])
          })
        }
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  it('admit no more than burst and rate in any window, whatever the rate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 200 }),
        (rate, burst, waits) => {
          const clock = virtualClock()
          const counters = createMemoryCounters({ clock })
          const admitted: number[] = []
          for (const wait of waits) {
            clock.advance(wait)
            if (counters.take([{ key: 'k', limit: bucketOf(rate, burst), cost: 1 }]).allowed)
              admitted.push(clock.monotonic())
          }
          for (let from = 0; from < admitted.length; from++)
            for (let to = from; to < admitted.length; to++) {
              const span = (admitted[to] as number) - (admitted[from] as number)
              expect(to - from + 1).toBeLessThanOrEqual(burst + (span * rate) / 60_000 + 0.001)
            }
        },
      ),
      { numRuns: 200, seed: 2 },
    )
  })
})

describe('a bucket of which a unit takes minutes', () => {
  it('gives no unit early', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock })
    const rule = { key: 'k', limit: bucketOf(1, 1), cost: 1 }
    expect(counters.take([rule]).allowed).toBe(true)
    clock.advance(59_999)
    expect(counters.take([rule])).toMatchObject({ allowed: false, standings: [{ remaining: 0 }] })
    clock.advance(1)
    expect(counters.take([rule]).allowed).toBe(true)
  })
})

describe('what is told of a bucket', () => {
  it('is free of the rounding of floats, wherever the clock stands', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock })
    // Between 3096 and 4096 the sum with a second has a coarser grid than the time.
    clock.advance(3500.123456789)
    const { standings } = counters.take([{ key: 'k', limit: bucketOf(60, 3), cost: 1 }])
    expect(standings[0]?.resetMs).toBe(1000)
  })
})

describe('sliding windows', () => {
  it('let no more through in any window of their length, and nearly all of it', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 40 }), cost: fc.integer({ min: 1, max: 3 }) })
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 60 }), fc.array(step, { minLength: 50, maxLength: 400 }), (quota, walk) => {
        const clock = virtualClock()
        const counters = createMemoryCounters({ clock })
        const limit: Limit = { algorithm: 'sliding_window', quota, windowMs: 600 }
        const admitted: { at: number; cost: number }[] = []
        for (const { wait, cost } of walk) {
          clock.advance(wait)
          if (counters.take([{ key: 'k', limit, cost }]).allowed) admitted.push({ at: clock.monotonic(), cost })
        }
        for (const { at } of admitted) {
          const inside = admitted.filter((other) => other.at > at - limit.windowMs && other.at <= at)
          expect(inside.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(quota)
        }
      }),
      { numRuns: 200, seed: 3 },
    )
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock })
    const rule = {
      key: 'pressed',
      limit: { algorithm: 'sliding_window', quota: 600, windowMs: 60_000 } as Limit,
      cost: 1,
    }
    let admitted = 0
    for (let tick = 0; tick < 600_000; tick += 10) {
      if (counters.take([rule]).allowed) admitted += 1
      clock.advance(10)
    }
    expect(admitted / 6000).toBeGreaterThan(0.97)
    expect(admitted / 6000).toBeLessThanOrEqual(1)
  })
})

describe('what is known of a shared window', () => {
  const limit: Limit = { algorithm: 'sliding_window', quota: 6, windowMs: 600 }

  it('counts from when it was last seen, since nobody says when it was taken', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock })
    const usedAt = (at: number) => counters.used('k', limit, at)
    counters.note('k', limit, 0, 4)
    counters.note('k', limit, 500, 4)
    expect(usedAt(1100)).toBe(4)
    expect(usedAt(1120)).toBe(0)
  })

  it('counts what was taken here at its time, and the rest beside it', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock })
    const taken = { at: clock.monotonic(), store: 1 }
    counters.correct([{ key: 'k', limit, change: 3, taken }], 'call')
    clock.advance(300)
    counters.note('k', limit, clock.monotonic(), 5)
    expect(counters.used('k', limit, clock.monotonic())).toBe(5)
    clock.advance(320)
    expect(counters.used('k', limit, clock.monotonic())).toBe(2)
    const { standings } = counters.take([{ key: 'k', limit, cost: 5 }])
    expect(standings[0]?.retryAfterMs).toBeCloseTo(290)
  })
})

describe('the memory of counters', () => {
  it('stays bounded and forgets the key known longest', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock, capacity: 100 })
    const one = (key: string) => counters.take([{ key, limit: bucketOf(1, 5), cost: 1 }]).standings[0]?.remaining
    for (let key = 0; key < 150; key++) expect(one(`k${key}`)).toBe(4)
    expect(one('k149')).toBe(3)
    expect(one('k60')).toBe(3)
    expect(one('k0')).toBe(4)
  })

  it('reuses the place of full buckets before it forgets any other', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock, capacity: 100 })
    counters.take([{ key: 'kept', limit: bucketOf(1, 5), cost: 1 }])
    for (let round = 0; round < 20; round++) {
      for (let key = 0; key < 90; key++)
        counters.take([{ key: `${round}/${key}`, limit: bucketOf(60_000, 1), cost: 1 }])
      clock.advance(1500)
    }
    expect(counters.take([{ key: 'kept', limit: bucketOf(1, 5), cost: 1 }]).standings[0]?.remaining).toBe(3)
  })

  it('gives away a share of the limit for each of several replicas, at least one', () => {
    const clock = virtualClock()
    const counters = createMemoryCounters({ clock })
    const admitted = (key: string, burst: number) =>
      Array.from({ length: 20 }, () => counters.take([{ key, limit: bucketOf(60, burst), cost: 1 }], '', 3)).filter(
        ({ allowed }) => allowed,
      ).length
    expect(admitted('wide', 12)).toBe(4)
    expect(admitted('narrow', 1)).toBe(1)
    clock.advance(2990)
    expect(admitted('wide', 12)).toBe(0)
    clock.advance(10)
    expect(admitted('wide', 12)).toBe(1)
  })
})
