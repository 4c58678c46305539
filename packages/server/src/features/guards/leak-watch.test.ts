import { expect, it } from 'vitest'
import { turnedClock } from '../../kernel/__fixtures__/turned-clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { watchLeaks } from './leak-watch.ts'
import { certaintyOf, slopeOf } from './trend.ts'

const MEBIBYTE = 1_048_576
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const WINDOW_MS = 12 * HOUR_MS
const PER_HOUR = 3_600

/** The same at each run. */
const noise = (seed: number) => {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

/** Lets a heap of so many mebibytes by the hour be collected every five minutes, each time with something in hand on top. */
const watch = (heapAt: (hour: number) => number, hours: number) => {
  const { clock, turn } = turnedClock(MINUTE_MS)
  const random = noise(7)
  const lines: string[] = []
  const told: string[] = []
  let collected: () => void = () => {}
  const hour = () => clock.monotonic() / HOUR_MS
  const { trend } = watchLeaks(
    clock,
    { ...silentLog, warn: ({ reason }) => void lines.push(`${hour().toFixed(1)} h: ${reason}`) },
    () => WINDOW_MS,
    {
      onFullCollection: (callback) => {
        collected = callback
        return () => {}
      },
      heapBytes: () => (heapAt(hour()) + random() ** 3 * 40) * MEBIBYTE,
      heapLimitBytes: () => 1_024 * MEBIBYTE,
      requests: () => Math.floor(hour() * PER_HOUR),
      tell: ({ name, severity }) => void told.push(`${severity} ${name}`),
    },
  )
  for (let minutes = 0; minutes < hours * 60; minutes += 5) {
    turn(5 * MINUTE_MS)
    collected()
  }
  return { trend: trend(), lines, told }
}

it('finds the slope of a leak through what is in hand, per hour and per request, and tells it once when it has lasted', () => {
  const { trend, lines, told } = watch((hour) => 80 + 5 * hour, 40)
  expect(trend.bytesPerHour).toBeGreaterThan(4.7 * MEBIBYTE)
  expect(trend.bytesPerHour).toBeLessThan(5.3 * MEBIBYTE)
  expect((trend.bytesPerRequest ?? 0) / ((5 * MEBIBYTE) / PER_HOUR)).toBeCloseTo(1, 1)
  expect(trend).toMatchObject({ isGrowing: true, isSuspected: true })
  expect([lines.length, told]).toEqual([1, ['ticket process/leak']])
  // An eighth of the window settles, three quarters show it, all of it must pass again.
  expect(lines[0]).toMatch(
    /^2[23]\.\d h: (4\.\d|5\.\d) MiB per hour, \d+ bytes per request; \d+ MiB now, the limit in 1\d\d hours$/,
  )
})

it('tells a leak earlier where the limit comes near', () => {
  const { lines } = watch((hour) => 80 + 40 * hour, 23)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^1[78]\.\d h: .* the limit in [56] hours$/)
})

it('says nothing of a heap that warms up, fills its caches, steps once, breathes by day and night, or stays', () => {
  const heaps: Record<string, (hour: number) => number> = {
    flat: () => 80,
    warming: (hour) => 80 + 60 * (1 - Math.exp(-hour / 1)),
    'filling caches': (hour) => 80 + 60 * (1 - Math.exp(-hour / 4)),
    step: (hour) => (hour < 9 ? 80 : 120),
    'day and night': (hour) => 120 - 40 * Math.cos((hour / 24) * 2 * Math.PI),
    shrinking: (hour) => 200 - hour,
  }
  for (const [name, heapAt] of Object.entries(heaps))
    expect(watch(heapAt, 60), name).toMatchObject({ lines: [], trend: { isSuspected: false } })
})

it('takes growth that has flattened for none, while the window still shows it', () => {
  const step = watch((hour) => (hour < 9 ? 80 : 120), 15)
  expect(step.trend.bytesPerHour).toBeGreaterThan(MEBIBYTE)
  expect(step.trend.isGrowing).toBe(false)
})

it('is quiet again, and may speak again, once a growth has ended', () => {
  const { trend, lines } = watch((hour) => 80 + 5 * Math.min(hour, 24), 48)
  expect(lines).toHaveLength(1)
  expect(trend).toMatchObject({ isGrowing: false, isSuspected: false })
})

it('the median slope is not moved by wild points, and chance is no certainty', () => {
  const line = Array.from({ length: 20 }, (_, x) => ({ x, y: x % 4 === 0 ? 1_000 : 3 * x }))
  expect(slopeOf(line)).toBeCloseTo(3, 0)
  expect(slopeOf([{ x: 1, y: 1 }])).toBeNull()
  const random = noise(3)
  expect(Math.abs(certaintyOf(Array.from({ length: 48 }, (_, x) => ({ x, y: random() }))))).toBeLessThan(3.3)
  expect(certaintyOf(line.map(({ x }) => ({ x, y: x })))).toBeGreaterThan(5)
})
