import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'
import { silentLog } from '../../kernel/log.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { createHourStore } from './hours.store.ts'
import { createMinuteStore } from './minutes.store.ts'
import type { Tally } from './minutes.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const now = Date.now()
/** The start of an hour three days ago. */
const then = now - (now % HOUR_MS) - 3 * DAY_MS
const week = { from: now - 6 * DAY_MS, to: now }

let house: House
let database: Database
let owner: pg.Client

beforeAll(async () => {
  house = await startHouse()
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog })
  owner = new pg.Client({ connectionString: house.databaseUrl })
  await owner.connect()
  for (const table of ['request_minutes', 'request_hours']) {
    for (let day = 2; day <= 7; day++) {
      const from = new Date(now - day * DAY_MS).toISOString().slice(0, 10)
      const to = new Date(now - (day - 1) * DAY_MS).toISOString().slice(0, 10)
      const name = `headgate.${table}_y${from.slice(0, 4)}m${from.slice(5, 7)}d${from.slice(8)}`
      await owner.query(
        `CREATE TABLE ${name} PARTITION OF headgate.${table} FOR VALUES FROM ('${from} 00:00+00') TO ('${to} 00:00+00')`,
      )
      await owner.query(`GRANT SELECT, INSERT, UPDATE ON ${name} TO headgate_runtime`)
    }
  }
})
afterAll(async () => {
  await owner.end()
  await database.close()
  await house.stop()
})

const tally = (minute: number, more: Partial<Tally>): Tally => ({
  minute,
  kind: 'request',
  route: '/v1/chat/completions',
  tier: 'pro',
  target: 'up/gpt-4o-mini',
  code: '',
  count: 2,
  totalMs: 50,
  inputTokens: 10,
  outputTokens: 4,
  durations: new Map([
    [50, 1],
    [60, 1],
  ]),
  firstBytes: new Map([[40, 2]]),
  ...more,
})

it('hours sum up the minutes of all processes, take in late ones, and are mended by night', async () => {
  const one = createMinuteStore(database, 'run_one', () => now)
  const other = createMinuteStore(database, 'run_other', () => now)
  const hours = createHourStore(database)
  const rollUp = (everyMs = DAY_MS) => hours.rollUp(everyMs, week)
  const counted = async () => {
    const { sums, durations, firstBytes } = await one.byGroup('model', week)
    return {
      counts: sums.map(({ group_name, code, count, total_ms, output_tokens }) => [
        group_name,
        code,
        Number(count),
        total_ms,
        Number(output_tokens),
      ]),
      durations: durations
        .map(({ bucket, count }) => [bucket, Number(count)])
        .sort(([one], [other]) => Number(one) - Number(other)),
      firstBytes: firstBytes.map(({ bucket, count }) => [bucket, Number(count)]),
    }
  }

  await one.write([tally(then + MINUTE_MS, {}), tally(then + 2 * MINUTE_MS, { code: 'upstream_error', count: 1 })])
  await other.write([tally(then + MINUTE_MS, { durations: new Map([[50, 2]]) })])
  expect(await counted()).toEqual({ counts: [], durations: [], firstBytes: [] })
  await rollUp()
  const first = {
    counts: [
      ['up/gpt-4o-mini', '', 4, 100, 8],
      ['up/gpt-4o-mini', 'upstream_error', 1, 50, 4],
    ],
    durations: [
      [50, 4],
      [60, 2],
    ],
    firstBytes: [[40, 6]],
  }
  expect(await counted()).toEqual(first)

  await owner.query(`UPDATE headgate.request_minutes SET written_at = now() - interval '1 hour'`)
  // Late: PostgreSQL was away, or the minute was written again.
  await one.write([tally(then + MINUTE_MS, { count: 7, totalMs: 70 })])
  await Promise.all([rollUp(), rollUp()])
  const second = { ...first, counts: [['up/gpt-4o-mini', '', 9, 120, 8], first.counts[1]] }
  expect(await counted()).toEqual(second)

  await owner.query(`UPDATE headgate.request_hours SET count = count + 5 WHERE code = ''`)
  await owner.query(
    `INSERT INTO headgate.request_hours SELECT hour, kind, route, tier, target, 'invalid_json', count, total_ms, input_tokens,
       output_tokens, durations, first_bytes FROM headgate.request_hours WHERE code = ''`,
  )
  await owner.query(`UPDATE headgate.request_rollup SET reconciled_at = now() - interval '25 hours'`)
  expect(await rollUp()).toEqual({ mended: 1 })
  const { counts, ...buckets } = await counted()
  expect(counts.filter(([, , count]) => count !== 0)).toEqual(second.counts)
  expect(buckets).toEqual({ durations: second.durations, firstBytes: second.firstBytes })
  expect(await rollUp()).toEqual({ mended: null })
  expect(await rollUp(0)).toEqual({ mended: 0 })

  // What stays when the minutes have had their time.
  await owner.query('DELETE FROM headgate.request_minutes')
  expect((await counted()).counts.filter(([, , count]) => count !== 0)).toEqual(second.counts)
})
