import { expect, it } from 'vitest'
import { createStandings } from './standings.ts'

it('a target that draws slowly is not slow to talk', () => {
  const standings = createStandings({ monotonic: () => 0 })
  standings.observe('up/both', { operation: 'images', isStream: false }, 9_000, false)
  standings.observe('up/both', { operation: 'chat', isStream: false }, 300, false)
  standings.observe('up/both', { operation: 'chat', isStream: true }, 40, false)
  expect(standings.latencyMs('up/both', { operation: 'images', isStream: false })).toBe(9_000)
  expect(standings.latencyMs('up/both', { operation: 'chat', isStream: false })).toBe(300)
  expect(standings.latencyMs('up/both', { operation: 'chat', isStream: true })).toBe(40)
  expect(standings.latencyMs('up/both', { operation: 'speech', isStream: false })).toBeNull()
})
