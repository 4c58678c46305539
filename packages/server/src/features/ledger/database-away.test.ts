import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type TestService } from '../../../test/support/services.ts'
import type { Hold } from '../../domain/hold.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { migrate } from '../../kernel/migrate.ts'
import { putBudget } from './budgets.store.ts'
import { createLedger } from './ledger.ts'
import { keyBudget, sampleIntent, sampleSettlement } from './test/samples.ts'
import { verifyLedger } from './verify.ts'

let postgres: TestService
let database: Database
let directory: string

beforeAll(async () => {
  postgres = await startPostgres({ durable: true })
  await migrate({ connection: { url: postgres.url }, log: silentLog })
  database = openDatabase({ connection: { url: postgres.url }, log: silentLog, poolSize: 4 })
  directory = await mkdtemp(join(tmpdir(), 'headgate-away-'))
})
afterAll(async () => {
  await database.close()
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
})

test('PostgreSQL killed under load and back: held leases go on, then 503; every row arrives once', {
  timeout: 120_000,
}, async () => {
  const limit = 64_000_000_000n
  await database.transaction('system', (transaction) =>
    putBudget(transaction, { id: 'away', projectId: 'default', limit, window: 'total' }),
  )
  const ledger = createLedger({
    database,
    journalDirectory: directory,
    clock: systemClock,
    faultPoints: noFaults,
    log: silentLog,
    queueLimit: 100,
    segmentBytes: 32 * 1024,
  })
  await ledger.start()
  const expected = new Map<string, bigint | null>()
  const settle = (hold: Hold, cost: bigint) => {
    hold.settle(sampleSettlement({ cost }))
    expected.set(hold.intent.id, cost)
  }
  const plainCalls = async (count: number) => {
    for (let index = 0; index < count; index++) {
      settle((await ledger.reserve(sampleIntent())) as Hold, BigInt(index))
      if (index % 50 === 0) await pause(1)
    }
  }
  await plainCalls(500)
  // Leaves a lease of a 32nd of 64 USD at hand: room for two calls.
  settle(await ledger.reserve(sampleIntent({ budgets: [keyBudget('away')] })), 1_000n)
  const during = plainCalls(3_000)
  await postgres.kill()
  const held = await ledger.reserve(sampleIntent({ budgets: [keyBudget('away')] }))
  const refusal = await Promise.resolve(
    ledger.reserve(sampleIntent({ budgets: [keyBudget('away')], worstCase: 30_000_000_000n })),
  ).catch((cause: unknown) => cause)
  expect(refusal).toMatchObject({ code: 'database_unavailable' })
  settle(held, 2_000n)
  await during
  await plainCalls(2_000)
  expect(ledger.stats()).toMatchObject({ behind: true, lostRows: 0, droppedRecords: 0 })
  expect(ledger.stats().queued).toBeLessThanOrEqual(100)
  expect(ledger.stats().journalSegments).toBeGreaterThan(2)

  await postgres.restart()
  await plainCalls(200)
  await expect
    .poll(
      () =>
        ledger.flush().then(
          () => 'done',
          () => 'away',
        ),
      { timeout: 30_000 },
    )
    .toBe('done')
  const { rows } = await database.read('system', ({ query }) =>
    query<{ request_id: string; cost_nano: bigint }>('SELECT request_id, cost_nano FROM headgate.ledger_entries'),
  )
  expect(rows).toHaveLength(expected.size)
  for (const row of rows) expect(row.cost_nano).toBe(expected.get(row.request_id))
  await expect
    .poll(async () => (await ledger.budgets.state(['away'])).get('away'), { timeout: 15_000 })
    .toMatchObject({ spent: 3_000n, reserved: 0n })
  expect((await verifyLedger(database)).findings).toEqual([])
  await expect.poll(() => ledger.stats().journalSegments).toBe(1)
  await ledger.stop()
})
