import { describe, expect, it } from 'vitest'
import type { Caller } from '../../domain/caller.ts'
import type { AppError } from '../../kernel/errors.ts'
import { turnedClock } from '../../kernel/__fixtures__/turned-clock.ts'
import { watchPressure } from '../../kernel/pressure.ts'
import { Cancellation } from '../../kernel/cancellation.ts'
import { createBodyRoom } from './body-room.ts'
import { createShedding, type Priority } from './shedding.ts'

const rig = () => {
  const used = { heap: 0.1, counted: 100, resident: 100 }
  const { clock, turn: pass } = turnedClock(100)
  const limits = { loopDelayMs: 500, heapShare: 0.8, memoryShare: 0.9, residentBytes: 600, recovery: 0.1 }
  const pressure = watchPressure(
    clock,
    () => limits,
    () => ({ ...used, heap: used.heap * 1000, heapLimit: 1000, limit: 1000 }),
  )
  const reasons: string[] = []
  const bodies = createBodyRoom(clock)
  const shedding = createShedding({
    pressure: pressure.read,
    priorityOf: ({ kind, tier }) =>
      kind === 'publishable'
        ? 1
        : (({ anonymous: 1, free: 2, pro: 3, internal: 4 } as Record<string, Priority>)[tier] ?? 2),
    bodies,
    maxBodyBytes: 1_200_000,
    maxBodyWaitMs: 1_000,
    onShed: (reason) => reasons.push(reason),
  })
  /** Lets the loop turn `times` times, each `late` milliseconds later than it should. */
  const turn = (times: number, late = 0) => pass(times * 100, late)
  const hold = (bytes: number, holder = 'somebody', signal = new Cancellation()) =>
    shedding.holdBody(bytes, { holder, signal })
  /** What is given at once. */
  const holdNow = (bytes: number, holder?: string) => hold(bytes, holder) as () => void
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
  return { used, limits, pressure, turn, refused, reasons, shedding, hold, holdNow, bodies }
}

const refusalOf = async (room: unknown): Promise<string> => {
  try {
    await room
    return 'none'
  } catch (fault) {
    return (fault as AppError).code
  }
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

  it('refuses by the heap, by the memory that the process may have, and by its own', () => {
    const { used, turn, refused } = rig()
    used.heap = 0.82
    turn(6)
    expect(refused()).toEqual(['anonymous'])
    used.heap = 0.1
    turn(6)
    expect(refused()).toEqual([])
    used.counted = 890
    turn(6)
    expect(refused()).toEqual([])
    used.counted = 910
    turn(6)
    expect(refused()).toEqual(['anonymous'])
    // Of the room above the bound two thirds are gone: what is left is for the dearest work.
    used.counted = 970
    turn(6)
    expect(refused()).toEqual(['anonymous', 'free', 'pro'])
    // All of it is refused while there is room left for what is in hand.
    used.counted = 980
    turn(6)
    expect(refused()).toEqual(['anonymous', 'free', 'pro', 'internal'])
    used.counted = 100
    used.resident = 620
    turn(6)
    expect(refused()).toEqual(['anonymous'])
  })

  it('takes work again only when a reading has fallen well below its bound, and at once where the bounds are other ones', () => {
    const { used, limits, pressure, turn, refused } = rig()
    used.counted = 910
    turn(6)
    used.counted = 850
    turn(6)
    expect(refused()).toEqual(['anonymous'])
    expect(pressure.read().cause).toBe('memory')
    used.counted = 800
    turn(6)
    expect(refused()).toEqual([])
    used.counted = 910
    turn(6)
    expect(refused()).toEqual(['anonymous'])
    limits.memoryShare = 0.95
    pressure.judgeAnew()
    expect(refused()).toEqual([])
  })

  it('refuses large bodies of everybody while memory is short, and small ones of nobody', () => {
    const { used, turn, holdNow, reasons } = rig()
    holdNow(1_000_000)()
    used.heap = 0.82
    turn(6)
    holdNow(1_000_000)()
    expect(() => holdNow(1_100_000)).toThrow()
    expect(reasons).toEqual(['bodies'])
  })

  it('refuses a publishable key like the lowest tier', () => {
    const { turn, shedding } = rig()
    turn(30, 550)
    expect(() => shedding.mayEnter({ tier: 'internal', kind: 'publishable', person: null } as Caller)).toThrow()
  })

  it('holds no more bodies than there is room for, and small ones always', async () => {
    const { holdNow, hold, turn, reasons, bodies } = rig()
    const release = holdNow(700_000)
    const late = refusalOf(hold(600_000))
    holdNow(60_000)
    turn(11)
    expect(await late).toBe('overloaded')
    expect(reasons).toEqual(['bodies'])
    release()
    release()
    expect([bodies.bytes(), bodies.waiting()]).toEqual([0, 0])
    holdNow(1_000_000)
    // Never fits: who waited would wait in vain.
    expect(() => holdNow(1_300_000)).toThrow()
  })

  it('lets bodies wait for room: first of who holds least, then of who came first; small ones pass', async () => {
    const { hold, holdNow, bodies } = rig()
    const order: string[] = []
    const come = async (name: string, bytes: number, holder: string, signal?: Cancellation) => {
      const release = await hold(bytes, holder, signal)
      order.push(name)
      return release
    }
    const held = [500_000, 500_000, 100_000].map((bytes) => holdNow(bytes, 'loud'))
    const loud = come('loud 1', 1_060_000, 'loud')
    const quiet = [come('quiet 1', 1_060_000, 'quiet'), come('quiet 2', 200_000, 'quiet')] as const
    const leaving = new Cancellation()
    const gone = come('gone', 1_060_000, 'other', leaving)
    const left = refusalOf(gone)
    leaving.abort()
    expect(await left).toBe('client_closed_request')
    holdNow(70_000, 'other')()
    expect(bodies.waiting()).toBe(3)
    held[0]?.()
    held[1]?.()
    const [one, two] = quiet
    ;(await one)()
    ;(await two)()
    ;(await loud)()
    held[2]?.()
    expect(order).toEqual(['quiet 1', 'quiet 2', 'loud 1'])
    expect([bodies.bytes(), bodies.waiting()]).toEqual([0, 0])
  })
})
