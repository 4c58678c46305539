import { describe, expect, it } from 'vitest'
import type { Clock } from '../../kernel/clock.ts'
import { createCircuits } from './circuit.ts'

const clockAt = () => {
  let time = 1_000
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    after: () => ({ cancel: () => {} }),
    every: () => ({ cancel: () => {} }),
  }
  return {
    circuits: createCircuits(clock),
    pass: (milliseconds: number) => {
      time += milliseconds
    },
  }
}

const failing = (circuits: ReturnType<typeof createCircuits>, times: number, target = 'up/one') => {
  for (let time = 0; time < times; time++) circuits.report(target, 'fault')
}

describe('circuits', () => {
  it('opens after five faults in a row, for that target alone', () => {
    const { circuits } = clockAt()
    failing(circuits, 4)
    expect(circuits.allow('up/one').allowed).toBe(true)
    failing(circuits, 1)
    expect(circuits.allow('up/one')).toEqual({ allowed: false, retryAfterMs: 1_000 })
    expect(circuits.allow('up/two').allowed).toBe(true)
    expect(circuits.open()).toEqual(['up/one'])
  })

  it('opens when half of twenty tries failed', () => {
    const { circuits } = clockAt()
    for (let time = 0; time < 10; time++) {
      circuits.report('up/one', 'fault')
      circuits.report('up/one', 'ok')
    }
    expect(circuits.allow('up/one').allowed).toBe(true)
    failing(circuits, 1)
    expect(circuits.allow('up/one').allowed).toBe(false)
  })

  it('lets at most one probe through a second, and closes on the first success', () => {
    const { circuits, pass } = clockAt()
    failing(circuits, 5)
    let probes = 0
    for (let step = 0; step < 100; step++) {
      pass(100)
      if (circuits.allow('up/one').allowed) {
        probes++
        circuits.report('up/one', 'fault')
      }
    }
    expect(probes).toBe(10)
    pass(1_000)
    expect(circuits.allow('up/one').allowed).toBe(true)
    circuits.report('up/one', 'ok')
    for (let step = 0; step < 10; step++) expect(circuits.allow('up/one').allowed).toBe(true)
    expect(circuits.open()).toEqual([])
  })

  it('leaves a provider alone for as long as it asked, at most ten minutes', () => {
    const { circuits, pass } = clockAt()
    circuits.report('up/one', 'fault', 30_000)
    expect(circuits.allow('up/two')).toEqual({ allowed: false, retryAfterMs: 30_000 })
    expect(circuits.allow('other/one').allowed).toBe(true)
    pass(30_000)
    expect(circuits.allow('up/two').allowed).toBe(true)
    circuits.report('up/one', 'fault', 1e12)
    expect(circuits.allow('up/one').retryAfterMs).toBe(600_000)
  })

  it('forgets targets beyond its bound', () => {
    const { circuits } = clockAt()
    for (let index = 0; index < 5_000; index++) failing(circuits, 5, `up/${index}`)
    expect(circuits.open().length).toBe(4_096)
  })
})
