import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyLedger } from '../../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../../src/kernel/db.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type Entry, readEntries, readReserved } from './support/books.ts'
import { type CallRecord, createCaller, inParallel } from './support/caller.ts'
import { type Figures, matchBooks } from './support/match.ts'
import { nanoPrice, planCalls, pricesOf } from './support/plan.ts'
import {
  type HeadgateProcess,
  startHeadgateProcess,
  startUpstreamProcess,
  type UpstreamProcess,
} from './support/processes.ts'

const CALLS = Number(process.env.TEST_ACCOUNTS_CALLS ?? 2_000)
const SEED = Number(process.env.TEST_ACCOUNTS_SEED ?? 20_260_101)
const WIDTH = 16
const calls = planCalls({ seed: SEED, count: CALLS, name: 'mixed', wrong: 0.3, partDelay: 3 })

let folder: string
let testDatabase: TestDatabase
let database: Database
let upstream: UpstreamProcess
let headgate: HeadgateProcess
let records: CallRecord[]
let entries: Entry[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-accounts-'))
  testDatabase = await freshDatabase()
  database = openDatabase({ connection: { url: testDatabase.url }, log: silentLog, poolSize: 2 })
  upstream = await startUpstreamProcess()
  headgate = await startHeadgateProcess({
    folder,
    upstreamUrl: upstream.url,
    databaseUrl: testDatabase.url,
    prices: pricesOf(calls),
    config: { timeouts: { first_byte_ms: 1_500, idle_ms: 1_500, total_ms: 4_000 } },
  })
  const budgeted = await headgate.makeKey({ budget: { limit_usd: '1000', window: 'total' } })
  const free = await headgate.makeKey()
  const caller = createCaller()
  records = await inParallel(calls, WIDTH, (plan, index) =>
    caller.call(headgate.url, index % 2 === 0 ? budgeted.key : free.key, plan),
  )
  caller.close()
}, 180_000)

afterAll(async () => {
  headgate?.kill('SIGKILL')
  await upstream?.stop()
  await database?.close()
  await testDatabase?.drop()
  await rm(folder, { recursive: true, force: true })
})

describe(`${CALLS} mixed calls, 30 % faults and callers who leave (seed ${SEED})`, () => {
  it('gives back every reservation once the calls are over', async () => {
    await expect
      .poll(() => readReserved(database), { timeout: 20_000, interval: 100 })
      .toEqual({ windows: 0n, leases: 0n })
  })

  it('has one row per call, exact where the call ended and within bounds where it did not', async () => {
    const open = async () => (await upstream.truth()).filter(({ outcome }) => outcome === 'open').length
    await expect.poll(open, { timeout: 10_000 }).toBe(0)
    await expect
      .poll(
        async () => (await (await headgate.request('/metrics')).text()).match(/^headgate_ledger_queue\S* (\d+)/m)?.[1],
        {
          timeout: 10_000,
        },
      )
      .toBe('0')
    entries = await readEntries(database)
    const truth = await upstream.truth()
    const { faults, figures } = matchBooks({ records, truth, entries, price: nanoPrice, killed: false })
    report(figures)
    expect(faults).toEqual([])
    expect(figures.outcomes.complete).toBeGreaterThan(CALLS * 0.6)
    for (const outcome of ['failed', 'client_gone', 'upstream_cut']) {
      expect(figures.outcomes[outcome], outcome).toBeGreaterThan(CALLS / 100)
    }
  })

  it('passes the ledger’s own verification, and drains on SIGTERM', async () => {
    expect((await verifyLedger(database)).findings).toEqual([])
    expect(await headgate.stop()).toBe(0)
    expect((await verifyLedger(database)).findings).toEqual([])
    expect(await readEntries(database)).toHaveLength(entries.length)
  })
})

const report = (figures: Figures) => {
  const faulty = calls.filter(({ fault }) => fault).length
  const left = calls.filter(({ leaveAfterMs, leaveAfterParts }) => leaveAfterMs !== null || leaveAfterParts !== null)
  process.stdout.write(`mixed calls: ${JSON.stringify({ faulty, leaving: left.length, ...figures })}\n`)
}
