import { expect, test } from 'vitest'
import type { Intent, Settlement } from '../domain/hold.ts'
import { noUsage } from '../domain/usage.ts'
import { silentLog } from '../kernel/log.ts'
import { createMetrics } from '../kernel/metrics.ts'
import { stillGauges } from '../kernel/__fixtures__/still-gauges.ts'
import { createModelLabel, createObserve } from './observe.ts'

test('names that callers make up add no series', async () => {
  const metrics = createMetrics(stillGauges)
  const label = createModelLabel(
    () => ['demo/demo', 'up/gpt-4o-mini'],
    () => 0,
  )
  const observe = createObserve(silentLog, metrics, label)
  const settle = (target: string, more: Partial<Settlement> = {}) =>
    observe.settled(
      { operation: 'chat', stream: true } as Intent,
      {
        outcome: 'complete',
        target,
        usage: { ...noUsage, inputTokens: 3, outputTokens: 2 },
        estimated: false,
        cost: 1n,
        priceVersion: 'v1',
        attempts: [{ target, status: 200, durationMs: 1, fault: null }],
        durationMs: 2,
        firstByteMs: 1,
        fault: null,
        ...more,
      },
      0,
    )
  settle('up/gpt-4o-mini')
  settle('demo/first')
  const before = (await metrics.expose()).split('\n').filter((line) => line.startsWith('headgate_')).length
  for (let call = 0; call < 200; call++) {
    settle(`demo/${call}`)
    settle(`demo/${call}/nested\n"quoted"`)
  }
  const text = await metrics.expose()
  expect(text.split('\n').filter((line) => line.startsWith('headgate_'))).toHaveLength(before)
  expect(text).toContain('headgate_calls_total{model="demo/other",outcome="complete"} 401')
  expect(text).toContain('headgate_calls_total{model="up/gpt-4o-mini",outcome="complete"} 1')
})

test('a model that is listed later gets its name, at most a second late', () => {
  let now = 0
  const listed = ['up/old']
  const label = createModelLabel(
    () => listed,
    () => now,
  )
  expect(label('up/new')).toBe('up/other')
  listed.push('up/new')
  expect(label('up/new')).toBe('up/other')
  now = 1_000
  expect(label('up/new')).toBe('up/new')
})
