import { expect, it } from 'vitest'
import { deadlinesOf, extendedDue } from './deadlines.ts'

const day = (date: Date | null) => date?.toISOString().slice(0, 10)

it.each([
  ['2026-01-31', '2026-02-28', '2026-04-30'],
  ['2024-01-31', '2024-02-29', '2024-04-30'],
  ['2026-12-15', '2027-01-15', '2027-03-15'],
])('a request of %s is due by the GDPR on %s, extended on %s', (received, due, extended) => {
  const at = new Date(received)
  expect([day(deadlinesOf('gdpr', at, 7).due), day(extendedDue('gdpr', at))]).toEqual([due, extended])
})

it('by the CCPA it is confirmed within 10 business days and answered within 45 days; the house’s own target is never later', () => {
  const at = new Date('2026-11-27')
  const { confirm, due, target } = deadlinesOf('ccpa', at, 7)
  expect([confirm, due, target, extendedDue('ccpa', at)].map(day)).toEqual([
    ...['2026-12-11', '2027-01-11', '2026-12-04', '2027-02-25'],
  ])
  expect(day(deadlinesOf('ccpa', at, 100).target)).toBe('2027-01-11')
})
