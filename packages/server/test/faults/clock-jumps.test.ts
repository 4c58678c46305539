import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { type House, prices, startHouse } from '../support/house.ts'
import { ask } from './support/ask.ts'
import { queryDatabase } from './support/ledger-rows.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const slow = 'up/gpt-4o-mini;parts=6;part-delay=60'

let ahead = 0
/** The machine's clock, whose wall time a test can turn; what is monotonic stays so. */
const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead }
let house: House

beforeAll(async () => {
  house = await startHouse({
    overrides: { clock },
    config: { models: { [slow]: { price: prices, max_output_tokens: 4096 } } },
  })
})
afterAll(() => house.stop())

interface Call {
  readonly at: Date
  readonly duration_ms: number
  readonly first_byte_ms: number | null
  readonly budget_window: Date
  readonly cost_nano: bigint
}

it('turns of the clock, also in the middle of a stream, make no negative duration and roll each window once', async () => {
  const { key, id } = await house.makeKey({ budget: { limit_usd: '1', window: 'hour' } })
  const door = { url: house.url, key }
  const call = async () => {
    expect((await ask(door, 'up/gpt-4o-mini', { max_tokens: 4 })).status).toBe(200)
  }
  const jumps = [0, HOUR_MS, -HOUR_MS, 400 * DAY_MS, 0]
  for (const jump of jumps) {
    ahead = jump
    await call()
    await call()
  }
  // While a stream runs: from each time to the next and back.
  for (const [before, after] of [
    [0, HOUR_MS],
    [HOUR_MS, -HOUR_MS],
    [0, 400 * DAY_MS],
    [400 * DAY_MS, 0],
  ] as const) {
    ahead = before
    const stream = ask(door, slow, { stream: true, max_tokens: 8 })
    setTimeout(() => {
      ahead = after
    }, 150)
    const answer = await stream
    expect(answer).toMatchObject({ status: 200, done: true, parts: 6 })
  }
  ahead = 0
  await house.settled()

  const calls = await queryDatabase<Call>(
    house.databaseUrl,
    `SELECT at, duration_ms, first_byte_ms, budget_window, cost_nano FROM headgate.ledger_entries
      WHERE kind = 'call' AND key_id = '${id}'`,
  )
  expect(calls).toHaveLength(jumps.length * 2 + 4)
  for (const row of calls) {
    expect(Number(row.duration_ms)).toBeGreaterThanOrEqual(0)
    expect(Number(row.first_byte_ms ?? 0)).toBeGreaterThanOrEqual(0)
    expect(Number(row.duration_ms)).toBeLessThan(60_000)
  }
  const windows = await queryDatabase<{ window_start: Date; spent: string; leased: string; entries: string }>(
    house.databaseUrl,
    `SELECT w.window_start, w.spent_nano AS spent, w.leased_nano AS leased,
            (SELECT sum(e.cost_nano) FROM headgate.ledger_entries e
              WHERE e.budget_id = w.budget_id AND e.budget_window = w.window_start) AS entries
       FROM headgate.budget_windows w`,
  )
  // Now, an hour on, and in 400 days. What a clock that is put back opens besides, and a full hour that the test itself
  // passes, are windows like any other.
  expect(windows.length).toBeGreaterThanOrEqual(3)
  expect(windows.length).toBeLessThanOrEqual(7)
  expect(new Set(windows.map(({ window_start }) => window_start.getTime())).size).toBe(windows.length)
  for (const { spent, entries } of windows) expect(spent).toBe(entries ?? '0')
}, 60_000)

it('a key expires and does not come back by a clock that is put back', async () => {
  const expires = new Date(systemClock.now() + HOUR_MS / 2).toISOString()
  const { key } = await house.makeKey({ expires_at: expires })
  const door = { url: house.url, key }
  expect((await ask(door, 'demo')).status).toBe(200)
  ahead = HOUR_MS
  expect(await ask(door, 'demo')).toMatchObject({ status: 401, code: 'api_key_expired' })
  ahead = 400 * DAY_MS
  expect(await ask(door, 'demo')).toMatchObject({ status: 401, code: 'api_key_expired' })
  ahead = 0
})

it('the audit goes on counting, whatever the clock says', async () => {
  for (const jump of [HOUR_MS, -HOUR_MS, 400 * DAY_MS, 0]) {
    ahead = jump
    await house.makeKey()
  }
  const answer = await house.request('/admin/v1/audit?limit=100')
  const { data } = (await answer.json()) as { data: { seq: string; at: string }[] }
  const numbers = data.map(({ seq }) => Number(seq))
  expect(numbers.length).toBeGreaterThan(5)
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => (numbers[0] as number) - index))
  ahead = 0
})
