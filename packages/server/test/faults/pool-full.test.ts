import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { startPostgres, type TestService } from '../support/services.ts'
import { ask, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { countStatuses, startLoad, until } from './support/load.ts'

let postgres: TestService
let house: House
let door: Door
let unused: Door

beforeAll(async () => {
  postgres = await startPostgres({ maximumConnections: 20 })
  house = await startHouse({ databaseUrl: postgres.url })
  door = { url: house.url, key: (await house.makeKey()).key }
  unused = { url: house.url, key: (await house.makeKey()).key }
  await ask(door, 'demo')
})
afterAll(async () => {
  await house.stop()
  await postgres.stop()
})

const readiness = async () => ((await (await house.request('/readyz')).json()) as { status: string }).status

/** Takes every place that the server has, those of the house included. */
const takeEveryPlace = async (): Promise<pg.Client[]> => {
  const taken: pg.Client[] = []
  while (taken.length < 20) {
    const client = new pg.Client({ connectionString: postgres.url, application_name: 'hog' })
    client.on('error', () => undefined)
    try {
      await client.connect()
      taken.push(client)
    } catch {
      await taken[0]?.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> 'hog' AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'`,
      )
    }
  }
  return taken
}

it('with no connection left waits are bounded, known keys are served, and it recovers', async () => {
  const load = startLoad(20, () => ask(door, 'up/gpt-4o-mini'))
  const hogs = await takeEveryPlace()
  await until('it is noticed', async () => (await readiness()) === 'degraded')
  const strangers = await Promise.all(Array.from({ length: 30 }, () => ask(unused, 'demo')))
  for (const answer of strangers) {
    expect(answer).toMatchObject({ status: 503, code: 'database_unavailable' })
    expect(answer.milliseconds).toBeLessThan(5_000)
  }
  expect((await house.request('/livez')).status).toBe(200)
  for (const hog of hogs) await hog.end()
  await until('an unknown key is read again', async () => (await ask(unused, 'demo')).status === 200)
  await until('nothing is degraded', async () => (await readiness()) === 'ok')
  const { answers, refused } = await load.stop()
  expect(refused).toBe(0)
  expect(countStatuses(answers)).toEqual({ 200: answers.length })
  await house.settled()
  const rows = (await ledgerRows(postgres.url)).filter(({ provider }) => provider === 'up')
  expect(new Set(rows.map(({ request_id }) => request_id))).toEqual(
    new Set(callsOf(house.upstream).map(({ request_id }) => request_id)),
  )
  expect(rows).toHaveLength(answers.length)
})
