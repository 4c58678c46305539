import { startFaultProxy, type FaultProxy } from '@headgate/qa/faults/tcp-proxy.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { startRedis, type TestService } from '../support/services.ts'
import { type Answer, ask, type Door } from './support/ask.ts'
import { countStatuses, pause, startLoad, until } from './support/load.ts'
import { timed } from '../support/timed.ts'

const RATE_PER_SECOND = 10
const BURST = 20

let redis: TestService
let wire: FaultProxy
let house: House
let door: Door

beforeAll(async () => {
  redis = await startRedis()
  wire = await startFaultProxy({ target: { host: '127.0.0.1', port: redis.port } })
  house = await startHouse({
    environment: {
      HEADGATE_COUNTERS: 'redis',
      HEADGATE_REDIS_URL: `redis://127.0.0.1:${wire.port}`,
      HEADGATE_TIERS: JSON.stringify({
        tight: { requests: { rate_per_minute: RATE_PER_SECOND * 60, burst: BURST } },
      }),
    },
  })
  door = { url: house.url, key: (await house.makeKey()).key }
  await until('the counters use Redis', async () => (await partsOf()).admission === 'ok')
})
afterAll(async () => {
  await house.stop()
  await wire.close()
  await redis.stop()
})

const partsOf = async () => {
  const answer = await house.request('/readyz')
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { parts: Record<string, string> }).parts
}

const quantile = (answers: readonly Answer[], share: number): number => {
  const sorted = answers.map(({ milliseconds }) => milliseconds).toSorted((left, right) => left - right)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
}

/** Load of a free and of a limited key for a while, in the middle of which something happens to Redis. */
const underLoad = async (harm: () => Promise<void> | void, mend: () => Promise<void> | void) => {
  const limited: Door = { url: house.url, key: (await house.makeKey({ tier: 'tight' })).key }
  await ask(door, 'up/gpt-4o-mini')
  const start = performance.now()
  const free = startLoad(40, () => ask(door, 'up/gpt-4o-mini'))
  const tight = startLoad(30, () => ask(limited, 'up/gpt-4o-mini'))
  await pause(800)
  await harm()
  await until('the loss is noticed', async () => (await partsOf()).admission === 'degraded', 5_000)
  await pause(1_200)
  await mend()
  await until('Redis is used again', async () => (await partsOf()).admission === 'ok', 15_000)
  await pause(400)
  const seconds = (performance.now() - start) / 1000
  return { free: await free.stop(), tight: await tight.stop(), seconds }
}

const expectUnharmed = ({ free, tight, seconds }: Awaited<ReturnType<typeof underLoad>>) => {
  expect(free.refused + tight.refused).toBe(0)
  expect(countStatuses(free.answers)).toEqual({ 200: free.answers.length })
  const statuses = countStatuses(tight.answers)
  expect(Object.keys(statuses).toSorted()).toEqual(['200', '429'])
  const limit = BURST + RATE_PER_SECOND * seconds
  expect(statuses[200] ?? 0).toBeLessThanOrEqual(limit * 1.2)
  // And it is no wall either: what the limit grants goes through.
  expect(statuses[200] ?? 0).toBeGreaterThan(limit * 0.6)
  // One decision may wait for its timeout; the breaker spares the rest.
  expect(quantile(free.answers, 0.5)).toBeLessThan(100)
  expect(quantile(free.answers, 0.95)).toBeLessThan(600)
}

describe('Redis under load', () => {
  it('dead, and back: no error, limits hold, recovers by itself', timed, async () => {
    expectUnharmed(
      await underLoad(
        () => redis.kill(),
        () => redis.restart(),
      ),
    )
  })

  it('frozen: one timeout, then the breaker', timed, async () => {
    expectUnharmed(
      await underLoad(
        () => redis.signal('SIGSTOP'),
        () => redis.signal('SIGCONT'),
      ),
    )
  })

  it('slow: as if it were away', timed, async () => {
    expectUnharmed(
      await underLoad(
        () => wire.set({ down: { latency: 500 } }),
        () => wire.reset(),
      ),
    )
  })

  it('unreachable through the network: as if it were away', timed, async () => {
    expectUnharmed(
      await underLoad(
        () => wire.set({ up: { blackhole: true }, down: { blackhole: true } }),
        () => wire.reset(),
      ),
    )
  })
})
