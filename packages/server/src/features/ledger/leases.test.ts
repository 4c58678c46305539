import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { CommitOutcomeUnknown, DatabaseUnavailable } from '../../kernel/db-errors.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { putBudget, removeBudget } from './budgets.store.ts'
import { createLeases, type Leases } from './leases.ts'
import { createLeaseStore } from './leases.store.ts'
import { keyBudget, sampleIntent } from './test/samples.ts'
import { verifyLedger } from './verify.ts'
import { comesBackAt, countedFrom, windowEnd, windowStart } from './windows.ts'

let home: TestDatabase
let database: Database
let fault: Error | null = null
let later = 0

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 5 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

let today = Date.UTC(2030, 0, 1, 10, 59, 59)
const clock = { ...systemClock, now: () => today, monotonic: () => systemClock.monotonic() + later }
const failing: Database = {
  ...({} as Database),
  read: (scope, work) => (fault ? Promise.reject(fault) : database.read(scope, work)),
  transaction: async (scope, work) => {
    if (fault instanceof DatabaseUnavailable) throw fault
    const value = await database.transaction(scope, work)
    // The change was kept, and nobody heard of it.
    if (fault) throw fault
    return value
  },
}

const open = (replica: string): Leases =>
  createLeases({ store: createLeaseStore(failing, replica, `${replica}-1`, noFaults), clock, log: silentLog })

const put = (id: string, limit: bigint) =>
  database.transaction('system', (transaction) =>
    putBudget(transaction, { id, projectId: 'default', limit, window: 'total' }),
  )
const leased = async (id: string) => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ leased_nano: bigint }>('SELECT leased_nano FROM headgate.budget_windows WHERE budget_id = $1', [id]),
  )
  return rows[0]?.leased_nano
}
const reserve = async (leases: Leases, budgetId: string, worstCase: bigint) =>
  (await leases.reserve(sampleIntent({ budgets: [keyBudget(budgetId)], worstCase })))[0]

test('a lease is used without PostgreSQL, until its replica has been silent for 45 seconds', async () => {
  await put('fence', 3_200n)
  const leases = open('fence')
  await reserve(leases, 'fence', 10n)
  fault = new DatabaseUnavailable('away')
  later += 44_000
  expect(leases.reserve(sampleIntent({ budgets: [keyBudget('fence')], worstCase: 10n }))).toMatchObject([
    { amount: 10n },
  ])
  later += 2_000
  await expect(reserve(leases, 'fence', 10n)).rejects.toMatchObject({ code: 'database_unavailable' })
  fault = null
  expect(await reserve(leases, 'fence', 10n)).toMatchObject({ amount: 10n })
})

test('a grant whose commit was not answered is neither used nor lost', async () => {
  await put('doubt', 100n)
  const leases = open('doubt')
  fault = new CommitOutcomeUnknown('no answer')
  await expect(reserve(leases, 'doubt', 40n)).rejects.toMatchObject({ code: 'database_unavailable' })
  fault = null
  expect(await leased('doubt')).toBe(80n)
  await leases.round()
  expect(await leased('doubt')).toBe(0n)
  expect(await reserve(leases, 'doubt', 100n)).toMatchObject({ amount: 100n })
  expect((await verifyLedger(database)).findings).toEqual([])
})

test('a replica holds a 32nd of the remainder; what a lowered limit no longer covers goes back', async () => {
  await put('lowered', 3_200n)
  const leases = open('lowered')
  await reserve(leases, 'lowered', 10n)
  expect(await leased('lowered')).toBe(100n)
  await put('lowered', 10n)
  await leases.round()
  expect(await leased('lowered')).toBe(10n)
  await expect(reserve(leases, 'lowered', 1n)).rejects.toMatchObject({ code: 'budget_exceeded' })
})

test('a cancelled reservation comes back, and a removed budget holds nobody up', async () => {
  await put('removed', 10n)
  const leases = open('removed')
  const intent = sampleIntent({ budgets: [keyBudget('removed')], worstCase: 10n })
  const reservations = await leases.reserve(intent)
  await expect(reserve(leases, 'removed', 1n)).rejects.toMatchObject({ code: 'budget_exceeded' })
  leases.cancel(intent.id, reservations)
  expect(await reserve(leases, 'removed', 10n)).toMatchObject({ amount: 10n })
  await database.transaction('system', (transaction) => removeBudget(transaction, 'removed'))
  await leases.round()
  expect(await reserve(open('removed-2'), 'removed', 10n)).toBeUndefined()
})

test('money of the last window is not spent in the next', async () => {
  await database.transaction('system', (transaction) =>
    putBudget(transaction, { id: 'hourly', projectId: 'default', limit: 3_200n, window: 'hour' }),
  )
  const leases = open('hourly')
  expect(await reserve(leases, 'hourly', 10n)).toMatchObject({ windowStart: Date.UTC(2030, 0, 1, 10) })
  today += 1_000
  expect(await reserve(leases, 'hourly', 10n)).toMatchObject({ windowStart: Date.UTC(2030, 0, 1, 11) })
  expect(await reserve(leases, 'hourly', 3_190n)).toMatchObject({ windowStart: Date.UTC(2030, 0, 1, 11) })
})

test('a soft budget gives beyond its limit, says so, and holds nobody up while PostgreSQL is away', async () => {
  await put('soft', 100n)
  await database.transaction('system', ({ execute }) =>
    execute(`UPDATE headgate.budgets SET soft = true WHERE id = 'soft'`),
  )
  await put('beside', 1_000_000n)
  const leases = open('soft')
  const softly = (worstCase: bigint | null) =>
    sampleIntent({ budgets: [keyBudget('beside'), { ...keyBudget('soft'), soft: true }], worstCase })
  const call = async () => {
    const intent = softly(60n)
    const reservations = await leases.reserve(intent)
    return { reservations, over: leases.overrun(intent, reservations).map(({ id }) => id) }
  }
  expect((await call()).over).toEqual([])
  expect(await call()).toMatchObject({ reservations: [{ budgetId: 'beside' }, { budgetId: 'soft' }], over: ['soft'] })
  expect(await leases.reserve(sampleIntent({ budgets: softly(0n).budgets.slice(1), worstCase: null }))).toEqual([])
  fault = new DatabaseUnavailable('away')
  // The other budget still has a lease at hand.
  const away = await call()
  expect(away.reservations.map(({ budgetId }) => budgetId)).toEqual(['beside'])
  fault = null
})

test('of replicas that hold parts of a rolling window none passes its limit', async () => {
  await database.transaction('system', async (transaction) => {
    await putBudget(transaction, { id: 'rolling', projectId: 'default', limit: 100n, window: 'total' })
    await transaction.execute(`UPDATE headgate.budgets SET budget_window = 'rolling-hour' WHERE id = 'rolling'`)
  })
  const [one, two] = [open('rolling-1'), open('rolling-2')]
  today = Date.UTC(2031, 0, 1, 10, 59, 59)
  expect(await reserve(one, 'rolling', 70n)).toMatchObject({ amount: 70n })
  today = Date.UTC(2031, 0, 1, 11, 0, 0)
  await expect(reserve(two, 'rolling', 40n)).rejects.toMatchObject({ code: 'budget_exceeded' })
  const both = await Promise.allSettled([reserve(one, 'rolling', 20n), reserve(two, 'rolling', 20n)])
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('parts of a rolling window count until the whole of them is older than it', () => {
  const at = Date.UTC(2028, 1, 29, 23, 59, 59, 999)
  for (const [window, hours] of [
    ['rolling-hour', 1],
    ['rolling-day', 24],
    ['rolling-month', 720],
  ] as const) {
    const start = windowStart(window, at)
    const length = hours * 3_600_000
    expect(comesBackAt(window, start)).toBe((windowEnd(window, start) as number) + length)
    // A part still counts at every moment at which some of it is younger than the window.
    const last = (comesBackAt(window, start) as number) - 1
    expect(countedFrom(window, windowStart(window, last))).toBeLessThanOrEqual(start)
    expect(countedFrom(window, windowStart(window, last + 1))).toBeGreaterThan(start)
  }
})

test('windows begin and end in UTC', () => {
  const at = Date.UTC(2028, 1, 29, 23, 59, 59, 999)
  expect(windowStart('hour', at)).toBe(Date.UTC(2028, 1, 29, 23))
  expect(windowStart('day', at)).toBe(Date.UTC(2028, 1, 29))
  expect(windowStart('month', at)).toBe(Date.UTC(2028, 1, 1))
  expect(windowStart('total', at)).toBe(0)
  for (const window of ['hour', 'day', 'month'] as const) {
    expect(windowEnd(window, windowStart(window, at))).toBe(at + 1)
  }
  expect(windowEnd('total', 0)).toBeNull()
})

test('a call that costs nothing is admitted on a spent budget, and takes no lease', async () => {
  await put('spent', 10n)
  const leases = open('spent')
  await reserve(leases, 'spent', 10n)
  await expect(reserve(leases, 'spent', 1n)).rejects.toMatchObject({ code: 'budget_exceeded' })
  const count = leases.count()
  const free = sampleIntent({ budgets: [keyBudget('spent')], worstCase: 0n })
  expect(leases.reserve(free)).toEqual([])
  expect(open('spent-2').reserve(free)).toEqual([])
  expect(leases.count()).toBe(count)
})
