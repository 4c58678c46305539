import { expect, it } from 'vitest'
import { createKeeping } from './keeping.ts'

it('keeps ordinary requests up to a rate, and slow and failed ones beyond it', () => {
  const keeps = createKeeping({ perMinute: 60, slowMs: 1_000 })
  const ordinary = Array.from({ length: 6_000 }, (_, index) => keeps(index * 100, null, 5)).filter(Boolean)
  expect(ordinary.length).toBeGreaterThanOrEqual(600)
  expect(ordinary.length).toBeLessThanOrEqual(660)
  expect(keeps(600_000, null, 1_000)).toBe('slow')
  expect(keeps(600_000, 'upstream_error', 1)).toBe('failed')
})

it('keeps no ordinary request where none are asked for', () => {
  const keeps = createKeeping({ perMinute: 0, slowMs: 1_000 })
  expect([keeps(0, null, 1), keeps(1e9, null, 1)]).toEqual([null, null])
  expect(keeps(1e9, null, 2_000)).toBe('slow')
})

it('a storm of faults does not become one of rows', () => {
  const keeps = createKeeping({ perMinute: 600, slowMs: 1_000 })
  const kept = Array.from({ length: 50_000 }, () => keeps(0, 'rate_limit_exceeded', 1)).filter(Boolean)
  expect(kept).toHaveLength(6_000)
})
