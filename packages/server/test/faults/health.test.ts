import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { startPostgres, startRedis, type TestService } from '../support/services.ts'
import { until } from './support/load.ts'

let postgres: TestService
let redis: TestService
let upstream: Upstream
let house: House

beforeAll(async () => {
  postgres = await startPostgres()
  redis = await startRedis()
  upstream = await startUpstream()
  house = await startHouse({
    databaseUrl: postgres.url,
    upstream,
    environment: { HEADGATE_COUNTERS: 'redis', HEADGATE_REDIS_URL: redis.url, HEADGATE_WARM_PROVIDERS: 'true' },
  })
  await until('all is well', async () => (await health()).readyz.status === 'ok', 15_000)
})
afterAll(async () => {
  await house.stop()
  await upstream.close().catch(() => undefined)
  await redis.stop()
  await postgres.stop()
})

interface Report {
  readonly http: number
  readonly status: string
  readonly parts?: Record<string, string>
}

const probe = async (path: string): Promise<Report> => {
  const answer = await fetch(house.url + path)
  const text = await answer.text()
  // Anyone may ask: nothing that an attacker could use stands there.
  for (const secret of [
    adminKey,
    'provider-key',
    'postgres',
    'redis',
    '127.0.0.1',
    String(postgres.port),
    'ECONN',
    'Error',
  ])
    expect(text, path).not.toContain(secret)
  expect(text.length).toBeLessThan(400)
  return { http: answer.status, ...(JSON.parse(text) as { status: string }) }
}

const health = async () => {
  const [livez, readyz, startupz] = await Promise.all([probe('/livez'), probe('/readyz'), probe('/startupz')])
  expect(livez).toEqual({ http: 200, status: 'ok' })
  expect(startupz).toEqual({ http: 200, status: 'ok' })
  // A shared dependency that is away must not take every replica out at once.
  expect(readyz.http).toBe(200)
  return { livez, readyz }
}

const degraded = (part: string) => async () => (await health()).readyz.parts?.[part] === 'degraded'
const recovered = async () => (await health()).readyz.status === 'ok'

it('warms connections and caches when asked, once for all who ask at the same time', async () => {
  const modelLists = () => upstream.truth().filter(({ path }) => path === '/v1/models').length
  const before = modelLists()
  expect(before).toBeGreaterThan(0)
  const [first, second] = await Promise.all([probe('/warmz'), probe('/warmz')])
  for (const report of [first, second])
    expect(report).toMatchObject({
      http: 200,
      status: 'ok',
      warmed: {
        database: { state: 'ok', count: 2 },
        keys: { state: 'ok' },
        providers: { state: 'ok', count: 2 },
      },
    })
  expect(await probe('/warmz')).toMatchObject({ http: 200, status: 'ok' })
  expect(modelLists()).toBe(before + 1)
})

it('stays alive and ready while Redis is away', async () => {
  await redis.kill()
  await until('it is told', degraded('admission'), 15_000)
  expect((await health()).readyz.status).toBe('degraded')
  await redis.restart()
  await until('it is back', recovered, 20_000)
})

it('stays alive and ready while PostgreSQL is away', async () => {
  await postgres.kill()
  await until('it is told', degraded('identity'), 15_000)
  expect((await health()).readyz.status).toBe('degraded')
  await postgres.restart()
  await until('it is back', recovered, 20_000)
})

it('stays alive and ready while everything is away, the provider included', async () => {
  await upstream.close()
  await Promise.all([redis.kill(), postgres.kill()])
  await until('Redis is told', degraded('admission'), 15_000)
  await until('PostgreSQL is told', degraded('identity'), 15_000)
  expect((await health()).readyz.status).toBe('degraded')
  await until('what cannot be warmed is told', async () => (await probe('/warmz')).status === 'partial', 15_000)
  await Promise.all([redis.restart(), postgres.restart()])
  await until('they are back', recovered, 20_000)
})
