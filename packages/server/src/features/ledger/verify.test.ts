import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { administer } from '../../../test/support/services.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { putBudget } from './budgets.store.ts'
import { createEntryStore } from './entries.store.ts'
import { toRow } from './row.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'
import { verifyLedger } from './verify.ts'

let home: TestDatabase
let database: Database

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 3 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

test('each broken account is found and named', async () => {
  for (const id of ['b', 'c'])
    await database.transaction('system', (transaction) =>
      putBudget(transaction, { id, projectId: 'default', limit: 900_000_000n, window: 'total' }),
    )
  await administer(
    home.url,
    `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id) VALUES ('b', 'epoch', 'default'), ('c', 'epoch', 'default')`,
  )
  const reservation = { budgetId: 'b', leaseId: 'none', windowStart: 0, amount: 500_000_000n, targets: null }
  const further = { ...reservation, budgetId: 'c', leaseId: 'none-2' }
  const row = toRow(sampleIntent(), [reservation, further], sampleSettlement())
  await createEntryStore(database, noFaults).write([row])
  expect(await verifyLedger(database)).toMatchObject({ ok: true, findings: [] })

  const breaks: [rule: string, ok: boolean, does: string, undoes: string][] = [
    [
      'spent-is-the-sum-of-entries',
      false,
      `UPDATE headgate.budget_windows SET spent_nano = spent_nano - 1 WHERE budget_id = 'c'`,
      `UPDATE headgate.budget_windows SET spent_nano = spent_nano + 1 WHERE budget_id = 'c'`,
    ],
    [
      'leased-is-the-sum-of-leases',
      false,
      `UPDATE headgate.budget_windows SET leased_nano = 1 WHERE budget_id = 'b'`,
      'UPDATE headgate.budget_windows SET leased_nano = 0',
    ],
    [
      'one-row-per-call',
      false,
      `INSERT INTO headgate.ledger_entries SELECT (e).* FROM (
         SELECT jsonb_populate_record(e, '{"at": "1999-01-01", "budget_id": null, "budget_window": null}') AS e
           FROM headgate.ledger_entries e) copy`,
      `DELETE FROM headgate.ledger_entries WHERE at < '2000-01-01'; DELETE FROM headgate.usage_hours WHERE hour < '2000-01-01';
       DELETE FROM headgate.usage_days WHERE day < '2000-01-01'`,
    ],
    [
      'hours-are-the-sum-of-entries',
      false,
      `UPDATE headgate.usage_hours SET output_tokens = output_tokens + 1;
       UPDATE headgate.usage_days SET output_tokens = output_tokens + 1`,
      `UPDATE headgate.usage_hours SET output_tokens = output_tokens - 1;
       UPDATE headgate.usage_days SET output_tokens = output_tokens - 1`,
    ],
    [
      'days-are-the-sum-of-hours',
      false,
      'UPDATE headgate.usage_days SET output_tokens = output_tokens + 1',
      'UPDATE headgate.usage_days SET output_tokens = output_tokens - 1',
    ],
    [
      'charges-have-their-entry',
      false,
      `UPDATE headgate.ledger_charges SET kind = 'correction'`,
      `UPDATE headgate.ledger_charges SET kind = 'call'`,
    ],
    [
      'tries-have-their-call',
      false,
      `UPDATE headgate.request_attempts SET request_id = 'other'`,
      `UPDATE headgate.request_attempts SET request_id = '${row.id}'`,
    ],
    [
      'within-the-limit',
      true,
      `UPDATE headgate.budgets SET limit_nano = 1 WHERE id = 'c'`,
      'UPDATE headgate.budgets SET limit_nano = 900000000',
    ],
  ]
  for (const [rule, ok, does, undoes] of breaks) {
    await administer(home.url, does)
    const report = await verifyLedger(database)
    expect(report.findings, rule).toHaveLength(1)
    expect(report.findings[0]).toContain(rule)
    expect(report.ok).toBe(ok)
    await administer(home.url, undoes)
  }
  expect((await verifyLedger(database)).findings).toEqual([])
})

test('the runtime role can add entries and neither change nor remove them, in any partition', async () => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent IN ('headgate.ledger_entries'::regclass, 'headgate.request_attempts'::regclass,
          'headgate.ledger_charges'::regclass)
        UNION SELECT unnest(ARRAY['headgate.ledger_entries', 'headgate.request_attempts', 'headgate.ledger_charges'])`,
    ),
  )
  expect(rows.length).toBeGreaterThanOrEqual(10)
  for (const { name } of rows) {
    for (const statement of [`UPDATE ${name} SET at = at`, `DELETE FROM ${name}`, `TRUNCATE ${name}`]) {
      await expect(
        database.transaction('system', ({ execute }) => execute(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  }
})
