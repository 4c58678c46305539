import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { startRedis, type TestService } from '../support/services.ts'
import { ask } from './support/ask.ts'
import { budgetTruth } from './support/ledger-rows.ts'
import { until } from './support/load.ts'

const BURST = 5

let redis: TestService
let house: House

beforeAll(async () => {
  redis = await startRedis()
  house = await startHouse({
    environment: {
      HEADGATE_COUNTERS: 'redis',
      HEADGATE_REDIS_URL: redis.url,
      // A bucket that hardly fills again while the test lasts.
      HEADGATE_TIERS: JSON.stringify({ tight: { requests: { rate_per_minute: 1, burst: BURST } } }),
    },
  })
  await until('the counters use Redis', () => admissionIs('ok'))
})
afterAll(async () => {
  await house.stop()
  await redis.stop()
})

const admissionIs = async (state: string): Promise<boolean> => {
  const answer = await house.request('/readyz')
  return ((await answer.json()) as { parts: Record<string, string> }).parts['admission'] === state
}

const flush = async () => {
  const client = createClient({ url: redis.url })
  await client.connect()
  await client.flushAll()
  await client.close()
}

/** How many of ten calls are let through. */
const admitted = async (key: string): Promise<number> => {
  let count = 0
  for (let call = 0; call < 10; call += 1) {
    const { status } = await ask({ url: house.url, key }, 'up/gpt-4o-mini')
    expect([200, 429]).toContain(status)
    if (status === 200) count += 1
  }
  return count
}

const emptyings: [how: string, empty: () => Promise<void>][] = [
  ['FLUSHALL', flush],
  [
    'a restart without its data',
    async () => {
      await flush()
      await redis.kill()
      await until('the loss is noticed', () => admissionIs('degraded'), 15_000)
      await redis.restart()
      await until('Redis is used again', () => admissionIs('ok'), 15_000)
    },
  ],
]

it.each(emptyings)('%s opens a limit by one burst at most, and no budget at all', async (_how, empty) => {
  const limited = await house.makeKey({ tier: 'tight' })
  expect(await admitted(limited.key)).toBe(BURST)
  // Room for a few calls: each reserves 9 tokens of input and 4 of output, at 1 and 2 USD per million.
  const poor = await house.makeKey({ budget: { limit_usd: '0.0001', window: 'total' } })
  const spend = () => ask({ url: house.url, key: poor.key }, 'up/gpt-4o-mini', { max_tokens: 4 })
  let last = await spend()
  for (let call = 0; call < 50 && last.status === 200; call += 1) last = await spend()
  expect(last).toMatchObject({ status: 429, code: 'budget_exceeded' })
  await house.settled()
  const before = await budgetTruth(house.databaseUrl)

  await empty()

  expect(await spend()).toMatchObject({ status: 429, code: 'budget_exceeded' })
  await house.settled()
  const after = await budgetTruth(house.databaseUrl)
  // What a replica holds and nobody can use goes back meanwhile; it is never more.
  expect(after.map(({ spent, entries }) => [spent, entries])).toEqual(before.map(({ spent }) => [spent, spent]))
  after.forEach(({ leased }, index) => expect(Number(leased)).toBeLessThanOrEqual(Number(before[index]?.leased)))
  expect(await admitted(limited.key)).toBeLessThanOrEqual(BURST + 1)
  expect(await admitted(limited.key)).toBeLessThanOrEqual(1)
})
