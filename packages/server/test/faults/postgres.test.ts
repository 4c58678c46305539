import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { startPostgres, type TestService } from '../support/services.ts'
import { type Answer, ask, askStream, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { budgetTruth, ledgerRows } from './support/ledger-rows.ts'
import { countStatuses, pause, startLoad, until } from './support/load.ts'
import { openHolds } from './support/metric.ts'
import { timed as measured } from '../support/timed.ts'

let postgres: TestService
let house: House
let door: Door
let budgeted: Door
/** A key that exists and that this process has never seen used. */
let unused: string[]

beforeAll(async () => {
  postgres = await startPostgres({ durable: true })
  house = await startHouse({ databaseUrl: postgres.url })
  door = { url: house.url, key: (await house.makeKey()).key }
  const fields = { budget: { limit_usd: '50', window: 'total' } }
  budgeted = { url: house.url, key: (await house.makeKey(fields)).key }
  unused = []
  for (let count = 0; count < 4; count += 1) unused.push((await house.makeKey()).key)
  for (const one of [door, budgeted]) await ask(one, 'up/gpt-4o-mini')
})
afterAll(async () => {
  postgres.signal('SIGCONT')
  await house.stop()
  await postgres.stop()
})

const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
  const start = performance.now()
  const value = await work
  return [value, performance.now() - start]
}

const readiness = async () => {
  const answer = await house.request('/readyz')
  return { httpStatus: answer.status, ...((await answer.json()) as { status: string }) }
}

/** I1 and I2: every answered call is one row with the provider's own counts, and the budget knows them all. */
const expectTrueLedger = async (answers: readonly Answer[]) => {
  await until(
    'the rows are in PostgreSQL',
    async () => {
      await house.settled()
      return true
    },
    20_000,
  )
  const rows = (await ledgerRows(postgres.url)).filter(({ provider }) => provider === 'up')
  const ids = rows.map(({ request_id }) => request_id)
  expect(new Set(ids).size).toBe(ids.length)
  const byId = new Map(rows.map((row) => [row.request_id, row]))
  const served = answers.filter(({ status }) => status === 200)
  const missing = served.filter(({ requestId }) => !byId.has(requestId))
  expect(missing).toHaveLength(0)
  const truth = callsOf(house.upstream).filter(({ outcome }) => outcome === 'complete')
  expect(rows.filter(({ outcome }) => outcome === 'complete')).toHaveLength(truth.length)
  for (const real of truth) {
    const row = byId.get(real.request_id ?? '')
    expect(row?.input_tokens).toBe(String(real.prompt_tokens))
    expect(row?.output_tokens).toBe(String(real.produced_tokens))
    expect(row?.cost_nano).toBe(String(real.prompt_tokens * 1000 + real.produced_tokens * 2000))
  }
  expect(await openHolds(house.url)).toBe(0)
  for (const window of await budgetTruth(postgres.url)) expect(window.spent).toBe(window.entries)
}

const expectRecovered = async (key: string) => {
  await until('an unknown key is read again', async () => (await ask({ url: house.url, key }, 'demo')).status === 200)
  await until('nothing is degraded', async () => (await readiness()).status === 'ok')
}

describe('PostgreSQL', () => {
  it('killed under load: known keys are served, unknown ones get 503, nothing is lost or doubled', async () => {
    const known = startLoad(40, () => ask(door, 'up/gpt-4o-mini'))
    const paying = startLoad(10, () => askStream(budgeted, 'up/gpt-4o-mini', { max_tokens: 16 }))
    await pause(600)
    await postgres.kill()
    const [stranger, strangerMs] = await timed(ask({ url: house.url, key: unused[0] as string }, 'demo'))
    expect(stranger).toMatchObject({ status: 503, code: 'database_unavailable' })
    expect(strangerMs).toBeLessThan(5_000)
    const [admin] = await timed(house.request('/admin/v1/keys', { body: { name: 'late' } }))
    expect(admin.status).toBe(503)
    expect((await house.request('/livez')).status).toBe(200)
    await until('it is noticed', async () => (await readiness()).status === 'degraded', 5_000)
    expect((await readiness()).httpStatus).toBe(200)
    await pause(1_500)
    await postgres.restart()
    await expectRecovered(unused[0] as string)
    const cached = await known.stop()
    const leased = await paying.stop()
    const counts = countStatuses(cached.answers)
    expect(cached.refused + leased.refused).toBe(0)
    expect((counts[200] ?? 0) / cached.answers.length).toBeGreaterThanOrEqual(0.99)
    // A budget is spent from its lease; without one, the answer is an honest 503.
    for (const { status, code } of leased.answers)
      if (status !== 200) expect({ status, code }).toEqual({ status: 503, code: 'database_unavailable' })
    await expectTrueLedger([...cached.answers, ...leased.answers])
  })

  it('frozen: every wait is bounded, readiness stays, and it recovers', measured, async () => {
    const known = startLoad(20, () => ask(door, 'up/gpt-4o-mini'))
    await pause(300)
    postgres.signal('SIGSTOP')
    const strangers = unused.slice(1).map((key) => timed(ask({ url: house.url, key }, 'demo')))
    const usage = timed(house.request('/v1/usage', { key: door.key }))
    const [live, liveMs] = await timed(house.request('/livez'))
    expect(live.status).toBe(200)
    expect(liveMs).toBeLessThan(1_000)
    for (const [answer, milliseconds] of await Promise.all(strangers)) {
      expect(answer).toMatchObject({ status: 503, code: 'database_unavailable' })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(milliseconds).toBeLessThan(5_000)
    }
    const [read, readMs] = await usage
    expect(read.status).toBe(503)
    expect(readMs).toBeLessThan(5_000)
    await until('it is noticed', async () => (await readiness()).status === 'degraded', 15_000)
    const [ready, readyMs] = await timed(readiness())
    expect(ready.httpStatus).toBe(200)
    expect(readyMs).toBeLessThan(1_500)
    postgres.signal('SIGCONT')
    await expectRecovered(unused[1] as string)
    const cached = await known.stop()
    expect(cached.refused).toBe(0)
    expect(countStatuses(cached.answers)).toEqual({ 200: cached.answers.length })
    await expectTrueLedger(cached.answers)
  })
})
