import { expect, it } from 'vitest'
import { compareCoverage, sharesOf } from './coverage-floor.ts'

const floor = { lines: 80, statements: 80, functions: 70, branches: 60 }

it('reads the shares of a summary, rounded down', () => {
  const total = { lines: { pct: 91.29 }, statements: { pct: 90 }, functions: { pct: 88.88 }, branches: { pct: 70.05 } }
  expect(sharesOf(JSON.stringify({ total }))).toEqual({ lines: 91.2, statements: 90, functions: 88.8, branches: 70 })
})

it('fails what has fallen, and raises the floor by what has risen only', () => {
  const better = compareCoverage(floor, { ...floor, lines: 85, branches: 59.9 })
  expect(better.fallen).toBe(false)
  expect(better.raised).toEqual({ ...floor, lines: 85 })
  const worse = compareCoverage(floor, { ...floor, functions: 69 })
  expect(worse.fallen).toBe(true)
  expect(worse.lines.join('\n')).toMatch(/functions +69\.0 % {2}at least 70\.0 % {2}FALLEN/)
})
