import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Walk } from '../../domain/walk.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import {
  ask,
  chatRequest,
  drain,
  faultOf,
  openaiAt,
  providersOf,
  secret,
  someone,
  targetOf,
} from './__fixtures__/setting.ts'
import type { Providers, ProvidersOptions } from './providers.ts'
import type { CircuitPort, GatePort } from './providers.ports.ts'

let upstream: Upstream
let second: Upstream
const opened: Providers[] = []
beforeAll(async () => {
  upstream = await startUpstream()
  second = await startUpstream()
})
beforeEach(() => {
  upstream.reset()
  second.reset()
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(async () => {
  await upstream.close()
  await second.close()
})

/** The real clock, but waits pass at once and are written down. */
const impatient = () => {
  const waits: number[] = []
  const clock: Clock = {
    ...systemClock,
    after: (milliseconds, callback) => {
      // Deadlines of calls are longer than any wait.
      if (milliseconds >= 10_000) return systemClock.after(milliseconds, callback)
      waits.push(milliseconds)
      return systemClock.after(0, callback)
    },
  }
  return { clock, waits }
}

const made = (more: Partial<ProvidersOptions> = {}) => {
  const providers = providersOf(
    {
      ...openaiAt(upstream.url, { timeouts: { firstByteMs: 20_000, idleMs: 20_000, totalMs: 20_000 } }),
      other: {
        kind: 'openai',
        baseUrl: `${second.url}/v1`,
        apiKey: secret('k'),
        timeouts: { firstByteMs: 20_000, idleMs: 20_000, totalMs: 20_000 },
      },
    },
    { random: () => 0.5, ...more },
  )
  opened.push(providers)
  return providers
}

const both = (providers: Providers, first: string, then: string) =>
  providers.call(
    [targetOf(`up/${first}`), targetOf(`other/${then}`)],
    chatRequest('up/any'),
    { id: 'req_both', walk: new Walk(0, 0), caller: someone, startedAt: 0 },
    new AbortController().signal,
  )

describe('tries of one request', () => {
  it('are repeated while nothing was handed on, with growing waits', async () => {
    const { clock, waits } = impatient()
    const answer = await ask(made({ clock }), 'up/gpt-4o;fail-first=2')
    expect(answer.attempts.map(({ status, fault }) => [status, fault])).toEqual([
      [500, 'upstream_error'],
      [500, 'upstream_error'],
      [200, null],
    ])
    expect(waits).toEqual([100, 200])
  })

  it('are three at most, over all targets', async () => {
    const { clock } = impatient()
    const providers = made({ clock })
    const fault = await faultOf(both(providers, 'gpt-4o;down', 'gpt-4o;overloaded'))
    expect(providers.attemptsOf(fault).map(({ target, status }) => [target, status])).toEqual([
      ['up/gpt-4o;down', 500],
      ['other/gpt-4o;overloaded', 529],
      ['up/gpt-4o;down', 500],
    ])
    expect(upstream.requests().length + second.requests().length).toBe(3)
  })

  it('go to the next target at once', async () => {
    const { clock, waits } = impatient()
    for (const script of ['down', 'rst-before-headers', 'html', 'status=401', 'rate-limited', 'status=404']) {
      const answer = await both(made({ clock }), `gpt-4o;${script}`, 'gpt-4o')
      expect(answer.target.name, script).toBe('other/gpt-4o')
      expect(answer.attempts).toHaveLength(2)
    }
    expect(waits).toEqual([])
  })

  it.each([
    'status=400',
    'status=402',
    'status=429;body=%7B%22error%22%3A%7B%22code%22%3A%22insufficient_quota%22%7D%7D',
    'status=504',
  ])('are not repeated for %s', async (script) => {
    const providers = made()
    const fault = await faultOf(both(providers, `gpt-4o;${script}`, 'gpt-4o'))
    expect(providers.attemptsOf(fault)).toHaveLength(1)
  })

  it('stop when the caller leaves during a wait', async () => {
    const controller = new AbortController()
    const providers = made()
    const pending = faultOf(ask(providers, 'up/gpt-4o;status=429;retry-after=5', {}, controller.signal))
    setTimeout(() => controller.abort(), 150)
    const before = performance.now()
    const fault = await pending
    expect(fault.code).toBe('client_closed_request')
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(providers.attemptsOf(fault)).toMatchObject([{ status: 429 }])
  })
})

describe('Retry-After of the provider', () => {
  const seen = (retryAfter: string, status = 429) => {
    const { clock, waits } = impatient()
    const reports: [string, string, number | undefined][] = []
    const circuit: CircuitPort = {
      allow: () => ({ allowed: true, retryAfterMs: 0 }),
      report: (target, outcome, retryAfterMs) => reports.push([target, outcome, retryAfterMs]),
    }
    const providers = made({ clock, circuit })
    return faultOf(ask(providers, `up/gpt-4o;status=${status};retry-after=${retryAfter}`)).then((fault) => ({
      fault,
      waits,
      attempts: providers.attemptsOf(fault).length,
      held: reports.map(([, , held]) => held),
    }))
  }

  it.each(['1', '5'])('of %s seconds is sat out', async (value) => {
    const { waits, attempts, held, fault } = await seen(value)
    expect(attempts).toBe(3)
    expect(waits).toEqual([Number(value) * 1_000, Number(value) * 1_000])
    expect(held).toEqual([undefined, undefined, undefined])
    expect(fault.options['retryAfterMs']).toBe(Number(value) * 1_000)
  })

  it.each([
    ['30', 30_000, 30_000, undefined],
    ['1000000000', 600_000, 60_000, false],
  ])('of %s seconds holds the provider, and the caller is told', async (value, hold, told, shouldRetry) => {
    const { waits, attempts, held, fault } = await seen(value, 529)
    expect([attempts, waits, held]).toEqual([1, [], [hold]])
    expect(fault.code).toBe('upstream_overloaded')
    expect(fault.options['retryAfterMs']).toBe(told)
    expect(fault.options['shouldRetry']).toBe(shouldRetry)
  })

  it('as a date is understood', async () => {
    const { attempts, held } = await seen(new Date(Date.now() + 30_000).toUTCString())
    expect(attempts).toBe(1)
    expect(held[0]).toBeGreaterThan(25_000)
    expect(held[0]).toBeLessThanOrEqual(30_000)
  })

  it.each(['-5', 'abc', '1e9'])('%s is ignored', async (value) => {
    const { waits, attempts, fault } = await seen(value)
    expect(attempts).toBe(3)
    expect(waits).toEqual([100, 200])
    expect(fault.options['retryAfterMs']).toBe(1_000)
  })
})

describe('a storm', () => {
  it.each(['status=429', 'status=529'])(
    'of %s: attempts stay within 1.1 of the requests, three per request',
    async (script) => {
      const { clock } = impatient()
      const providers = made({ clock })
      const requests = 400
      let most = 0
      for (let batch = 0; batch < 20; batch++) {
        const faults = await Promise.all(
          Array.from({ length: requests / 20 }, () => faultOf(ask(providers, `up/gpt-4o;${script}`))),
        )
        for (const fault of faults) most = Math.max(most, providers.attemptsOf(fault).length)
      }
      const attempts = upstream.requests().length
      expect(attempts).toBeGreaterThan(requests)
      expect(attempts).toBeLessThanOrEqual(requests * 1.1)
      expect(most).toBeLessThanOrEqual(3)
    },
  )

  it('never reaches a target whose circuit is open', async () => {
    const circuit: CircuitPort = {
      allow: (target) =>
        target.startsWith('up/') ? { allowed: false, retryAfterMs: 90_000 } : { allowed: true, retryAfterMs: 0 },
      report: () => {},
    }
    const providers = made({ circuit })
    expect((await both(providers, 'gpt-4o', 'gpt-4o')).target.name).toBe('other/gpt-4o')
    const fault = await faultOf(ask(providers, 'up/gpt-4o'))
    expect(fault.code).toBe('upstream_overloaded')
    expect(fault.options['retryAfterMs']).toBe(60_000)
    expect(providers.attemptsOf(fault)).toEqual([])
    expect(upstream.requests()).toEqual([])
  })
})

describe('places at a provider', () => {
  const gateOf = (refusal: AppError) => {
    const left: (number | null)[] = []
    const open: GatePort = {
      enter: () => true,
      wait: () => Promise.reject(new Error('nobody waits here')),
      answered: () => {},
      failed: () => {},
      leave: (heldMs) => void left.push(heldMs),
    }
    const full: GatePort = { ...open, enter: () => false, wait: () => Promise.reject(refusal) }
    return { left, gate: (provider: string) => (provider === 'up' ? full : open) }
  }

  it('that are all taken send the call to the next target', async () => {
    const { left, gate } = gateOf(new AppError('upstream_busy', { retryAfterMs: 3_000 }))
    const answer = await both(made({ gate }), 'gpt-4o', 'gpt-4o')
    expect(answer.attempts.map(({ target }) => target)).toEqual(['other/gpt-4o'])
    expect(left).toHaveLength(1)
    expect(upstream.requests()).toEqual([])
  })

  it('that are all taken at the only target are the answer, with the wait', async () => {
    const { gate } = gateOf(new AppError('upstream_busy', { retryAfterMs: 3_000 }))
    const providers = made({ gate })
    const fault = await faultOf(ask(providers, 'up/gpt-4o'))
    expect(fault).toMatchObject({ code: 'upstream_busy', options: { retryAfterMs: 3_000 } })
    expect(providers.attemptsOf(fault)).toEqual([])
  })

  it('are not waited for elsewhere by a caller who has left', async () => {
    const { left, gate } = gateOf(new AppError('client_closed_request'))
    const fault = await faultOf(both(made({ gate }), 'gpt-4o', 'gpt-4o'))
    expect(fault).toMatchObject({ code: 'client_closed_request' })
    expect(left).toEqual([])
    expect(second.requests()).toEqual([])
  })

  it('are given back by a try that fails, and by a stream once it is over', async () => {
    const { left, gate } = gateOf(new AppError('upstream_busy'))
    const providers = made({ gate })
    await faultOf(ask(providers, 'other/gpt-4o;status=400'))
    expect(left).toHaveLength(1)
    const answer = await ask(providers, 'other/gpt-4o', { stream: true })
    if (answer.kind !== 'events') throw new Error('no stream')
    await drain(answer.source)
    expect(left).toHaveLength(1)
    answer.release()
    answer.release()
    expect(left).toHaveLength(2)
  })
})
