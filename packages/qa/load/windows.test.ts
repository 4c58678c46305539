import { expect, test } from 'vitest'
import { bucketExcess, mostArrivals, mostInWindow } from './windows.ts'

const at = (...moments: number[]) => moments.map((moment) => ({ from: moment, to: moment }))

test('the most in any window is found wherever the window lies', () => {
  expect(mostInWindow(at(0, 990, 995, 1_005, 1_010, 3_000), 1_000)).toBe(4)
  expect(mostInWindow(at(0, 1_000), 1_000)).toBe(1)
  expect(mostInWindow([], 1_000)).toBe(0)
})

test('a call that may have been decided outside the window is not held against it', () => {
  const doubtful = [...at(0, 10), { from: 20, to: 1_500 }]
  expect(mostInWindow(doubtful, 1_000)).toBe(2)
  expect(mostArrivals(doubtful, 1_000)).toBe(2)
})

test('a bucket that gave what it held and what came back was not overdrawn; one more is seen', () => {
  const bucket = { burst: 3, perMs: 0.01 }
  expect(bucketExcess(at(0, 0, 0, 100, 200), bucket)).toBe(0)
  expect(bucketExcess(at(0, 0, 0, 0, 100, 200), bucket)).toBe(1)
})
