import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { administer } from '../../../test/support/services.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { putBudget } from './budgets.store.ts'
import { createEntryStore } from './entries.store.ts'
import { readCalls } from './recompute.store.ts'
import { toRow } from './row.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'
import { scansOf } from './test/scans.ts'
import { createUpkeep } from './upkeep.ts'
import { createUsageStore } from './usage.store.ts'
import { verifyLedger } from './verify.ts'
import { budgetWindows } from './windows.ts'

const DAY_MS = 86_400_000
/** Months of history: January of 2024 to December of 2024, of which nothing is younger than a year. */
const months = Array.from({ length: 12 }, (_, index) => Date.UTC(2024, index, 1))
const nameOf = (month: number): string => new Date(month).toISOString().slice(0, 7).replace('-', 'm')

let home: TestDatabase
let database: Database

const inMonth = (month: number, index: number): number => month + index * 7 * 3_600_000 + 1_234
const rowAt = (at: number, cost = 1_000n) => {
  const monthStart = Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth(), 1)
  const reserve = (budgetId: string, windowStart: number) => ({
    ...{ budgetId, leaseId: `none-${budgetId}-${windowStart}`, windowStart, amount: 0n, targets: null },
  })
  return toRow(
    sampleIntent({ at, keyId: at % 2 === 0 ? 'abcdefghijkl' : 'mnopqrstuvwx' }),
    [reserve('total', 0), reserve('month', monthStart)],
    sampleSettlement({ cost }),
  )
}

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 3 })
  const partitions = months.flatMap((month) =>
    ['ledger_entries', 'request_attempts', 'ledger_charges'].map(
      (table) => `CREATE TABLE headgate.${table}_y${nameOf(month)} PARTITION OF headgate.${table}
        FOR VALUES FROM ('${new Date(month).toISOString()}') TO ('${new Date(Date.UTC(2024, new Date(month).getUTCMonth() + 1, 1)).toISOString()}')`,
    ),
  )
  await administer(home.url, ...partitions)
  for (const [id, window] of [
    ['total', 'total'],
    ['month', 'month'],
  ] as const)
    await database.transaction('system', (transaction) =>
      putBudget(transaction, { id, projectId: 'default', limit: 10n ** 15n, window }),
    )
  await administer(
    home.url,
    `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id) VALUES ('total', 'epoch', 'default')`,
    `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id)
     SELECT 'month', start, 'default' FROM generate_series('2024-01-01Z'::timestamptz, '2024-12-01Z', '1 month') start
     UNION ALL SELECT 'month', date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', 'default'`,
  )
  const rows = months.flatMap((month) => Array.from({ length: 90 }, (_, index) => rowAt(inMonth(month, index))))
  const store = createEntryStore(database, noFaults)
  await store.write(rows.slice(0, 540))
  await store.write([...rows.slice(540), rowAt(Date.now())])
}, 120_000)
afterAll(async () => {
  await database.close()
  await home.drop()
})

const allOf2024 = { from: months[0] ?? 0, to: Date.UTC(2025, 0, 1) }
const partitions = async (): Promise<string[]> => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'headgate.ledger_entries'::regclass ORDER BY 1`,
    ),
  )
  return rows.map(({ name }) => name).filter((name) => name.includes('_y2024'))
}
const findings = async () => (await verifyLedger(database)).findings
const again = () =>
  administer(home.url, `UPDATE headgate.ledger_upkeep SET claimed_until = to_timestamp(0), done_at = to_timestamp(0)`)
const build = (keepMonths: number | null, pass: () => void = () => {}) => {
  const said: string[] = []
  const say = (_: object, message: string) => void said.push(message)
  const log = { ...silentLog, error: say, info: say } as typeof silentLog
  const faultPoints = { pass }
  return { said, ...createUpkeep({ database, clock: systemClock, log, faultPoints, keepMonths: () => keepMonths }) }
}

test('what dashboards and callers read touches the months it is about, by their indexes, and sums for the rest', async () => {
  await administer(
    home.url,
    'ANALYZE headgate.ledger_entries',
    'ANALYZE headgate.usage_hours',
    'ANALYZE headgate.usage_days',
  )
  const range = { from: (months[2] ?? 0) + 3 * DAY_MS + 90_000, to: (months[9] ?? 0) + 5 * DAY_MS + 90_000 }
  const filter = { projectId: 'default', keyId: null, user: null, range }
  const edges = new Set(['ledger_entries_y2024m03', 'ledger_entries_y2024m10'])
  const sums = new Set(['usage_hours', 'usage_days'])
  const oneMonth = { from: (months[4] ?? 0) + DAY_MS, to: (months[4] ?? 0) + 9 * DAY_MS }
  const reads: [what: string, may: ReadonlySet<string>, work: (spied: Database) => Promise<unknown>][] = [
    ['totals', new Set([...edges, ...sums]), (spied) => createUsageStore(spied).totals(filter)],
    ['report', new Set([...edges, ...sums]), (spied) => createUsageStore(spied).report('model', null, range)],
    [
      'list',
      new Set(['ledger_entries_y2024m05']),
      (spied) => createUsageStore(spied).list({ ...filter, range: oneMonth, limit: 20, after: null }),
    ],
    [
      'recompute',
      new Set(['ledger_entries_y2024m05']),
      (spied) =>
        spied.read('system', (read) =>
          readCalls(
            read,
            { from: new Date(oneMonth.from), to: new Date(oneMonth.to), model: null },
            { at: new Date(oneMonth.from), id: '' },
            10,
          ),
        ),
    ],
  ]
  for (const [what, may, work] of reads) {
    const scans = await scansOf(database, work)
    expect(
      scans.filter(({ table }) => !may.has(table)),
      what,
    ).toEqual([])
    expect(scans.length, what).toBeGreaterThan(0)
    expect(
      scans.filter(({ how }) => how === 'Seq Scan'),
      what,
    ).toEqual([])
  }
  // One call is looked up in every month, by an index of each.
  const found = await scansOf(database, (spied) => createUsageStore(spied).find('default', 'req_unknown'))
  expect(found.length).toBeGreaterThan(12)
  expect(found.filter(({ how }) => how === 'Seq Scan')).toEqual([])
})

test('a month ends only when its sums are proven, all or nothing, and what it came to stays in every account and report', async () => {
  const usage = createUsageStore(database)
  const before = await usage.report('model', null, allOf2024)
  expect(before[0]).toMatchObject({ requests: 1_080n, cost_nano: 1_080_000n })
  expect(await findings()).toEqual([])

  const forEver = build(null)
  expect(await forEver.run()).toBe(true)
  expect(await forEver.run()).toBe(false)
  expect(await partitions()).toHaveLength(12)

  await again()
  await administer(
    home.url,
    `UPDATE headgate.usage_hours SET cost_nano = cost_nano + 1 WHERE hour >= '2024-01-20Z' AND hour < '2024-01-21Z'`,
  )
  const broken = build(12)
  expect(await broken.run()).toBe(true)
  expect(broken.said).toEqual(['A month of the ledger stays: its sums differ from its rows'])
  expect(await partitions()).toHaveLength(12)
  await administer(
    home.url,
    `UPDATE headgate.usage_hours SET cost_nano = cost_nano - 1 WHERE hour >= '2024-01-20Z' AND hour < '2024-01-21Z'`,
  )
  expect(await findings()).toEqual([])

  // January has 31 days and its end: this is in the middle of February.
  await again()
  let passes = 0
  const dying = build(12, () => {
    passes++
    if (passes === 45) throw new Error('killed')
  })
  await expect(dying.run()).rejects.toThrow('killed')
  expect(await partitions()).toEqual(
    months
      .slice(1)
      .map((month) => `ledger_entries_y${nameOf(month)}`)
      .map((name) => `headgate.${name}`),
  )
  expect(await findings()).toEqual([])
  // Its claim stands for an hour; then the next one goes on.
  expect(await build(12).run()).toBe(false)
  await administer(home.url, 'UPDATE headgate.ledger_upkeep SET claimed_until = to_timestamp(0)')
  expect(await build(12).run()).toBe(true)
  // Of 2024, what ended twelve whole months before this one.
  const left = (await partitions()).length
  expect(left).toBeLessThan(12)
  expect(await findings()).toEqual([])
  expect(await usage.report('model', null, allOf2024)).toEqual(before)
  const { rows: seals } = await database.read('system', ({ query }) =>
    query<{ months: bigint; entries: bigint; windows: bigint }>(
      `SELECT count(*) AS months, sum(entries)::bigint AS entries, (SELECT count(*) FROM headgate.ledger_sealed_windows) AS windows
         FROM headgate.ledger_sealed_months`,
    ),
  )
  const ended = BigInt(12 - left)
  expect(seals).toEqual([{ months: ended, entries: ended * 90n, windows: ended * 2n }])

  // A row that comes years late is kept apart and counted all the same.
  await createEntryStore(database, noFaults).write([rowAt(inMonth(months[0] ?? 0, 3), 7n)])
  expect(await findings()).toEqual([])
  expect((await usage.report('model', null, allOf2024))[0]).toMatchObject({ requests: 1_081n, cost_nano: 1_080_007n })
  await administer(
    home.url,
    `UPDATE headgate.ledger_sealed_windows SET cost_nano = cost_nano + 1 WHERE budget_id = 'total'`,
  )
  expect(await findings()).toHaveLength(1)
  await administer(
    home.url,
    `UPDATE headgate.ledger_sealed_windows SET cost_nano = cost_nano - 1 WHERE budget_id = 'total'`,
  )
  await administer(
    home.url,
    "UPDATE headgate.usage_days SET output_tokens = output_tokens + 1 WHERE day < '2024-01-02Z'",
  )
  expect((await findings()).length).toBeGreaterThan(0)
  await administer(
    home.url,
    "UPDATE headgate.usage_days SET output_tokens = output_tokens - 1 WHERE day < '2024-01-02Z'",
  )
  expect(await findings()).toEqual([])
}, 60_000)

test('nobody ends a month that is young, out of order, or not sealed', async () => {
  const call = (text: string, scope: Parameters<Database['transaction']>[0] = 'system') =>
    database.transaction(scope, ({ query }) => query(text))
  const lastMonth = `date_trunc('month', now()) - interval '1 month'`
  await expect(call(`SELECT headgate.seal_ledger_day(${lastMonth}, 12)`)).rejects.toThrow('is no month that ended')
  await expect(call(`SELECT headgate.seal_ledger_day('2024-11-01Z', 11)`)).rejects.toThrow('at least 12')
  await expect(call(`SELECT headgate.drop_ledger_month('2023-01-01Z', 12)`)).rejects.toThrow('is not sealed')
  await expect(call(`SELECT headgate.drop_ledger_month('2023-01-01Z', 12)`, { project: 'default' })).rejects.toThrow(
    'by the house alone',
  )
  await expect(call('DELETE FROM headgate.ledger_sealed_months')).rejects.toMatchObject({ code: '42501' })
})

test('windows and accounts long past are taken away, and nothing that still counts', async () => {
  const old = new Date(Date.now() - 100 * DAY_MS).toISOString()
  const inserts = budgetWindows.map(
    (window) => `INSERT INTO headgate.budgets (id, project_id, limit_nano, budget_window, subject, updated_at)
      VALUES ('old-${window}', 'default', 1, '${window}', 's', '${old}');
      INSERT INTO headgate.budget_windows (budget_id, window_start, project_id) VALUES ('old-${window}', '${old}', 'default')`,
  )
  await administer(
    home.url,
    ...inserts,
    `INSERT INTO headgate.budgets (id, project_id, limit_nano, budget_window, subject, updated_at) VALUES ('new', 'default', 1, 'day', 's', now())`,
    `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id, leased_nano) VALUES ('old-hour', '2020-01-01Z', 'default', 1)`,
    `INSERT INTO headgate.leases (id, budget_id, window_start, project_id, replica_id, epoch, amount_nano)
     VALUES ('held', 'old-hour', '2020-01-01Z', 'default', 'r', 'e', 1)`,
  )
  await again()
  expect(await build(null).run()).toBe(true)
  const { rows } = await database.read('system', ({ query }) =>
    query<{ id: string; windows: bigint }>(
      `SELECT b.id, count(w.*) AS windows FROM headgate.budgets b LEFT JOIN headgate.budget_windows w ON w.budget_id = b.id
        WHERE b.subject IS NOT NULL GROUP BY 1 ORDER BY 1`,
    ),
  )
  expect(rows).toEqual([
    { id: 'new', windows: 0n },
    { id: 'old-day', windows: 1n },
    { id: 'old-hour', windows: 1n },
    { id: 'old-month', windows: 1n },
    { id: 'old-total', windows: 1n },
  ])
  expect(await findings()).toEqual([])
})
