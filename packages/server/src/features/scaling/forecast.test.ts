import { expect, it } from 'vitest'
import { desiredReplicas, loadOf, minuteOfDay, scheduledAt } from './desired.ts'
import { forecast, seasonOf } from './forecast.ts'

const HOUR_MS = 3_600_000
/** A Monday, 00:00 UTC. */
const monday = Date.UTC(2026, 0, 5)
const week = 168 * HOUR_MS

/** Two weeks of 60 calls an hour, and of 6,000 in the hour from nine on Mondays. */
const hours = Array.from({ length: 2 * 168 }, (_, index) => ({
  at: monday + index * HOUR_MS,
  calls: index % 168 === 9 ? 6_000 : 60,
}))
const season = seasonOf(hours, monday, monday + 2 * week)
const at = (clock: string, weeks = 2) => monday + weeks * week + minuteOfDay(clock) * 60_000

it('expects what the same hour of earlier weeks had, between the middles of two hours in proportion', () => {
  expect(season.weeks).toBe(2)
  expect(forecast(season, at('03:30'), 1, 15)).toBe(1)
  // Half way between the middle of an hour with one call a minute and one with a hundred.
  expect(forecast(season, at('09:00'), 50.5, 0)).toBeCloseTo(50.5)
  expect(forecast(season, at('08:30'), 1, 60)).toBeCloseTo(100)
})

it('is bent by how today compares with those weeks, no more than fourfold, and is what is now where nothing is known', () => {
  expect(forecast(season, at('08:30'), 2, 60)).toBeCloseTo(200)
  expect(forecast(season, at('08:30'), 0.001, 60)).toBeCloseTo(25)
  expect(forecast(season, at('08:30'), 40, 60)).toBeCloseTo(400)
  expect(forecast(seasonOf([], monday, monday), at('08:30'), 7, 60)).toBe(7)
  // Counted from the first hour that is known on: hours before it are no quiet ones.
  const young = seasonOf(hours.slice(-24), monday + 2 * week - 24 * HOUR_MS, monday + 2 * week)
  expect(young.perMinute.filter((value) => value !== null)).toHaveLength(24)
})

it('loads count what waits; a schedule may go over midnight; the largest decides within the bounds', () => {
  expect(loadOf({ loopUtilisation: 0.35, inFlight: 10, waiting: 4, limit: 10 }, 0.7)).toBeCloseTo(2)
  expect(loadOf({ loopUtilisation: 0.35, inFlight: 0, waiting: 0, limit: 0 }, 0.7)).toBeCloseTo(0.5)

  const night = { name: 'night', days: [1], from: minuteOfDay('22:00'), to: minuteOfDay('02:00'), replicas: 4 }
  expect(scheduledAt([night], at('23:00'))?.name).toBe('night')
  expect(scheduledAt([night], at('01:00') + 24 * HOUR_MS)?.name).toBe('night')
  expect(scheduledAt([night], at('01:00'))).toBeNull()
  expect(scheduledAt([night], at('03:00') + 24 * HOUR_MS)).toBeNull()

  const bounds = { minimum: 1, maximum: 8 }
  expect(desiredReplicas(bounds, { load: 2.2, forecast: 1, schedule: 2 })).toEqual({ replicas: 3, decidedBy: 'load' })
  expect(desiredReplicas(bounds, { load: 0.2, forecast: 4.5, schedule: 4 })).toEqual({
    replicas: 5,
    decidedBy: 'forecast',
  })
  expect(desiredReplicas(bounds, { load: 0, forecast: 0, schedule: 0 })).toEqual({ replicas: 1, decidedBy: 'minimum' })
  expect(desiredReplicas(bounds, { load: 90, forecast: 0, schedule: 0 })).toEqual({ replicas: 8, decidedBy: 'maximum' })
})
