import { describe, expect, it } from 'vitest'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { AppError } from '../../kernel/errors.ts'
import { watchPressure } from '../../kernel/pressure.ts'
import { createShedding, type Priority } from './shedding.ts'

const rig = () => {
  const time = { now: 0 }
  const used = { heap: 0.1, resident: 100 }
  const ticks: (() => void)[] = []
  const clock: Clock = {
    now: () => time.now,
    monotonic: () => time.now,
    after: () => ({ cancel: () => {} }),
    every: (_pause, callback) => {
      ticks.push(callback)
      return { cancel: () => {} }
    },
  }
  const pressure = watchPressure(
    clock,
    { loopDelayMs: 500, heapShare: 0.8, residentBytes: null },
    { heapShare: () => used.heap, residentBytes: () => used.resident, boundedBytes: () => 1000 },
  )
  const reasons: string[] = []
  const bodies = { bytes: 0 }
  const shedding = createShedding({
    pressure: pressure.read,
    priorityOf: ({ kind, tier }) =>
      kind === 'publishable'
        ? 1
        : (({ anonymous: 1, free: 2, pro: 3, internal: 4 } as Record<string, Priority>)[tier] ?? 2),
    bodies,
    maxBodyBytes: 1_000_000,
    onShed: (reason) => reasons.push(reason),
  })
  /** Lets the loop turn `times` times, each `late` milliseconds later than it should. */
  const turn = (times: number, late = 0) => {
    for (let step = 0; step < times; step++) {
      time.now += 100 + late
      for (const tick of ticks) tick()
    }
  }
  const refused = () =>
    ['anonymous', 'free', 'pro', 'internal'].filter((tier) => {
      try {
        shedding.mayEnter({ tier, kind: 'secret' } as Caller)
        return false
      } catch (error) {
        expect((error as AppError).code).toBe('overloaded')
        return true
      }
    })
  return { used, turn, refused, reasons, shedding, bodies }
}

describe('shedding', () => {
  it('bears one late turn, and refuses the cheapest work first when the loop stays late', () => {
    const { turn, refused, reasons } = rig()
    turn(5)
    turn(1, 2000)
    turn(1)
    expect(refused()).toEqual([])
    turn(30, 550)
    expect(refused()).toEqual(['anonymous'])
    turn(30, 700)
    expect(refused()).toEqual(['anonymous', 'free'])
    turn(30, 1500)
    expect(refused()).toEqual(['anonymous', 'free', 'pro', 'internal'])
    expect(reasons).toContain('event loop')
    turn(30)
    expect(refused()).toEqual([])
  })

  it('refuses by the heap and by the memory that the process may have', () => {
    const { used, turn, refused } = rig()
    used.heap = 0.82
    turn(6)
    expect(refused()).toEqual(['anonymous'])
    used.heap = 0.1
    used.resident = 850
    turn(6)
    expect(refused()).toEqual([])
    used.resident = 910
    turn(6)
    expect(refused()).toEqual(['anonymous'])
  })

  it('refuses a publishable key like the lowest tier', () => {
    const { turn, shedding } = rig()
    turn(30, 550)
    expect(() => shedding.mayEnter({ tier: 'internal', kind: 'publishable', person: null } as Caller)).toThrow()
  })

  it('holds no more bodies than there is room for, and small ones always', () => {
    const { shedding, reasons, bodies } = rig()
    const release = shedding.holdBody(700_000)
    expect(() => shedding.holdBody(400_000)).toThrow()
    expect(reasons).toEqual(['bodies'])
    shedding.holdBody(60_000)
    release()
    release()
    expect(bodies.bytes).toBe(0)
    shedding.holdBody(1_000_000)
  })
})
