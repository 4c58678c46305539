import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'
import { administer } from '../../test/support/services.ts'
import { systemClock } from './clock.ts'
import { bucketOf, type Counters, type CounterRule } from './counters.ts'
import { describeCounters } from './counters.conformance.ts'
import { createPostgresCounters } from './counters.postgres.ts'
import { type Database, openDatabase } from './db.ts'
import { silentLog } from './log.ts'

const patient = 5000

let fresh: TestDatabase
let database: Database
beforeAll(async () => {
  fresh = await freshDatabase()
  database = openDatabase({ connection: { url: fresh.url }, log: silentLog })
})
afterAll(async () => {
  await database.close()
  await fresh.drop()
})

const open = async (): Promise<Counters> => {
  const counters = createPostgresCounters({
    database,
    clock: systemClock,
    log: silentLog,
    timeoutMs: patient,
  })
  counters.start()
  await vi.waitFor(() => expect(counters.health().state).toBe('ok'), { timeout: 10_000, interval: 10 })
  return counters
}

describeCounters('PostgreSQL', async () => {
  const prefix = randomUUID()
  return {
    counters: await open(),
    key: (name) => `${prefix}:${name}`,
    advance: (milliseconds) => sleep(milliseconds),
    now: systemClock.monotonic,
    // Corrections go into the next batch, before any later decision.
    settled: () => sleep(50),
  }
})

describe('replicas on one PostgreSQL', () => {
  const opened: Counters[] = []
  afterEach(async () => {
    for (const counters of opened.splice(0)) await counters.close()
  })

  it('share each limit exactly, whatever the order of the keys', async () => {
    const all = await Promise.all([1, 2, 3].map(open))
    opened.push(...all)
    const rule = (name: string, limit = bucketOf(1, 60)): CounterRule => ({ key: name, limit, cost: 1 })
    const [bucket, window] = [
      rule('shared bucket'),
      rule('shared window', { algorithm: 'sliding_window', quota: 40, windowMs: 600_000 }),
    ]
    const decisions = await Promise.all(
      Array.from({ length: 300 }, async (_, call) =>
        all[call % 3]?.take(call % 2 === 0 ? [bucket, window] : [window, bucket]),
      ),
    )
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(40)
  })

  it('knows what another replica gave back', async () => {
    const [one, other] = (await Promise.all([open(), open()])) as [Counters, Counters]
    opened.push(one, other)
    const rule: CounterRule = {
      key: 'tokens',
      limit: { algorithm: 'token_bucket', quota: 100, windowMs: 6e6 },
      cost: 40,
    }
    const rest = async () => (await other.take([{ ...rule, cost: 0 }])).standings[0]?.remaining
    const { taken, standings } = await one.take([rule])
    expect(await rest()).toBe(60)
    one.correct([{ ...rule, change: -30, taken, bucket: { fullInMs: standings[0]?.resetMs ?? 0, givenMs: 0 } }], 'call')
    await vi.waitFor(async () => expect(await rest()).toBe(90), { timeout: 5_000, interval: 10 })
  })

  it('gives back what a replica that died held, and keeps what a living one holds', async () => {
    const [one, other] = (await Promise.all([open(), open()])) as [Counters, Counters]
    opened.push(one, other)
    const place: CounterRule = { key: 'place', limit: { algorithm: 'concurrency', quota: 1, windowMs: 0 }, cost: 1 }
    expect((await one.take([place], 'call')).allowed).toBe(true)
    expect((await other.take([place], 'other call')).allowed).toBe(false)
    await administer(fresh.url, "UPDATE headgate.limit_holdings SET expires_at = now() WHERE holder = 'call'")
    expect((await other.take([place], 'other call')).allowed).toBe(true)
  })
})
