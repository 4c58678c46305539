import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { metricReference } from '../src/kernel/metrics.ts'
import { ask } from './faults/support/ask.ts'
import { readMetric } from './faults/support/metric.ts'
import { type House, startHouse } from './support/house.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const expectation = { HEADGATE_SCALING_CALLS_PER_MINUTE: '100', HEADGATE_SCALING_MAX_REPLICAS: '40' }

let house: House

interface Reading {
  readonly desired_replicas: number
  readonly decided_by: string
  readonly calls_per_minute: number
  readonly load: { readonly value: number; readonly in_flight: number; readonly limit: number }
  readonly forecast: { readonly calls_per_minute: number; readonly weeks: number }
  readonly schedule: { readonly name: string } | null
}
const scaling = async (): Promise<Reading> => (await house.request('/admin/v1/scaling')).json() as Promise<Reading>

beforeAll(async () => {
  house = await startHouse({
    environment: {
      ...expectation,
      HEADGATE_SCALING_SCHEDULE: JSON.stringify({ always: { from: '00:00', to: '00:00', replicas: 3 } }),
    },
  })
  const owner = new pg.Client({ connectionString: house.databaseUrl })
  await owner.connect()
  // Two weeks with 600 calls in each minute of every hour.
  const now = Date.now()
  for (let day = 0; day <= 15; day++) {
    const [from, to] = [day, day - 1].map((days) => new Date(now - days * DAY_MS).toISOString().slice(0, 10))
    const name = `headgate.request_hours_y${from?.slice(0, 4)}m${from?.slice(5, 7)}d${from?.slice(8)}`
    await owner.query(
      `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF headgate.request_hours FOR VALUES FROM ('${from} 00:00+00') TO ('${to} 00:00+00')`,
    )
    await owner.query(`GRANT SELECT, INSERT, UPDATE ON ${name} TO headgate_runtime`)
  }
  const end = now - (now % HOUR_MS)
  await owner.query(
    `INSERT INTO headgate.request_hours (hour, kind, route, tier, target, code, count, total_ms, input_tokens, output_tokens, durations, first_bytes)
       SELECT hour, 'request', '/v1/chat/completions', 'pro', '', '', 36000, 0, 0, 0, '{}', '{}'
         FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') AS hour`,
    [new Date(end - 15 * DAY_MS + HOUR_MS).toISOString(), new Date(end - HOUR_MS).toISOString()],
  )
  await owner.end()
})
afterAll(() => house.stop())

it('asks for replicas by schedule, by what the same hours of earlier weeks had, and tells why', async () => {
  // The first look was before there was a past, and the next at it is in ten minutes: another house sees it now.
  expect(await scaling()).toMatchObject({ desired_replicas: 3, decided_by: 'schedule', schedule: { name: 'always' } })
  const later = await startHouse({
    databaseUrl: house.databaseUrl,
    upstream: house.upstream,
    environment: expectation,
  })
  try {
    const answer = await later.request('/admin/v1/scaling')
    const reading = (await answer.json()) as Reading
    expect(reading).toMatchObject({ desired_replicas: 6, decided_by: 'forecast', forecast: { calls_per_minute: 600 } })
    expect(reading.forecast.weeks).toBeGreaterThanOrEqual(2)
    expect(await readMetric(later.url, 'headgate_scaling_desired_replicas')).toBe(6)
    expect(await readMetric(later.url, 'headgate_scaling_forecast_calls_per_minute')).toBe(600)
  } finally {
    await later.stop()
  }
})

it('calls under way are load', async () => {
  const { key } = await house.makeKey()
  const calls = Array.from({ length: 4 }, () => ask({ url: house.url, key }, 'up/gpt-4o-mini;delay=1500'))
  await expect.poll(async () => (await scaling()).load.in_flight).toBe(4)
  expect(await readMetric(house.url, 'headgate_scaling_load')).toBeGreaterThan(0)
  await Promise.all(calls)
  await expect.poll(async () => (await scaling()).load.in_flight).toBe(0)
})

it.each(['keda.yaml', 'hpa.yaml'])('the sample %s names metrics that exist', (file) => {
  const text = readFileSync(fileURLToPath(new URL(`../../../deploy/kubernetes/${file}`, import.meta.url)), 'utf8')
  for (const document of parseAllDocuments(text)) expect(document.errors).toEqual([])
  const named = text.match(/headgate_\w+/g) ?? []
  expect(named.length).toBeGreaterThan(0)
  const known = new Set<string>(metricReference.map(({ name }) => name))
  expect(named.filter((name) => !known.has(name))).toEqual([])
})
