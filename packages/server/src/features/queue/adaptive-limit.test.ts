import { describe, expect, it } from 'vitest'
import { handClock } from './__fixtures__/hand-clock.ts'
import { type LimitBounds, createAdaptiveLimit } from './adaptive-limit.ts'

const bounds: LimitBounds = { initial: 400, min: 4, max: 400, adaptive: true }

/** A provider that answers at its own speed up to so many calls, beyond them in proportion slower; as many ask as may. */
const rig = (first: LimitBounds = bounds) => {
  const clock = handClock()
  const limit = createAdaptiveLimit(clock, first)
  const asked = async (seconds: number, bears: number, { usualMs = 200, demand = 400, faultShare = 0 } = {}) => {
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      const inFlight = Math.min(demand, limit.current())
      for (let answer = 0; answer < 20; answer++) {
        if (answer < 20 * faultShare) limit.failed(inFlight)
        else limit.answered('m', true, usualMs * Math.max(1, inFlight / bears), inFlight)
      }
      await clock.advance(100)
    }
    return limit.current()
  }
  return { limit, asked }
}

describe('a limit that follows its provider', () => {
  it('stays as it is while answers come as ever', async () => {
    const { asked } = rig()
    expect(await asked(60, 400)).toBe(400)
    expect(await asked(60, 400, { demand: 3 })).toBe(400)
  })

  it('falls when the provider bears less, and rises again when it bears more', async () => {
    const { asked } = rig()
    await asked(30, 400)
    const lowered = await asked(30, 40)
    // Answers are up to twice as slow as usual, and a root more is tried.
    expect(lowered).toBeGreaterThanOrEqual(40)
    expect(lowered).toBeLessThan(110)
    expect(await asked(60, 400)).toBe(400)
  })

  it('backs off from faults to its least, and comes back', async () => {
    const { asked } = rig()
    await asked(10, 400)
    expect(await asked(40, 400, { faultShare: 0.5 })).toBe(4)
    expect(await asked(60, 400)).toBe(400)
  })

  it('is not moved by a fault now and then', async () => {
    const { asked } = rig()
    expect(await asked(30, 400, { faultShare: 0.05 })).toBe(400)
  })

  it('compares a model and a kind of answer with itself alone', async () => {
    const clock = handClock()
    const limit = createAdaptiveLimit(clock, bounds)
    for (let second = 0; second < 60; second++) {
      // At first the quick ones, later the slow ones are more.
      const [quick, slow] = second < 30 ? [18, 2] : [2, 18]
      for (let answer = 0; answer < quick; answer++) limit.answered('quick', true, 50, 400)
      for (let answer = 0; answer < slow; answer++) limit.answered('slow', true, 2_000, 400)
      for (let answer = 0; answer < 5; answer++) limit.answered('quick', false, 9_000, 400)
      await clock.advance(1_000)
    }
    expect(limit.current()).toBe(400)
  })

  it('begins with what was really under way, however far the bound is', async () => {
    const { asked } = rig({ ...bounds, initial: 4_096, max: 4_096 })
    await asked(10, 400, { demand: 50 })
    expect(await asked(5, 10, { demand: 50 })).toBeLessThanOrEqual(50)
  })

  it('stays where it is told to without adaptation', async () => {
    const { asked } = rig({ ...bounds, max: 300, adaptive: false })
    expect(await asked(20, 4, { faultShare: 0.5 })).toBe(300)
  })
})
