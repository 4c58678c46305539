import { expect, test } from 'vitest'
import { keptBy } from './embedded-backup-prune.ts'

test('the ladder keeps the first of each hour, day and week, and the newest', () => {
  const at = ['05-04T08', '05-05T08', '05-05T09', '05-06T08', '05-06T09', '05-06T10', '05-06T11'].map((time) => ({
    id: time,
    at: Date.parse(`2026-${time}:00:00Z`),
  }))
  const kept = (hourly: number, daily: number, weekly: number) => [...keptBy({ hourly, daily, weekly }, at)].sort()
  expect(kept(0, 0, 0)).toEqual(['05-06T11'])
  expect(kept(0, 2, 0)).toEqual(['05-05T08', '05-06T08', '05-06T11'])
  expect(kept(2, 1, 1)).toEqual(['05-04T08', '05-06T08', '05-06T10', '05-06T11'])
})
