import { describe, expect, it } from 'vitest'
import type { Caller } from '../../domain/caller.ts'
import { Cancellation } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { handClock } from './__fixtures__/hand-clock.ts'
import { type QueueSettings, createQueue } from './queue.ts'

const callerOf = (keyId: string, tier = 'free'): Caller => ({
  keyId,
  tier,
  projectId: 'p1',
  kind: 'secret',
  models: null,
  budgetId: null,
  person: null,
})

const HELD_MS = 100

/** A queue on a clock turned by hand, before a provider that answers each call after a tenth of a second. */
const rig = (more: Partial<QueueSettings> = {}, max = 4) => {
  const clock = handClock()
  const waits: number[] = []
  const queue = createQueue({
    clock,
    settings: {
      waits: { maxWaiting: 1_000, maxWaitMs: 60_000 },
      totalMsOf: () => 600_000,
      limitOf: () => ({ initial: max, min: 1, max, adaptive: false }),
      priorityOf: ({ tier }) => (tier === 'pro' ? 3 : 2),
      ...more,
    },
    onWaited: (_provider, milliseconds) => waits.push(milliseconds),
  })
  const gate = queue.gate('up')
  const served: string[] = []
  const refused: AppError[] = []
  const call = async (caller: Caller, signal = new Cancellation(), heldMs = HELD_MS): Promise<void> => {
    try {
      if (!gate.enter()) await gate.wait(caller, clock.monotonic(), signal)
    } catch (reason) {
      refused.push(reason as AppError)
      return
    }
    served.push(caller.keyId)
    await new Promise<void>((resolve) => void clock.after(heldMs, resolve))
    gate.leave(heldMs)
  }
  const calls = (count: number, caller: Caller): void => {
    for (let made = 0; made < count; made++) void call(caller)
  }
  return { clock, queue, gate, waits, served, refused, call, calls }
}

const codes = (refused: readonly AppError[]) => refused.map(({ code }) => code)

describe('a line before a provider', () => {
  it('is not stood in while there is room', async () => {
    const { clock, gate, waits, served, calls } = rig()
    calls(4, callerOf('a'))
    expect(gate.read()).toEqual({ inFlight: 4, limit: 4, waiting: 0 })
    await clock.advance(HELD_MS)
    expect(served).toHaveLength(4)
    expect(waits).toEqual([])
    expect(gate.read().inFlight).toBe(0)
  })

  it('serves a caller with five calls beside one with a hundred', async () => {
    const { clock, served, refused, calls } = rig()
    calls(100, callerOf('a'))
    calls(5, callerOf('b'))
    await clock.advance(60 * HELD_MS)
    expect(refused).toEqual([])
    expect(served).toHaveLength(105)
    // Four of a were under way; then both have the same number of turns, two to a visit.
    expect(served.lastIndexOf('b')).toBeLessThan(4 + 2 * 5 + 2)
  })

  it('gives each priority twice the turns of the one below, and starves none', async () => {
    const { clock, served, calls } = rig()
    calls(4, callerOf('first'))
    calls(60, callerOf('free'))
    calls(60, callerOf('pro', 'pro'))
    await clock.advance(20 * HELD_MS)
    const turns = served.slice(4, 64)
    expect(turns.filter((name) => name === 'pro')).toHaveLength(40)
    expect(turns.filter((name) => name === 'free')).toHaveLength(20)
  })

  it('is left with the caller, whose place goes to the next', async () => {
    const { clock, gate, served, refused, call, calls } = rig({}, 1)
    calls(1, callerOf('first'))
    const leaver = new Cancellation()
    void call(callerOf('leaver'), leaver)
    void call(callerOf('next'))
    expect(gate.read().waiting).toBe(2)
    leaver.abort()
    expect(gate.read().waiting).toBe(1)
    await clock.advance(3 * HELD_MS)
    expect(served).toEqual(['first', 'next'])
    expect(codes(refused)).toEqual(['client_closed_request'])
    expect(gate.read()).toMatchObject({ inFlight: 0, waiting: 0 })
    expect(clock.timers()).toBe(0)
  })

  it('ends with the reason of the signal', async () => {
    const { clock, refused, call, calls } = rig({}, 1)
    calls(1, callerOf('first'))
    const signal = new Cancellation()
    void call(callerOf('a'), signal)
    signal.abort(new AppError('server_draining'))
    await clock.advance(0)
    expect(codes(refused)).toEqual(['server_draining'])
  })

  it('is bounded, and says how long it is', async () => {
    const { clock, gate, refused, calls } = rig({ waits: { maxWaiting: 10, maxWaitMs: 60_000 } }, 1)
    calls(1, callerOf('a'))
    await clock.advance(HELD_MS)
    // Places are held for a tenth of a second, as is known by now.
    calls(12, callerOf('a'))
    await clock.advance(0)
    expect(codes(refused)).toEqual(['upstream_busy'])
    expect(refused[0]?.options.retryAfterMs).toBe(1_100)
    expect(gate.read()).toMatchObject({ inFlight: 1, waiting: 10 })
  })

  it('makes room for a caller with little by refusing the newest call of the one with most', async () => {
    const { clock, served, refused, calls, gate } = rig({ waits: { maxWaiting: 10, maxWaitMs: 60_000 } }, 1)
    calls(11, callerOf('a'))
    calls(2, callerOf('b'))
    await clock.advance(0)
    expect(codes(refused)).toEqual(['upstream_busy', 'upstream_busy'])
    expect(gate.read().waiting).toBe(10)
    await clock.advance(20 * HELD_MS)
    expect(served.filter((name) => name === 'a')).toHaveLength(9)
    expect(served.filter((name) => name === 'b')).toHaveLength(2)
  })

  it('ends after the longest wait, and before a deadline that is nearer', async () => {
    const slow = rig({ waits: { maxWaiting: 10, maxWaitMs: 500 } }, 1)
    void slow.call(callerOf('a'), new Cancellation(), 5_000)
    void slow.call(callerOf('a'))
    await slow.clock.advance(499)
    expect(slow.refused).toEqual([])
    await slow.clock.advance(1)
    await slow.clock.advance(0)
    expect(codes(slow.refused)).toEqual(['upstream_busy'])
    expect(slow.gate.read().waiting).toBe(0)

    const late = rig({ totalMsOf: () => 200 }, 1)
    void late.call(callerOf('a'), new Cancellation(), 5_000)
    void late.call(callerOf('a'))
    await late.clock.advance(200)
    await late.clock.advance(0)
    expect(codes(late.refused)).toEqual(['upstream_busy'])
  })

  it('is not joined by a call whose turn would come too late', async () => {
    const { clock, refused, calls, gate } = rig({ waits: { maxWaiting: 1_000, maxWaitMs: 1_000 } }, 1)
    calls(1, callerOf('a'))
    await clock.advance(HELD_MS)
    calls(21, callerOf('a'))
    await clock.advance(0)
    expect(gate.read().waiting).toBe(10)
    expect(codes(refused)).toEqual(Array(10).fill('upstream_busy'))
  })

  it('is dissolved by a drain, and none forms after it', async () => {
    const { clock, queue, served, refused, call, calls } = rig({}, 1)
    calls(3, callerOf('a'))
    queue.drain()
    void call(callerOf('b'))
    await clock.advance(HELD_MS)
    expect(served).toEqual(['a'])
    expect(codes(refused)).toEqual(['server_draining', 'server_draining', 'server_draining'])
    expect(queue.gate('new').enter()).toBe(true)
  })

  it('is served at once when a reload raises the limit', async () => {
    const { clock, queue, served, calls } = rig({}, 1)
    calls(6, callerOf('a'))
    queue.reconfigure({
      waits: { maxWaiting: 1_000, maxWaitMs: 60_000 },
      totalMsOf: () => 600_000,
      limitOf: () => ({ initial: 5, min: 1, max: 5, adaptive: false }),
      priorityOf: () => 2,
    })
    await clock.advance(0)
    expect(served).toHaveLength(5)
  })

  it('of a provider that is another now keeps its calls under way and forgets the rest', async () => {
    const { clock, queue, gate, calls } = rig()
    calls(2, callerOf('a'))
    queue.forget('up')
    expect(queue.gate('up')).toBe(gate)
    expect(gate.read().inFlight).toBe(2)
    await clock.advance(HELD_MS)
    queue.forget('up')
    expect(queue.read()).toEqual([])
  })
})
