import { expect, it } from 'vitest'
import { bucketOf, latencyBuckets, quantileOf } from './latency.ts'

it('tells percentiles of any spread to a twentieth', () => {
  const durations = Array.from({ length: 20_000 }, (_, index) => 0.2 * 1.0007 ** index)
  const counts = new Map<number, number>()
  for (const duration of durations) counts.set(bucketOf(duration), (counts.get(bucketOf(duration)) ?? 0) + 1)
  for (const quantile of [0.01, 0.5, 0.95, 0.99, 1]) {
    const exact = durations[Math.ceil(durations.length * quantile) - 1] as number
    expect(Math.abs((quantileOf(counts, quantile) ?? 0) / exact - 1)).toBeLessThan(0.06)
  }
})

it('has a bucket for everything, and no percentile of nothing', () => {
  expect(bucketOf(0)).toBe(0)
  expect(bucketOf(-1)).toBe(0)
  expect(bucketOf(Number.MAX_VALUE)).toBe(latencyBuckets - 1)
  expect(bucketOf(600_000)).toBeLessThan(latencyBuckets - 1)
  expect(quantileOf(new Map(), 0.5)).toBeNull()
  expect(quantileOf(new Map([[7, 1]]), 0.99)).toBe(quantileOf(new Map([[7, 1]]), 0.01))
})
