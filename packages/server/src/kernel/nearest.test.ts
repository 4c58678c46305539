import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance, nearestName } from './nearest.ts'

test('a swap, an insertion, a deletion and a substitution cost one each', () => {
  expect(editDistance('hsot', 'host')).toBe(1)
  expect(editDistance('prt', 'port')).toBe(1)
  expect(editDistance('poort', 'port')).toBe(1)
  expect(editDistance('pert', 'port')).toBe(1)
  expect(editDistance('kitten', 'sitting')).toBe(3)
  expect(editDistance('', 'abc')).toBe(3)
})

test('distance is symmetric, zero only for equal texts, and at most the longer length', () => {
  const short = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(short, short, (left, right) => {
      const distance = editDistance(left, right)
      expect(distance).toBe(editDistance(right, left))
      expect(distance === 0).toBe(left === right)
      expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length))
    }),
  )
})

test('the nearest name is found, and nothing is suggested for a stranger', () => {
  expect(nearestName('conect_ms', ['connect_ms', 'idle_ms'])).toBe('connect_ms')
  expect(nearestName('Data-Dir', ['data_dir'])).toBe('data_dir')
  expect(nearestName('zebra', ['connect_ms', 'idle_ms'])).toBeUndefined()
})
