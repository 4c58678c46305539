import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { strongSecrets } from '../support/configuration.ts'
import { type House, startHouse } from '../support/house.ts'
import { startRedis, type TestService } from '../support/services.ts'
import { ask } from './support/ask.ts'
import { countStatuses, pause, startLoad, until } from './support/load.ts'

const RATE_PER_SECOND = 20
const BURST = 20
/** Replicas tell each other of themselves through Redis this often. */
const PRESENCE_MS = 5_500

let redis: TestService
let database: TestDatabase
const houses: House[] = []

beforeAll(async () => {
  redis = await startRedis()
  database = await freshDatabase()
  for (let count = 0; count < 2; count += 1)
    houses.push(
      await startHouse({
        databaseUrl: database.url,
        environment: {
          HEADGATE_ROOT_KEY: strongSecrets[0],
          HEADGATE_REDIS_URL: redis.url,
          HEADGATE_TIERS: JSON.stringify({
            tight: { requests: { rate_per_minute: RATE_PER_SECOND * 60, burst: BURST } },
          }),
        },
      }),
    )
  await pause(PRESENCE_MS)
})
afterAll(async () => {
  for (const house of houses) await house.stop()
  await database.drop()
  await redis.stop()
})

const partsOf = async ({ url }: House) =>
  ((await (await fetch(`${url}/readyz`)).json()) as { parts: Record<string, string> }).parts

const all = (state: string) => async () => {
  const states = await Promise.all(houses.map(async (house) => (await partsOf(house)).admission))
  return states.every((found) => found === state)
}

it('two replicas keep one limit between them while Redis dies, stays away and comes back', async () => {
  await until('both count in Redis', all('ok'))
  const { key } = await (houses[0] as House).makeKey({ tier: 'tight' })
  const start = performance.now()
  const loads = houses.map(({ url }) => startLoad(40, () => ask({ url, key }, 'up/gpt-4o-mini')))
  await pause(1_500)
  await redis.kill()
  await until('both notice', all('degraded'), 5_000)
  await pause(3_000)
  await redis.restart()
  await until('both count in Redis again', all('ok'), 15_000)
  await pause(1_500)
  const seconds = (performance.now() - start) / 1000
  const results = await Promise.all(loads.map((load) => load.stop()))
  const limit = BURST + RATE_PER_SECOND * seconds
  let admitted = 0
  for (const { answers, refused } of results) {
    expect(refused).toBe(0)
    const statuses = countStatuses(answers)
    expect(Object.keys(statuses).toSorted()).toEqual(['200', '429'])
    // Neither replica is starved by the other.
    expect(statuses[200] ?? 0).toBeGreaterThan(limit * 0.2)
    admitted += statuses[200] ?? 0
  }
  expect(admitted).toBeLessThanOrEqual(limit * 1.2)
  expect(admitted).toBeGreaterThan(limit * 0.6)
})

it('a replica that starts without Redis counts alone, and joins it when it is there', async () => {
  await redis.kill()
  const late = await startHouse({ environment: { HEADGATE_REDIS_URL: redis.url } })
  try {
    const { key } = await late.makeKey({ tier: 'pro' })
    expect(await ask({ url: late.url, key }, 'up/gpt-4o-mini')).toMatchObject({ status: 200 })
    expect((await partsOf(late)).admission).toBe('degraded')
    await redis.restart()
    await until('it counts in Redis', async () => (await partsOf(late)).admission === 'ok', 15_000)
    expect(await ask({ url: late.url, key }, 'up/gpt-4o-mini')).toMatchObject({ status: 200 })
  } finally {
    await late.stop()
  }
})

it.each(['there', 'away'])('a revoked key is refused by every replica within 5 seconds, Redis %s', async (redisIs) => {
  if (redisIs === 'away') await redis.kill()
  const [first, ...others] = houses as [House, ...House[]]
  const { id, key } = await first.makeKey()
  await until('every replica knows the key', async () => {
    const answers = await Promise.all(houses.map(({ url }) => ask({ url, key }, 'demo')))
    return answers.every(({ status }) => status === 200)
  })
  const revoked = performance.now()
  expect((await first.request(`/admin/v1/keys/${id}/revoke`, { body: {} })).status).toBe(200)
  // At once where it was revoked.
  expect(await ask({ url: first.url, key }, 'demo')).toMatchObject({ status: 401, code: 'api_key_revoked' })
  let accepted = revoked
  while (performance.now() - revoked < 5_500) {
    for (const { url } of others) if ((await ask({ url, key }, 'demo')).status === 200) accepted = performance.now()
    await pause(100)
  }
  expect(accepted - revoked).toBeLessThan(5_000)
  if (redisIs === 'away') await redis.restart()
})
