import { expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import { describeCounters } from './counters.conformance.ts'
import { createCountersDoor, createRemoteCounters, type DoorItem } from './counters.door.ts'

const clockFrom = (begin: number) => {
  let time = begin
  const never = { cancel: () => {} }
  const clock: Clock = { now: () => time, monotonic: () => time, after: () => never, every: () => never }
  return { clock, advance: (milliseconds: number) => void (time += milliseconds) }
}
const overTheWire = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

/** A process that counts and one that asks; their clocks began at different times. */
const open = () => {
  const there = clockFrom(5_000_000)
  const here = clockFrom(0)
  const door = createCountersDoor(there.clock)
  const remote = (member: number) =>
    createRemoteCounters({
      clock: here.clock,
      count: (items: readonly DoorItem[]) => Promise.resolve(overTheWire(door.count(member, overTheWire(items)))),
    })
  const advance = (milliseconds: number) => {
    there.advance(milliseconds)
    here.advance(milliseconds)
  }
  return { door, remote, advance, now: here.clock.monotonic }
}

describeCounters('another process', () => {
  const { remote, advance, now } = open()
  return {
    counters: remote(1),
    key: (name) => name,
    advance,
    now,
    settled: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
  }
})

it('gives back the places of a process that died, and takes no correction of it a second time', async () => {
  const { door, remote } = open()
  const rule = { key: 'few', limit: { algorithm: 'concurrency', quota: 2, windowMs: 0 }, cost: 1 } as const
  const [one, other] = [remote(1), remote(2)]
  const first = await one.take([rule], 'call-1')
  expect((await other.take([rule], 'call-2')).allowed).toBe(true)
  expect((await other.take([rule], 'call-3')).allowed).toBe(false)
  door.left(1)
  expect((await other.take([rule], 'call-3')).allowed).toBe(true)
  one.correct([{ key: 'few', limit: rule.limit, change: -1, taken: first.taken }], 'call-1')
  expect((await other.take([rule], 'call-4')).allowed).toBe(false)
})
