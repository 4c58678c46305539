import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { Hold } from '../../domain/hold.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { type FaultPoints, noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import type { CallerInput, Reply } from '../../kernel/route.ts'
import { createLedger, type Ledger, type LedgerOptions } from './ledger.ts'
import { keyBudget, sampleIntent, sampleSettlement } from './test/samples.ts'
import { verifyLedger } from './verify.ts'

let home: TestDatabase
let database: Database
let directory: string
const opened: Ledger[] = []

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 5 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headgate-ledger-'))
})
afterEach(async () => {
  for (const ledger of opened.splice(0)) await ledger.stop()
  await rm(directory, { recursive: true, force: true })
})

const open = async (given: Partial<LedgerOptions> = {}) => {
  const ledger = createLedger({
    database,
    journalDirectory: directory,
    clock: systemClock,
    faultPoints: noFaults,
    log: silentLog,
    ...given,
  })
  opened.push(ledger)
  await ledger.start()
  return ledger
}

const makeBudget = async (id: string, limit: bigint, window: 'total' | 'hour' = 'total') => {
  await database.transaction('system', (transaction) =>
    createBudget(transaction, { id, projectId: 'default', limit, window }),
  )
}
const createBudget = async (...[transaction, budget]: Parameters<Ledger['budgets']['put']>): Promise<void> => {
  const { putBudget } = await import('./budgets.store.ts')
  await putBudget(transaction, budget)
}

const rowsOf = async (ids: readonly string[]) =>
  database.read('system', async ({ query }) => {
    const { rows } = await query<{ request_id: string; outcome: string; cost_nano: bigint; output_tokens: bigint }>(
      'SELECT request_id, outcome, cost_nano, output_tokens FROM headgate.ledger_entries WHERE request_id = ANY ($1)',
      [ids],
    )
    return rows
  })

const expectClean = async () => expect((await verifyLedger(database)).findings).toEqual([])

test('a settled call is one row with its tries; the first outcome stands', async () => {
  const ledger = await open()
  const hold = ledger.reserve(sampleIntent({ user: 'ann\0e\ud800' })) as Hold
  expect(ledger.stats().openHolds).toBe(1)
  hold.settle(sampleSettlement())
  hold.settle(sampleSettlement({ outcome: 'failed', cost: 7n }))
  await ledger.flush()
  expect(await rowsOf([hold.intent.id])).toEqual([
    { request_id: hold.intent.id, outcome: 'complete', cost_nano: 500_000_000n, output_tokens: 20n },
  ])
  expect(ledger.stats()).toMatchObject({ openHolds: 0, queued: 0, droppedRecords: 0, lostRows: 0, refusedRows: 0 })
  await expectClean()
})

test('200 calls at once against a budget for 10: exactly 10 are admitted', async () => {
  await makeBudget('race', 10_000_000_000n)
  const ledger = await open()
  const calls = await Promise.allSettled(
    Array.from({ length: 200 }, async () => ledger.reserve(sampleIntent({ budgets: [keyBudget('race')] }))),
  )
  const holds = calls.flatMap((call) => (call.status === 'fulfilled' ? [call.value] : []))
  expect(holds).toHaveLength(10)
  for (const call of calls)
    if (call.status === 'rejected') expect(call.reason).toMatchObject({ code: 'budget_exceeded' })
  for (const hold of holds) hold.settle(sampleSettlement({ cost: 1_000_000_000n }))
  await ledger.flush()
  expect((await ledger.budgets.state(['race'])).get('race')).toMatchObject({
    spent: 10_000_000_000n,
    reserved: 0n,
    remaining: 0n,
  })
  await expectClean()
})

test('variable cost: what is not used comes back, and the ledger stays within the limit', async () => {
  await makeBudget('variable', 20_000_000_000n)
  const ledger = await open()
  let admitted = 0
  const work = async () => {
    for (;;) {
      try {
        const hold = await ledger.reserve(sampleIntent({ budgets: [keyBudget('variable')] }))
        admitted++
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        hold.settle(sampleSettlement({ cost: BigInt(Math.floor(Math.random() * 1_000_000_000)) }))
      } catch (cause) {
        expect(cause).toMatchObject({ code: 'budget_exceeded' })
        return
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  await ledger.flush()
  const state = (await ledger.budgets.state(['variable'])).get('variable')
  expect(state?.spent).toBeLessThanOrEqual(20_000_000_000n)
  expect(admitted).toBeGreaterThan(25)
  await expectClean()
  await expect
    .poll(async () => (await ledger.budgets.state(['variable'])).get('variable')?.reserved, { timeout: 10_000 })
    .toBe(0n)
})

test('an idle lease goes to the replica that runs short', async () => {
  await makeBudget('hoard', 32_000_000_000n)
  const one = await open()
  const two = await open({ journalDirectory: join(directory, 'two') })
  const first = await one.reserve(sampleIntent({ budgets: [keyBudget('hoard')], worstCase: 31_000_000_000n }))
  first.settle(sampleSettlement({ cost: 1_000_000_000n }))
  // One now holds 30 USD that lie idle, two needs 31 of the 31 that are left.
  const second = await two.reserve(sampleIntent({ budgets: [keyBudget('hoard')], worstCase: 31_000_000_000n }))
  second.settle(sampleSettlement({ cost: 31_000_000_000n }))
  await one.flush()
  await two.flush()
  expect((await one.budgets.state(['hoard'])).get('hoard')).toMatchObject({ spent: 32_000_000_000n })
  await expectClean()
})

test('a window is full again when the next begins, and late calls count for the window they were admitted in', async () => {
  await makeBudget('hourly', 1_000_000_000n, 'hour')
  let now = Date.UTC(2030, 0, 1, 10, 59)
  const ledger = await open({ clock: { ...systemClock, now: () => now } })
  const early = await ledger.reserve(sampleIntent({ budgets: [keyBudget('hourly')], at: now }))
  await expect(async () =>
    ledger.reserve(sampleIntent({ budgets: [keyBudget('hourly')], at: now })),
  ).rejects.toMatchObject({
    code: 'budget_exceeded',
  })
  now += 2 * 60_000
  const late = await ledger.reserve(sampleIntent({ budgets: [keyBudget('hourly')], at: now }))
  late.settle(sampleSettlement({ cost: 400_000_000n }))
  early.settle(sampleSettlement({ cost: 900_000_000n }))
  await ledger.flush()
  expect((await ledger.budgets.state(['hourly'])).get('hourly')).toMatchObject({ spent: 400_000_000n })
  const { rows } = await database.read('system', ({ query }) =>
    query('SELECT spent_nano FROM headgate.budget_windows WHERE budget_id = $1 ORDER BY window_start', ['hourly']),
  )
  expect(rows).toEqual([{ spent_nano: 900_000_000n }, { spent_nano: 400_000_000n }])
  await expectClean()
})

test('a commit whose answer was lost is sent again and counts once', async () => {
  await makeBudget('lost-answer', 10_000_000_000n)
  let lost = 0
  const faultPoints: FaultPoints = {
    pass: (name) => {
      if (name === 'ledger.after-drain-commit' && lost++ === 0) throw new Error('the answer was lost')
    },
  }
  const ledger = await open({ faultPoints })
  const hold = await ledger.reserve(sampleIntent({ budgets: [keyBudget('lost-answer')] }))
  hold.settle(sampleSettlement())
  await expect(ledger.flush()).rejects.toThrow('the answer was lost')
  await ledger.flush()
  expect((await ledger.budgets.state(['lost-answer'])).get('lost-answer')).toMatchObject({ spent: 500_000_000n })
  expect(await rowsOf([hold.intent.id])).toHaveLength(1)
  await expectClean()
})

test('the lease of a silent replica is returned; when it comes back, it can touch nothing of it', async () => {
  await makeBudget('silent', 2_000_000_000n)
  const dead = await open()
  const held = await dead.reserve(sampleIntent({ budgets: [keyBudget('silent')], worstCase: 2_000_000_000n }))
  await database.transaction('system', ({ execute }) =>
    execute("UPDATE headgate.leases SET heartbeat_at = now() - interval '61 seconds' WHERE budget_id = $1", ['silent']),
  )
  const other = await open({ journalDirectory: join(directory, 'other') })
  const taken = await other.reserve(sampleIntent({ budgets: [keyBudget('silent')], worstCase: 1_500_000_000n }))
  held.settle(sampleSettlement({ cost: 100_000_000n }))
  taken.settle(sampleSettlement({ cost: 1_000_000_000n }))
  await dead.flush()
  await other.flush()
  expect((await other.budgets.state(['silent'])).get('silent')).toMatchObject({ spent: 1_100_000_000n })
  await expectClean()
})

test('usage can be read before and after it is in PostgreSQL, by the own project only', async () => {
  let away = true
  const faultPoints: FaultPoints = {
    pass: (name) => {
      if (away && name === 'ledger.before-drain-commit') throw new Error('away')
    },
  }
  const ledger = await open({ faultPoints })
  const hold = (await ledger.reserve(sampleIntent({ requestId: 'my-own-id', projectId: 'usage' }))) as Hold
  hold.settle(sampleSettlement())
  const call = async (path: string, projectId: string, params = {}, query = {}) => {
    const route = (
      ledger as unknown as { routes: { path: string; handle(input: CallerInput): Promise<Reply> }[] }
    ).routes.find((one) => one.path === path)
    const caller = {
      projectId,
      keyId: 'abcdefghijkl',
      kind: 'secret',
      tier: 'pro',
      models: null,
      budgetId: null,
      person: null,
    }
    const reply = await route?.handle({ params, query, exchange: { caller } } as unknown as CallerInput)
    return reply?.kind === 'json' ? (reply.value as Record<string, unknown>) : null
  }
  const one = '/v1/usage/:request_id'
  for (const request_id of [hold.intent.id, 'my-own-id']) {
    expect(await call(one, 'usage', { request_id })).toMatchObject({
      id: hold.intent.id,
      cost_usd: '0.5',
      recorded: false,
    })
  }
  await expect(call(one, 'foreign', { request_id: hold.intent.id })).rejects.toMatchObject({
    code: 'resource_not_found',
  })
  away = false
  await ledger.flush()
  for (const request_id of [hold.intent.id, 'my-own-id']) {
    expect(await call(one, 'usage', { request_id })).toMatchObject({
      recorded: true,
      tries: [{ status: 200, duration_ms: 12 }],
    })
  }
  await expect(call(one, 'foreign', { request_id: hold.intent.id })).rejects.toMatchObject({
    code: 'resource_not_found',
  })
  expect(await call('/v1/usage', 'usage')).toMatchObject({
    data: [{ id: hold.intent.id }],
    has_more: false,
    totals: { requests: 1, cost_usd: '0.5', output_tokens: 20 },
  })
  expect(await call('/admin/v1/usage', '', {}, { group_by: 'model', project: 'usage' })).toMatchObject({
    data: [{ group: 'up/gpt-4o-mini', requests: 1 }],
  })
})
