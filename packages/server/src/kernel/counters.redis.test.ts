import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { redisUrl } from '../../test/support/redis.ts'
import { startRedis, type TestService } from '../../test/support/services.ts'
import { systemClock } from './clock.ts'
import { bucketOf, type Counters, type CounterRule } from './counters.ts'
import { describeCounters } from './counters.conformance.ts'
import { createRedisCounters } from './counters.redis.ts'
import { silentLog } from './log.ts'
import { timed } from '../../test/support/timed.ts'

// Machines under test are busy: what these tests are about is told by the fault, never by 50 ms on a loaded core.
const patient = 2000

const reached = (counters: Counters, state: 'ok' | 'degraded', timeout = 15_000) =>
  vi.waitFor(() => expect(counters.health().state).toBe(state), { timeout, interval: 10 })

const openCounters = async (url: string, options: { prefix?: string; timeoutMs?: number } = {}): Promise<Counters> => {
  const counters = createRedisCounters({ url, clock: systemClock, log: silentLog, ...options })
  counters.start()
  await reached(counters, 'ok')
  return counters
}

describeCounters('Redis', async () => ({
  counters: await openCounters(redisUrl(), { prefix: `test:{${randomUUID()}}:`, timeoutMs: patient }),
  key: (name) => name,
  advance: (milliseconds) => sleep(milliseconds),
  now: systemClock.monotonic,
  // Corrections leave before any later decision, on the same connection.
  settled: () => sleep(5),
}))

const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

const opened = async (...parameters: Parameters<typeof openCounters>): Promise<Counters> => {
  const counters = await openCounters(...parameters)
  cleanup.push(() => counters.close())
  return counters
}

const ownRedis = async (): Promise<TestService> => {
  const redis = await startRedis()
  cleanup.push(() => redis.stop())
  return redis
}

const rule = (key: string, ratePerMinute: number, burst: number): CounterRule => ({
  key,
  limit: bucketOf(ratePerMinute, burst),
  cost: 1,
})

/** Takes of all counters in turn until the time is over; counts what was admitted and the slowest decision. */
const load = async (all: readonly Counters[], one: CounterRule, calls: number) => {
  let admitted = 0
  const waits: number[] = []
  for (let call = 0; call < calls; call++) {
    const from = performance.now()
    const { allowed } = await (all[call % all.length] as Counters).take([one])
    waits.push(performance.now() - from)
    if (allowed) admitted++
  }
  return { admitted, waits }
}

describe('replicas on one Redis', () => {
  it('are told in order by a Redis that does not know the scripts yet', async () => {
    const redis = await ownRedis()
    const counters = await opened(redis.url, { timeoutMs: patient })
    const one: CounterRule = { key: 'in order', limit: { algorithm: 'concurrency', quota: 1, windowMs: 0 }, cost: 1 }
    const { taken } = await counters.take([one], 'first')
    counters.correct([{ ...one, change: -1, taken }], 'first')
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect((await counters.take([one], 'second')).allowed).toBe(true)
  })

  it('share each limit exactly', async () => {
    const prefix = `test:{${randomUUID()}}:`
    const all = await Promise.all([1, 2, 3].map(() => opened(redisUrl(), { prefix, timeoutMs: patient })))
    const one = rule('shared', 1, 60)
    const decisions = await Promise.all(Array.from({ length: 300 }, async (_, call) => all[call % 3]?.take([one])))
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(60)
  })

  it('lets its counts expire', async () => {
    const prefix = `test:{${randomUUID()}}:`
    const counters = await opened(redisUrl(), { prefix, timeoutMs: patient })
    await counters.take([rule('short', 60, 5)])
    const client = createClient({ url: redisUrl() })
    await client.connect()
    const left = await client.pTTL(`${prefix}b:short`)
    client.destroy()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(7000)
  })
})

describe('a Redis that is dead', () => {
  it(
    'is replaced by local shares that go on from the last count, and joined again when it is back',
    timed,
    async () => {
      const redis = await ownRedis()
      const all = await Promise.all([1, 2].map(() => opened(redis.url, { timeoutMs: patient })))
      // Both have heard of each other once the first told Redis again that it lives.
      await sleep(5500)
      const one = rule('limited', 1, 40)
      expect((await load(all, one, 20)).admitted).toBe(20)
      await redis.kill()
      const away = await load(all, one, 200)
      expect(away.admitted).toBeGreaterThanOrEqual(18)
      expect(20 + away.admitted).toBeLessThanOrEqual(40 * 1.2)
      expect(all.map((counters) => counters.health().state)).toEqual(['degraded', 'degraded'])
      expect(away.waits.toSorted((a, b) => a - b)[100]).toBeLessThan(5)

      await redis.restart()
      for (const counters of all) await reached(counters, 'ok')
      // The new Redis is empty; what the replicas know of the key still binds.
      expect((await load(all, one, 50)).admitted).toBeLessThanOrEqual(1)
      expect((await load(all, rule('fresh', 1, 10), 30)).admitted).toBe(10)
    },
  )

  it('does not keep a process from starting, nor from being counted there later', async () => {
    const redis = await ownRedis()
    await redis.kill()
    const counters = createRedisCounters({ url: redis.url, clock: systemClock, log: silentLog, timeoutMs: patient })
    cleanup.push(() => counters.close())
    counters.start()
    const decision = counters.take([rule('early', 1, 2)])
    expect(decision).not.toBeInstanceOf(Promise)
    expect(counters.health().state).toBe('degraded')
    await redis.restart()
    await reached(counters, 'ok')
  })
})

describe('a Redis that is frozen', () => {
  it('costs one bounded wait, then none, counts nothing twice, and is used again when it wakes', timed, async () => {
    const redis = await ownRedis()
    const counters = await opened(redis.url)
    const one = rule('frozen', 1, 1000)
    await load([counters], one, 10)
    await reached(counters, 'ok')
    redis.signal('SIGSTOP')
    const { waits } = await load([counters], one, 190)
    expect(waits.filter((wait) => wait > 40).length).toBeLessThanOrEqual(3)
    expect(Math.max(...waits)).toBeLessThan(1000)
    expect(counters.health().state).toBe('degraded')
    redis.signal('SIGCONT')
    await reached(counters, 'ok')
    const { standings } = await counters.take([one])
    // 201 were taken, one of them perhaps by a question that timed out and was answered after all.
    expect(1000 - (standings[0]?.remaining ?? 0)).toBeGreaterThanOrEqual(199)
    expect(1000 - (standings[0]?.remaining ?? 0)).toBeLessThanOrEqual(203)
  })

  it('gives up a connection that stays silent and makes a new one', async () => {
    const redis = await ownRedis()
    const counters = await opened(redis.url)
    redis.signal('SIGSTOP')
    await load([counters], rule('silent', 1, 10), 2)
    await sleep(6500)
    expect(counters.health().state).toBe('degraded')
    redis.signal('SIGCONT')
    await reached(counters, 'ok')
  })
})

describe('a Redis that is emptied', () => {
  it('loses its script and its counts, and refuses what the replicas remember', async () => {
    const redis = await ownRedis()
    const counters = await opened(redis.url, { timeoutMs: patient })
    const one = rule('emptied', 1, 10)
    await load([counters], one, 10)
    const client = createClient({ url: redis.url })
    await client.connect()
    await client.sendCommand(['SCRIPT', 'FLUSH'])
    await client.flushAll()
    client.destroy()
    expect((await load([counters], one, 20)).admitted).toBe(0)
    expect(counters.health().state).toBe('ok')
  })
})
