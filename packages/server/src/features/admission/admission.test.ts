import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../domain/exchange.ts'
import type { Hold, Intent } from '../../domain/hold.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Price } from '../../domain/price.ts'
import { Walk } from '../../domain/walk.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { createMemoryCounters } from '../../kernel/counters.memory.ts'
import { AppError } from '../../kernel/errors.ts'
import { silentLog } from '../../kernel/log.ts'
import { caller, noPolicyPorts } from './__fixtures__/no-policies.ts'
import { createAdmission } from './admission.ts'
import type { Admitted, AdmissionPorts } from './admission.ports.ts'

const target = (name: string, more: Partial<Target> = {}): Target => ({
  name,
  provider: 'up',
  model: name.slice(3),
  operations: ['chat'],
  maxOutputTokens: null,
  contextTokens: null,
  ...more,
})
const price = (output: bigint): Price => ({
  inputPerMillion: 1_000_000_000n,
  cachedInputPerMillion: 1_000_000_000n,
  cacheWritePerMillion: 1_000_000_000n,
  cacheWriteHourPerMillion: 1_000_000_000n,
  outputPerMillion: output,
  perRequest: 0n,
  source: 'configuration',
  version: 'v1',
})
const prices: Record<string, Price> = { 'up/cheap': price(2_000_000_000n), 'up/dear': price(9_000_000_000n) }

const requestOf = (body: Record<string, unknown>, more: Partial<InferenceRequest> = {}): InferenceRequest => {
  const text = JSON.stringify(body)
  const members = new Map<string, { start: number; end: number }>()
  for (const [name, value] of Object.entries(body)) {
    const start = text.indexOf(`"${name}":`) + name.length + 3
    members.set(name, { start, end: start + JSON.stringify(value).length })
  }
  return {
    operation: 'chat',
    model: 'up/cheap',
    stream: false,
    includeUsage: false,
    maxOutputTokens: null,
    choices: 1,
    inputTokensBound: text.length,
    hasFiles: false,
    user: null,
    body: Buffer.from(text),
    members,
    ...more,
  }
}

const house = (more: Partial<AdmissionPorts> = {}) => {
  const time = { now: 0 }
  const clock: Clock = {
    now: () => 1_700_000_000_000 + time.now,
    monotonic: () => time.now,
    after: () => ({ cancel: () => {} }),
    every: () => ({ cancel: () => {} }),
  }
  const intents: Intent[] = []
  const capped: [member: string, cap: number][] = []
  const admission = createAdmission({
    counters: createMemoryCounters({ clock }),
    clock,
    tiers: {
      anonymous: { requests: { rate_per_minute: 60, burst: 10 } },
      free: { requests: { rate_per_minute: 60, burst: 3 } },
      bounded: { requests: { rate_per_minute: 600, burst: 100 }, max_output_tokens: 500 },
      internal: { requests: { rate_per_minute: 1_000_000_000, burst: 1_000_000 } },
    },
    perIp: { rate_per_minute: 30, burst: 2 },
    policyKey: Buffer.alloc(32, 7),
    priceOf: ({ name }) => prices[name] ?? null,
    worstCase: (known, request, cap) =>
      (BigInt(request.inputTokensBound) * known.inputPerMillion +
        BigInt(cap * request.choices) * known.outputPerMillion) /
      1_000_000n,
    outputCapMember: () => 'max_completion_tokens',
    requiresOutputCap: () => false,
    withOutputCap: (request, member, cap) => {
      capped.push([member, cap])
      return { ...request, maxOutputTokens: cap }
    },
    reserve: (intent) => {
      intents.push(intent)
      return { intent, flagged: [], mark: () => {}, settle: () => {} } satisfies Hold
    },
    log: silentLog,
    ...noPolicyPorts,
    ...more,
  })
  const exchange = (from: Partial<typeof caller> = {}, address = '192.0.2.1'): Exchange => ({
    id: 'req_1',
    requestId: 'own',
    caller: { ...caller, ...from },
    address,
    startedAt: clock.monotonic(),
    tags: new Map(),
    user: null,
    headers: {},
    walk: new Walk(clock.monotonic(), clock.now()),
  })
  /** In memory everything is decided at once. */
  const ask = (at: Exchange, request = requestOf({ model: 'up/cheap' }), targets = [target('up/cheap')]): Admitted => {
    const admitted = admission.admit(at, request, targets)
    if (admitted instanceof Promise) throw new Error('was not decided at once')
    return admitted
  }
  const refused = (at: Exchange, ...rest: [InferenceRequest?, Target[]?]): AppError => {
    try {
      ask(at, ...rest)
    } catch (error) {
      if (error instanceof AppError) return error
      throw error
    }
    throw new Error('was admitted')
  }
  return { admission, exchange, ask, refused, intents, capped, time }
}

describe('request limits', () => {
  it('admits the burst, refuses the next with the time of its turn, admits again when that has passed', () => {
    const { exchange, ask, refused, intents, time } = house()
    for (let call = 0; call < 3; call++) ask(exchange())
    const one = exchange()
    const error = refused(one)
    expect(error.code).toBe('rate_limit_exceeded')
    expect(error.options).toMatchObject({ retryAfterMs: 1000, violatedPolicies: ['key'] })
    expect(one.headers['x-ratelimit-remaining']).toBe('0')
    expect(intents).toHaveLength(3)
    time.now = 999
    expect(refused(exchange()).options.retryAfterMs).toBeLessThanOrEqual(1)
    time.now = 1000
    ask(exchange())
  })

  it('shows one state in three families of fields, on answers and refusals alike', () => {
    const { exchange, ask } = house()
    const one = exchange()
    ask(one)
    expect(one.headers).toEqual({
      'x-ratelimit-limit': '3',
      'x-ratelimit-remaining': '2',
      'x-ratelimit-reset': '1',
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-reset-requests': '1s',
      'ratelimit-policy': expect.stringMatching(/^"key";q=3;w=3;pk=:[A-Za-z0-9+/]{12}:$/) as string,
      ratelimit: expect.stringMatching(/^"key";r=2;t=1;pk=:[A-Za-z0-9+/]{12}:$/) as string,
    })
    expect(one.headers['ratelimit-policy']).not.toContain('k1')
  })

  it('counts callers with a publishable key by address too, IPv6 by network, and charges no rule when one refuses', () => {
    const { exchange, ask, refused } = house()
    const browser = { kind: 'publishable', tier: 'anonymous' } as const
    ask(exchange(browser, '2001:db8:1:2::1'))
    ask(exchange(browser, '2001:db8:1:2:ffff::9'))
    const third = exchange(browser, '2001:db8:1:2::3')
    expect(refused(third).options.violatedPolicies).toEqual(['address'])
    expect(third.headers['x-ratelimit-limit']).toBe('2')
    expect(third.headers['ratelimit']).toMatch(/^"key";r=8;.*, "address";r=0;t=4$/)
    const elsewhere = exchange(browser, '2001:db8:1:3::3')
    ask(elsewhere)
    expect(elsewhere.headers['ratelimit']).toMatch(/^"key";r=7;/)
  })

  it('takes an IPv4 address and its mapped form for one', () => {
    const { exchange, ask, refused } = house()
    const browser = { kind: 'publishable', tier: 'anonymous' } as const
    ask(exchange(browser, '192.0.2.7'))
    ask(exchange(browser, '::ffff:192.0.2.7'))
    expect(refused(exchange(browser, '192.0.2.7')).options.violatedPolicies).toEqual(['address'])
  })

  it('leaves the address of a secret key uncounted, and the tier internal practically unlimited', () => {
    const { exchange, ask } = house()
    const one = exchange({ tier: 'internal' })
    for (let call = 0; call < 2000; call++) ask(one)
    expect(Number(one.headers['x-ratelimit-limit'])).toBe(1_000_000)
  })

  it('gives a key of a tier that is gone the limits of anonymous', () => {
    const { exchange, ask } = house()
    const one = exchange({ tier: 'toString' })
    ask(one)
    expect(one.headers['x-ratelimit-limit']).toBe('10')
  })
})

describe('money', () => {
  const body = { model: 'up/cheap', messages: [] }

  it('holds the worst case of the dearest target: input bound and own cap times choices', () => {
    const { exchange, ask, intents, capped } = house()
    const request = requestOf(
      { ...body, max_tokens: 100 },
      { maxOutputTokens: 100, choices: 2, inputTokensBound: 1000 },
    )
    ask(exchange({ budgetId: 'b1' }), request, [target('up/cheap'), target('up/dear')])
    expect(intents[0]).toMatchObject({
      target: 'up/dear',
      worstCase: 1_000n * 1_000n + 200n * 9_000n,
      budgets: [{ id: 'b1' }],
      rates: { input: 1_000_000_000n, output: 9_000_000_000n, perRequest: 0n },
      inputTokensEstimate: Math.ceil(request.body.length / 4),
    })
    expect(capped).toEqual([])
  })

  it.each([
    ['the model', [target('up/cheap', { maxOutputTokens: 300 }), target('up/dear', { maxOutputTokens: 200 })], 200],
    ['what the context has left', [target('up/cheap', { maxOutputTokens: 300, contextTokens: 111 })], 102],
    ['the default', [target('up/cheap')], 4096],
  ])('imposes the cap of %s where a budget applies and the caller named none', (_, targets, cap) => {
    const { exchange, ask, capped } = house()
    const request = requestOf({ model: 'up/cheap', x: 1 })
    const admitted = ask(exchange({ budgetId: 'b1' }), request, targets)
    expect(capped).toEqual([['max_completion_tokens', cap]])
    expect(admitted.request.maxOutputTokens).toBe(cap)
  })

  it('imposes none without a budget', () => {
    const { exchange, ask, capped, intents } = house()
    ask(exchange(), requestOf(body))
    expect(capped).toEqual([])
    expect(intents[0]?.worstCase).toBe(BigInt(requestOf(body).body.length) * 1000n + 4096n * 2000n)
  })

  it('caps what asks for more than its tier allows, in the member it used, and says so', () => {
    const { exchange, ask, capped, intents } = house()
    const one = exchange({ tier: 'bounded' })
    ask(one, requestOf({ ...body, max_tokens: 9000 }, { maxOutputTokens: 9000 }))
    expect(capped).toEqual([['max_tokens', 500]])
    expect(one.headers['x-headgate-warning']).toBe('output capped at 500 tokens by the tier, 9000 asked')
    ask(exchange({ tier: 'bounded' }), requestOf({ ...body, max_completion_tokens: null }))
    expect(capped[1]).toEqual(['max_completion_tokens', 500])
    ask(
      exchange({ tier: 'bounded' }),
      requestOf({ ...body, max_completion_tokens: null, max_tokens: 501 }, { maxOutputTokens: 501 }),
    )
    expect(capped.slice(2)).toEqual([['max_tokens', 500]])
    expect(intents).toHaveLength(3)
  })

  it('refuses a model without a price where a budget applies, anywhere in the order', () => {
    const { exchange, refused, ask, intents } = house()
    const targets = [target('up/cheap'), target('up/new')]
    expect(refused(exchange({ budgetId: 'b1' }), undefined, targets).code).toBe('price_unknown')
    expect(intents).toEqual([])
    ask(exchange(), undefined, targets)
    expect(intents[0]).toMatchObject({ target: 'up/cheap', worstCase: null, rates: null })
  })

  it('bounds an embeddings call by its input alone and leaves its body as it is', () => {
    const { exchange, ask, intents, capped } = house()
    const request = requestOf(
      { model: 'up/cheap', input: 'x' },
      { operation: 'embeddings', maxOutputTokens: 0, inputTokensBound: 50 },
    )
    ask(exchange({ budgetId: 'b1', tier: 'bounded' }), request)
    expect(intents[0]?.worstCase).toBe(50_000n)
    expect(capped).toEqual([])
  })

  it('keeps the place in the rate of a call that the budget refused', () => {
    const { exchange, refused } = house({
      reserve: () => {
        throw new AppError('budget_exceeded')
      },
    })
    const one = exchange({ budgetId: 'b1' })
    expect(refused(one).code).toBe('budget_exceeded')
    expect(one.headers['x-ratelimit-remaining']).toBe('2')
  })

  it('waits for counters and reservations that answer later', async () => {
    const later = createMemoryCounters({ clock: systemClock })
    const { admission, exchange, intents } = house({
      counters: { ...later, take: async (rules) => later.take(rules) },
      reserve: async (intent) => ({ intent, flagged: [], mark: () => {}, settle: () => {} }),
    })
    const admit = async (from: Exchange) => admission.admit(from, requestOf(body), [target('up/cheap')])
    const first = exchange()
    await expect(admit(first)).resolves.toMatchObject({ hold: { intent: { id: 'req_1', target: 'up/cheap' } } })
    expect(first.headers['ratelimit']).toMatch(/^"key";r=2;t=1;/)
    await admit(exchange())
    await admit(exchange())
    await expect(admit(exchange())).rejects.toMatchObject({ code: 'rate_limit_exceeded' })
    expect(intents).toEqual([])
  })
})
