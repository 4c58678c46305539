import { expect, test } from 'vitest'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { createHolds, type HoldsOptions } from './holds.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'

const rig = () => {
  const state = { full: false, journalFails: false, progressFails: false }
  const said: (number | undefined)[] = []
  const holds = createHolds({
    journal: {
      append: () => {
        if (state.journalFails) throw new Error('disk full')
        return 1
      },
      pin: () => {},
      end: () => ({ segment: 1, offset: 0 }),
    } as unknown as HoldsOptions['journal'],
    progress: {
      take: () => ({ slot: 0, tag: 0 }),
      free: () => {},
      write: () => {
        if (state.progressFails) throw new Error('disk full')
      },
    } as unknown as HoldsOptions['progress'],
    drain: { push: () => !state.full },
    leases: { settled: () => {}, cancel: () => {}, drained: () => {} },
    faultPoints: noFaults,
    log: { ...silentLog, error: ({ count }) => void said.push(count) },
  })
  const call = () => holds.open(sampleIntent(), []).settle(sampleSettlement())
  return { state, said, holds, call }
}

test('lost rows are counted, and said once per burst', () => {
  const { state, said, holds, call } = rig()
  call()
  Object.assign(state, { full: true, journalFails: true })
  for (let calls = 0; calls < 3; calls++) call()
  expect(said).toEqual([1])
  state.full = false
  call()
  state.full = true
  call()
  expect(said).toEqual([1, 4])
  expect(holds.losses().lostRows).toBe(4)
})

test('a progress mark that cannot be written loses no record', () => {
  const { state, holds } = rig()
  state.progressFails = true
  const hold = holds.open(sampleIntent({ stream: true }), [])
  hold.mark(3)
  hold.settle(sampleSettlement())
  expect(holds.losses()).toEqual({ droppedRecords: 0, lostRows: 0 })
})
