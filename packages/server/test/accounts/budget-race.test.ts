import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyLedger } from '../../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../../src/kernel/db.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { readEntries, readReserved } from './support/books.ts'
import { type CallRecord, createCaller, inParallel } from './support/caller.ts'
import type { PlannedCall } from './support/plan.ts'
import {
  type HeadgateProcess,
  startHeadgateProcess,
  startUpstreamProcess,
  type UpstreamProcess,
} from './support/processes.ts'

const CALLS = 200
const ROOM = 10
const BUDGETS = 3
const costNano = 10_000_000n
const model = 'gpt-4o-mini;delay=20'

/** Cost 0.00022 USD, worst case 0.0022: ten times as much is held as is used. */
const variable = { model: 'gpt-4o-mini;parts=10', maxTokens: 1_000, worstNano: 2_200_000n, limitNano: 10_000_000n }

const planned = (name: string): PlannedCall[] =>
  Array.from({ length: CALLS }, (_, index) => ({
    id: `${name}-${index}`,
    path: '/v1/chat/completions',
    stream: index % 2 === 0,
    model,
    body: JSON.stringify({
      model: `up/${model}`,
      messages: [{ role: 'user', content: 'race' }],
      stream: index % 2 === 0,
    }),
    fault: false,
    leaveAfterMs: null,
    leaveAfterParts: null,
  }))

describe.each([1, 3])('%i processes on one PostgreSQL', (replicas) => {
  let folder: string
  let testDatabase: TestDatabase
  let database: Database
  let upstream: UpstreamProcess
  let headgates: HeadgateProcess[] = []
  const caller = createCaller()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headgate-race-'))
    testDatabase = await freshDatabase()
    database = openDatabase({ connection: { url: testDatabase.url }, log: silentLog, poolSize: 2 })
    upstream = await startUpstreamProcess()
    headgates = []
    for (let replica = 0; replica < replicas; replica++) {
      headgates.push(
        await startHeadgateProcess({
          folder: join(folder, `replica-${replica}`),
          upstreamUrl: upstream.url,
          databaseUrl: testDatabase.url,
          prices: {
            [model]: { input: '0', output: '0', per_request: '0.01' },
            [variable.model]: { input: '0', output: '2', per_request: '0.0002' },
          },
        }),
      )
    }
  }, 90_000)

  afterAll(async () => {
    caller.close()
    for (const headgate of headgates) headgate.kill('SIGKILL')
    await Promise.all(headgates.map(({ exited }) => exited))
    await upstream?.stop()
    await database?.close()
    await testDatabase?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const race = async (name: string): Promise<CallRecord[]> => {
    const [first] = headgates as [HeadgateProcess]
    const { key } = await first.makeKey({ budget: { limit_usd: '0.1', window: 'total' } })
    return await Promise.all(
      planned(name).map((plan, index) => {
        const { url } = headgates[index % replicas] as HeadgateProcess
        return caller.call(url, key, plan)
      }),
    )
  }

  it(`admits exactly ${ROOM} of ${CALLS} parallel calls, ${BUDGETS} times over`, async () => {
    for (let budget = 0; budget < BUDGETS; budget++) {
      const records = await race(`race-${budget}`)
      const admitted = records.filter(({ ended }) => ended)
      const refused = records.filter(
        ({ status, errorCode, shouldRetry }) =>
          status === 429 && errorCode === 'budget_exceeded' && shouldRetry === 'false',
      )
      expect({ admitted: admitted.length, refused: refused.length }).toEqual({ admitted: ROOM, refused: CALLS - ROOM })
    }
  }, 60_000)

  it('has spent each budget to the last, and holds nothing', async () => {
    await expect
      .poll(async () => (await readEntries(database)).length, { timeout: 15_000, interval: 100 })
      .toBe(ROOM * BUDGETS)
    await expect
      .poll(() => readReserved(database), { timeout: 15_000, interval: 100 })
      .toEqual({ windows: 0n, leases: 0n })
    const entries = await readEntries(database)
    expect(entries.every((entry) => entry.outcome === 'complete' && entry.cost_nano === costNano)).toBe(true)
    const { rows } = await database.read('system', ({ query }) =>
      query<{ spent_nano: bigint }>('SELECT spent_nano FROM headgate.budget_windows'),
    )
    expect(rows).toEqual(Array.from({ length: BUDGETS }, () => ({ spent_nano: costNano * BigInt(ROOM) })))
    expect(await upstream.truth()).toHaveLength(ROOM * BUDGETS)
    expect((await verifyLedger(database)).findings).toEqual([])
  }, 40_000)

  it('spends a budget of variable cost up to the last worst case, and never beyond', async () => {
    const [first] = headgates as [HeadgateProcess]
    const { id, key } = await first.makeKey({ budget: { limit_usd: '0.01', window: 'total' } })
    let made = 0
    const callOnce = () => {
      const index = made++
      const { url } = headgates[index % replicas] as HeadgateProcess
      const messages = [{ role: 'user', content: 'race' }]
      const body = JSON.stringify({ model: `up/${variable.model}`, messages, max_tokens: variable.maxTokens })
      const [plan] = planned(`variable-${index}`) as [PlannedCall]
      return caller.call(url, key, { ...plan, stream: false, model: variable.model, body })
    }
    const together = await inParallel(Array.from({ length: 20 }), 6, callOnce)
    expect(together.filter(({ ended }) => ended).length).toBeGreaterThan(3)
    // A refusal holds for a moment, so that only several in a row say that nothing is left.
    for (let refusals = 0; refusals < 3 && made < 200; ) {
      const { ended } = await callOnce()
      refusals = ended ? 0 : refusals + 1
      if (!ended) await new Promise((resolve) => setTimeout(resolve, 300))
    }
    await expect
      .poll(() => readReserved(database), { timeout: 15_000, interval: 100 })
      .toEqual({ windows: 0n, leases: 0n })
    const cost = (await readEntries(database))
      .filter((entry) => entry.key_id === id)
      .map((entry) => entry.cost_nano ?? 0n)
    const left = variable.limitNano - cost.reduce((sum, amount) => sum + amount, 0n)
    expect(left).toBeGreaterThanOrEqual(0n)
    expect(left).toBeLessThan(variable.worstNano)
    expect((await verifyLedger(database)).findings).toEqual([])
  }, 60_000)
})
