import { expect, test } from 'vitest'
import { stillGauges } from './__fixtures__/still-gauges.ts'
import { createMetrics } from './metrics.ts'

const create = () => createMetrics({ ...stillGauges, streams: () => 3 })

const linesOf = async (metrics: ReturnType<typeof create>, name: string) =>
  (await metrics.expose()).split('\n').filter((line) => line.startsWith(name) || line.includes(` ${name} `))

test('a counter shows a series for each set of labels, its values escaped', async () => {
  const metrics = create()
  metrics.calls('up/a', 'complete').inc()
  metrics.calls('up/a', 'complete').inc()
  metrics.calls('up/a', 'failed').inc()
  metrics.cost('up/"b"\n').inc(0.25)
  expect(await linesOf(metrics, 'headgate_calls_total')).toEqual([
    '# HELP headgate_calls_total Settled calls by how they ended.',
    '# TYPE headgate_calls_total counter',
    'headgate_calls_total{model="up/a",outcome="complete"} 2',
    'headgate_calls_total{model="up/a",outcome="failed"} 1',
  ])
  expect((await linesOf(metrics, 'headgate_cost_usd_total')).at(-1)).toBe(
    'headgate_cost_usd_total{model="up/\\"b\\"\\n"} 0.25',
  )
})

test('a bucket of a histogram holds what is at most its limit, and what the buckets below hold', async () => {
  const metrics = create()
  for (const value of [0.0005, 0.0006, 0.001, 3]) metrics.overhead('chat').observe(value)
  const lines = await linesOf(metrics, 'headgate_overhead_seconds')
  expect(lines).toHaveLength(2 + 12 + 2)
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE headgate_overhead_seconds histogram',
      'headgate_overhead_seconds_bucket{route="chat",le="0.0005"} 1',
      'headgate_overhead_seconds_bucket{route="chat",le="0.001"} 3',
      'headgate_overhead_seconds_bucket{route="chat",le="1"} 3',
      'headgate_overhead_seconds_bucket{route="chat",le="+Inf"} 4',
      'headgate_overhead_seconds_count{route="chat"} 4',
    ]),
  )
  expect(lines.find((line) => line.includes('_sum'))).toMatch(/ 3\.0021/)
})

test('a gauge is read when it is asked for, and a metric nobody has counted on is there without a series', async () => {
  const metrics = create()
  expect((await linesOf(metrics, 'headgate_streams_open')).at(-1)).toBe('headgate_streams_open 3')
  expect(await linesOf(metrics, 'headgate_errors_total')).toHaveLength(2)
})
