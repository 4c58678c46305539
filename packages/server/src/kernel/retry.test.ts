import { describe, expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import { backoffMs, createRetryBudget, parseRetryAfter } from './retry.ts'

const clockAt = () => {
  let time = 123_456
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    after: () => ({ cancel: () => {} }),
    every: () => ({ cancel: () => {} }),
  }
  return {
    clock,
    pass: (milliseconds: number) => {
      time += milliseconds
    },
  }
}

describe('retry budget', () => {
  it('helps a lone user, and keeps a storm within a tenth of its requests', () => {
    const { clock, pass } = clockAt()
    const budget = createRetryBudget(clock)
    budget.request()
    expect([budget.take(), budget.take(), budget.take(), budget.take()]).toEqual([true, true, true, false])
    let requests = 1
    let retries = 3
    for (let second = 0; second < 60; second++) {
      for (let one = 0; one < 50; one++) {
        budget.request()
        requests++
        if (budget.take()) retries++
        if (budget.take()) retries++
        pass(20)
      }
    }
    expect(retries).toBeGreaterThan(requests * 0.08)
    expect(retries).toBeLessThanOrEqual(requests * 0.1 + 3)
  })

  it('forgets what is older than its window', () => {
    const { clock, pass } = clockAt()
    const budget = createRetryBudget(clock)
    for (let one = 0; one < 3; one++) budget.take()
    expect(budget.take()).toBe(false)
    pass(9_000)
    expect(budget.take()).toBe(false)
    pass(2_000)
    expect(budget.take()).toBe(true)
    pass(86_400_000)
    expect([budget.take(), budget.take(), budget.take(), budget.take()]).toEqual([true, true, true, false])
  })
})

describe('backoff', () => {
  it('is jittered over the whole range, and capped', () => {
    expect(backoffMs(1, 0)).toBe(0)
    expect(backoffMs(1, 0.5)).toBe(100)
    expect(backoffMs(2, 0.5)).toBe(200)
    expect(backoffMs(30, 0.999)).toBeLessThanOrEqual(2_000)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')
  it.each([
    ['1', 1_000],
    ['0', 0],
    ['1.5', 1_500],
    ['1000000000', 1e12],
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['Wednesday, 21-Oct-26 07:28:05 GMT', 5_000],
    ['Wed Oct 21 07:28:10 2026 GMT', 10_000],
    ['Wed, 21 Oct 2026 07:27:00 GMT', undefined],
    ['-5', undefined],
    ['abc', undefined],
    ['1e9', undefined],
    ['', undefined],
    ['5 seconds', undefined],
    ['Infinity', undefined],
    [undefined, undefined],
  ])('%s', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected)
  })
})
