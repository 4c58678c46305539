import { expect, test } from 'vitest'
import type { Clock } from '../../kernel/clock.ts'
import { bucketOf } from '../../kernel/counters.ts'
import { createMemoryCounters } from '../../kernel/counters.memory.ts'
import type { AppError } from '../../kernel/errors.ts'
import { silentLog } from '../../kernel/log.ts'
import { createRateRules } from './rate-rules.ts'
import { createStrangers } from './strangers.ts'

const rig = (answersLater = false) => {
  const time = { now: 0 }
  const clock: Clock = {
    now: () => 1_700_000_000_000 + time.now,
    monotonic: () => time.now,
    after: () => ({ cancel: () => {} }),
    every: () => ({ cancel: () => {} }),
  }
  const memory = createMemoryCounters({ clock })
  const counters = answersLater
    ? { ...memory, take: async (rules: Parameters<typeof memory.take>[0]) => memory.take(rules) }
    : memory
  const { ofAddress } = createRateRules({}, { rate_per_minute: 60, burst: 2 }, Buffer.alloc(32), silentLog)
  return { time, ...createStrangers(counters, clock, ofAddress) }
}

const caught = (act: () => unknown): AppError | null => {
  try {
    act()
    return null
  } catch (error) {
    return error as AppError
  }
}

test('an address without a valid key has its burst, then waits; others do not', () => {
  const { stranger, time } = rig()
  const headers: Record<string, string> = {}
  for (let request = 0; request < 2; request++) void stranger('192.0.2.1', headers)
  expect(headers).toEqual({})
  const error = caught(() => stranger('192.0.2.1', headers))
  expect(error?.code).toBe('rate_limit_exceeded')
  expect(error?.options).toEqual({ retryAfterMs: 1000, violatedPolicies: ['address'] })
  expect(headers).toMatchObject({
    ratelimit: '"address";r=0;t=2',
    'ratelimit-policy': `"address";q=2;w=${bucketOf(60, 2).windowMs / 1000}`,
  })
  expect(caught(() => stranger('192.0.2.2', {}))).toBeNull()
  time.now = 1_000
  expect(caught(() => stranger('192.0.2.1', {}))).toBeNull()
})

test('while an address has nothing left, no key of it is looked up; looking takes nothing', () => {
  const { stranger, mayAsk, time } = rig()
  for (let look = 0; look < 9; look++) mayAsk('2001:db8::1', {})
  for (let request = 0; request < 2; request++) void stranger('2001:db8::1', {})
  expect(caught(() => mayAsk('2001:db8::1', {}))).toBeNull()
  caught(() => stranger('2001:db8::1', {}))
  time.now = 400
  const headers: Record<string, string> = {}
  // The whole network shares what the address had.
  expect(caught(() => mayAsk('2001:db8::2', headers))?.options.retryAfterMs).toBe(600)
  expect(headers['x-ratelimit-remaining']).toBe('0')
  expect(caught(() => mayAsk('2001:db9::2', {}))).toBeNull()
  time.now = 1_000
  expect(caught(() => mayAsk('2001:db8::1', {}))).toBeNull()
})

test('waits for counters that answer later', async () => {
  const { stranger } = rig(true)
  await stranger('192.0.2.1', {})
  await stranger('192.0.2.1', {})
  await expect(stranger('192.0.2.1', {})).rejects.toMatchObject({ code: 'rate_limit_exceeded' })
})
