import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { createEntryStore } from './entries.store.ts'
import { type LedgerRow, toRow } from './row.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'
import { createUsageStore, type TotalsRow } from './usage.store.ts'
import { verifyLedger } from './verify.ts'

const HOUR_MS = 3_600_000
const start = Date.UTC(2026, 0, 31, 20)
const HOURS = 8

let home: TestDatabase
let database: Database

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 5 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

const rowArbitrary = fc.record({
  at: fc.integer({ min: start, max: start + HOURS * HOUR_MS }),
  keyId: fc.constantFrom('abcdefghijkl', 'mnopqrstuvwx'),
  user: fc.constantFrom(null, 'one', 'other'),
  target: fc.constantFrom('up/gpt-4o-mini', 'up/gpt-4o'),
  cost: fc.option(fc.bigInt({ min: 0n, max: 10n ** 12n })),
  estimated: fc.boolean(),
  amounts: fc.constantFrom(
    undefined,
    { images: 2, audioMs: 0, characters: 0 },
    { images: 0, audioMs: 1_500, characters: 40 },
  ),
})
type Given = typeof rowArbitrary extends fc.Arbitrary<infer Value> ? Value : never

const rowOf = ({ at, keyId, user, target, cost, estimated, amounts }: Given): LedgerRow => {
  const { usage } = sampleSettlement()
  const media = amounts && { ...amounts, size: null, quality: null, inputTokens: 0, outputTokens: 0 }
  const settlement = sampleSettlement({ target, cost, estimated, usage: { ...usage, ...(media && { media }) } })
  return toRow(sampleIntent({ at, keyId, user, target }), [], settlement)
}

const shape = (row: TotalsRow) => {
  const { group_name, requests, unpriced_requests, estimated_requests, output_tokens, cost_nano } = row
  const counted = [requests, unpriced_requests, estimated_requests, output_tokens, cost_nano]
  return [group_name, ...counted, row.images, row.audio_ms, row.characters].map(String).join(' ')
}

/** The same sums without the database. */
const sums = (rows: readonly LedgerRow[], groupOf: (row: LedgerRow) => string | null): string[] =>
  [...Map.groupBy(rows, groupOf)].map(([group, list]) =>
    [
      String(group),
      list.length,
      list.filter(({ cost }) => cost === null).length,
      list.filter(({ estimated }) => estimated).length,
      list.reduce((sum, row) => sum + row.outputTokens, 0),
      list.reduce((sum, row) => sum + (row.cost ?? 0n), 0n),
      list.reduce((sum, { amounts }) => sum + amounts.images, 0),
      list.reduce((sum, { amounts }) => sum + amounts.audioMs, 0),
      list.reduce((sum, { amounts }) => sum + amounts.characters, 0),
    ].join(' '),
  )

test('reports over any range are the sums of its entries, though whole hours come from the sums', async () => {
  const store = createEntryStore(database, noFaults)
  const usage = createUsageStore(database)
  const rows = fc.sample(rowArbitrary, { numRuns: 400, seed: 11 }).map(rowOf)
  // Several replicas drain at once, and one sends again what it had no answer to.
  const batches = Array.from({ length: 8 }, (_, index) => rows.slice(index * 50, index * 50 + 50))
  await Promise.all(batches.map((batch) => store.write(batch)))
  await store.write(rows.slice(0, 120))

  const time = fc.oneof(
    fc.integer({ min: start - HOUR_MS, max: start + (HOURS + 1) * HOUR_MS }),
    fc.integer({ min: -1, max: HOURS + 1 }).map((hours) => start + hours * HOUR_MS),
  )
  await fc.assert(
    fc.asyncProperty(time, time, async (one, other) => {
      const range = { from: Math.min(one, other), to: Math.max(one, other) }
      const within = rows.filter(({ at }) => at >= range.from && at < range.to)
      const groups = {
        model: (row: LedgerRow) => row.target,
        key: (row: LedgerRow) => row.keyId,
        user: (row: LedgerRow) => row.user,
        day: (row: LedgerRow) => new Date(row.at).toISOString().slice(0, 10),
      }
      for (const [grouping, groupOf] of Object.entries(groups)) {
        const report = await usage.report(grouping as keyof typeof groups, null, range)
        expect(report.map(shape).toSorted(), grouping).toEqual(sums(within, groupOf).toSorted())
      }
      const filter = { projectId: 'default', keyId: 'abcdefghijkl', user: 'one', range }
      const expected = within.filter(({ keyId, user }) => keyId === filter.keyId && user === filter.user)
      const [whole = 'null 0 0 0 0 0 0 0 0'] = sums(expected, () => null)
      expect(shape(await usage.totals(filter))).toBe(whole)
    }),
    { numRuns: 25, seed: 5 },
  )
  expect(await verifyLedger(database)).toMatchObject({ ok: true, findings: [] })
})

test('nothing but the statement that adds entries changes the sums', async () => {
  for (const statement of [
    'UPDATE headgate.usage_hours SET cost_nano = 0',
    'DELETE FROM headgate.usage_hours',
    'TRUNCATE headgate.usage_hours',
  ])
    await expect(
      database.transaction('system', ({ execute }) => execute(statement)),
      statement,
    ).rejects.toMatchObject({ code: '42501' })
})
