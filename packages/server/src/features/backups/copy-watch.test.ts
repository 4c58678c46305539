import { expect, test } from 'vitest'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { silentLog } from '../../kernel/log.ts'
import type { BackupEvent } from './backups.ports.ts'
import { createCopyWatch } from './copy-watch.ts'

const MINUTE_MS = 60_000

test('a copy that is too far behind is told once a day, and never stands in the way', async () => {
  let now = 1_000 * MINUTE_MS
  let isAway = true
  let behind: number | null = null
  let passes = 0
  const told: BackupEvent[] = []
  const watch = createCopyWatch({
    clock: { now: () => now } as Clock,
    log: silentLog,
    place: 'the bucket far',
    alarmMs: 15 * MINUTE_MS,
    copy: async () => {
      passes += 1
      if (isAway) throw new AppError('backup_failed', { detail: 'The bucket does not answer.' })
      behind = null
    },
    state: () => (behind === null ? null : { behind_since: behind, files: 2, bytes: 7 }),
    tell: (event) => told.push(event),
  })
  const after = async (minutes: number) => {
    now += minutes * MINUTE_MS
    watch.look()
    await watch.ended()
  }
  await after(0)
  await after(0)
  expect([passes, watch.standing().failures, watch.late()]).toEqual([1, 1, null])
  await after(16)
  expect(watch.standing()).toMatchObject({ lag_seconds: 960, failure: 'The bucket does not answer.', copied_at: null })
  expect(watch.late()).toContain('16 minutes behind')
  expect(told).toMatchObject([{ name: 'backups/copy', value: 16, threshold: 15 }])
  await after(60)
  expect(told).toHaveLength(1)
  await after(24 * 60)
  expect(told).toHaveLength(2)
  isAway = false
  await after(10)
  await after(0)
  expect([watch.standing().lag_seconds, watch.late(), watch.standing().copied_at]).toEqual([0, null, now])
  // Behind by what was written, though nothing fails.
  behind = now - 20 * MINUTE_MS
  expect(watch.standing()).toMatchObject({ lag_seconds: 1_200, files_left: 2, bytes_left: 7, failure: null })
})
