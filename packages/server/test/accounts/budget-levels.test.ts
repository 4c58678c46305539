import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyLedger } from '../../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../../src/kernel/db.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { readEntries, readReserved } from './support/books.ts'
import {
  type HeadgateProcess,
  startHeadgateProcess,
  startUpstreamProcess,
  type UpstreamProcess,
} from './support/processes.ts'

const REPLICAS = 3
const CALLS = 200
const model = 'gpt-4o-mini;delay=20'
const slowModel = 'gpt-4o-mini;delay=60000'
const price = { input: '0', output: '0', per_request: '0.01' }
const rule = (level: string, limit_usd: string) => ({ level, limit_usd, window: 'total', project: 'default' })

let folder: string
let testDatabase: TestDatabase
let database: Database
let upstream: UpstreamProcess
const headgates: HeadgateProcess[] = []

const start = (replica: number) =>
  startHeadgateProcess({
    folder: join(folder, `replica-${replica}`),
    upstreamUrl: upstream.url,
    databaseUrl: testDatabase.url,
    prices: { [model]: price, [slowModel]: price },
    config: { budgets: { everybody: rule('project', '5'), each: rule('user', '0.1') } },
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-levels-'))
  testDatabase = await freshDatabase()
  database = openDatabase({ connection: { url: testDatabase.url }, log: silentLog, poolSize: 2 })
  upstream = await startUpstreamProcess()
  for (let replica = 0; replica < REPLICAS; replica++) headgates.push(await start(replica))
}, 90_000)

afterAll(async () => {
  for (const headgate of headgates) headgate.kill('SIGKILL')
  await Promise.all(headgates.map(({ exited }) => exited))
  await upstream?.stop()
  await database?.close()
  await testDatabase?.drop()
  await rm(folder, { recursive: true, force: true })
})

const call = (index: number, key: string, user: string, of = model) =>
  (headgates[index % REPLICAS] as HeadgateProcess).request('/v1/chat/completions', {
    key,
    body: { model: `up/${of}`, messages: [{ role: 'user', content: 'race' }], user },
  })

/** What each account has spent, and what is held: by rule and subject. */
const accounts = async () => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ account: string; spent_nano: bigint }>(
      `SELECT concat_ws(' ', b.rule_name, b.subject) AS account, w.spent_nano
         FROM headgate.budget_windows w JOIN headgate.budgets b ON b.id = w.budget_id ORDER BY 1`,
    ),
  )
  return Object.fromEntries(rows.map(({ account, spent_nano }) => [account, Number(spent_nano) / 1e9]))
}

const nothingHeld = async () => {
  await expect
    .poll(() => readReserved(database), { timeout: 30_000, interval: 200 })
    .toEqual({ windows: 0n, leases: 0n })
  expect((await verifyLedger(database)).findings).toEqual([])
}

it(`admits exactly 10 of ${CALLS} calls over ${REPLICAS} processes, and charges refused ones to no budget`, async () => {
  const { key } = await (headgates[0] as HeadgateProcess).makeKey({ budget: { limit_usd: '1', window: 'total' } })
  const answers = await Promise.all(Array.from({ length: CALLS }, (_, index) => call(index, key, 'ann')))
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(10)
  expect(statuses.filter((status) => status === 429)).toHaveLength(CALLS - 10)
  await expect.poll(async () => (await readEntries(database)).length, { timeout: 15_000, interval: 100 }).toBe(10)
  await nothingHeld()
  // That of the key has no name.
  expect(await accounts()).toEqual({ '': 0.1, 'each ann': 0.1, 'everybody default': 0.1 })
  // Whichever processes saw the thresholds reached, each is told once.
  const alerts = async () => {
    const tellers = await Promise.all(headgates.map(async ({ request }) => (await request('/metrics')).text()))
    const lines = tellers.flatMap((text) => text.match(/^headgate_budget_alerts_total\{budget="each".*$/gm) ?? [])
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
  await expect.poll(alerts, { timeout: 10_000, interval: 100 }).toBe(3)
}, 60_000)

it('gives back what a killed process had reserved of every budget, and charges its calls to all of them', async () => {
  const { key } = await (headgates[0] as HeadgateProcess).makeKey()
  const users = ['bob', 'cat', 'dan', 'eve', 'fay', 'gus']
  const open = users.map((user) => call(1, key, user, slowModel).catch(() => null))
  const expected = (await readEntries(database)).length + users.length
  await expect
    .poll(async () => (await upstream.truth()).length, { timeout: 20_000, interval: 50 })
    .toBeGreaterThanOrEqual(expected)
  const killed = headgates[1] as HeadgateProcess
  killed.kill('SIGKILL')
  await killed.exited
  await Promise.all(open)
  headgates[1] = await start(1)
  await expect.poll(async () => (await readEntries(database)).length, { timeout: 30_000, interval: 100 }).toBe(expected)
  await nothingHeld()
  const entries = (await readEntries(database)).filter(({ outcome }) => outcome === 'killed')
  expect(entries.map(({ cost_nano }) => cost_nano)).toEqual(users.map(() => 10_000_000n))
  expect(await accounts()).toMatchObject({
    'everybody default': 0.16,
    ...Object.fromEntries(users.map((user) => [`each ${user}`, 0.01])),
  })
}, 90_000)
