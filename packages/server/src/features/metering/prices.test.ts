import { readFileSync } from 'node:fs'
import { calcPrice } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Usage } from '../../domain/usage.ts'
import { costOf, ratesFor, worstCase } from './price.ts'
import { createPrices, libraryVersion, type PricedProvider, type PriceOverride } from './prices.ts'

const target = (name: string, operations: Operation[] = ['chat']): Target => {
  const slash = name.indexOf('/')
  return {
    name,
    provider: name.slice(0, slash),
    model: name.slice(slash + 1),
    operations,
    maxOutputTokens: null,
    contextTokens: null,
  }
}
const always = (price: PriceOverride) => ({ from: Number.NEGATIVE_INFINITY, price })
const openai = (baseUrl: string): PricedProvider => ({ kind: 'openai', baseUrl })
const providers = new Map<string, PricedProvider>([
  ['openai', openai('https://api.openai.com/v1')],
  ['main', openai('https://api.openai.com/v1')],
  ['google', openai('https://generativelanguage.googleapis.com/v1beta/openai')],
  ['deepseek', openai('https://api.deepseek.com/v1')],
  ['xai', openai('https://proxy.example/v1')],
  ['perplexity', openai('https://api.perplexity.ai')],
  ['openai-like', openai('http://127.0.0.1:9000/v1')],
  ['claude', { kind: 'anthropic', baseUrl: 'https://proxy.example' }],
  ['demo', { kind: 'demo' }],
  ['ollama', { kind: 'ollama', baseUrl: 'http://127.0.0.1:11434' }],
])
const priceOf = createPrices({
  overrides: new Map([
    ['openai/gpt-4o', [always({ input: 1_000_000_000n, output: 2_000_000_000n, perRequest: 5n })]],
    [
      'openai/gpt-4o-mini',
      [
        { from: Date.UTC(2026, 6, 1), price: { input: 3n, output: 3n } },
        { from: Date.UTC(2026, 3, 1), price: { input: 2n, output: 2n } },
      ],
    ],
  ]),
  providerOf: (name) => providers.get(name),
})
const at = Date.UTC(2026, 0, 15, 12)
const used = (inputTokens: number, outputTokens: number, cachedInputTokens = 0, written = 0, forHour = 0): Usage => ({
  inputTokens,
  cachedInputTokens,
  cacheWriteInputTokens: written,
  cacheWriteHourInputTokens: forHour,
  outputTokens,
  reasoningTokens: 0,
})
const priced = (name: string, when = at, operations: Operation[] = ['chat']) => {
  const price = priceOf(target(name, operations), when, 'chat')
  if (!price) throw new Error(`no price of ${name}`)
  return price
}

describe('where a price comes from', () => {
  it('is exact to the nano-USD of the published figure', () => {
    expect(priced('openai/gpt-4o-mini')).toMatchObject({
      inputPerMillion: 150_000_000n,
      cachedInputPerMillion: 75_000_000n,
      outputPerMillion: 600_000_000n,
      perRequest: 0n,
      source: 'library',
      version: libraryVersion,
    })
    expect(priced('perplexity/sonar').perRequest).toBe(12_000_000n)
  })

  it('knows a provider by its address or its exact name, and by nothing vaguer', () => {
    expect(priced('main/gpt-4o-mini').inputPerMillion).toBe(150_000_000n)
    expect(priceOf(target('xai/grok-4'), at, 'chat')?.source).toBe('library')
    expect(priceOf(target('openai-like/gpt-4o-mini'), at, 'chat')).toBeNull()
    expect(priceOf(target('nobody/gpt-4o-mini'), at, 'chat')).toBeNull()
    expect(priceOf(target('openai/no-such-model-zz'), at, 'chat')).toBeNull()
  })

  it('is of its time: the library’s until the first configured date, then each until the next', () => {
    const inputs = [
      [Date.UTC(2026, 3, 1) - 1, 150_000_000n, libraryVersion],
      [Date.UTC(2026, 3, 1), 2n, 'configuration/'],
      [Date.UTC(2026, 6, 1) - 1, 2n, 'configuration/'],
      [Date.UTC(2026, 6, 1), 3n, 'configuration/'],
    ] as const
    for (const [when, input, version] of inputs) {
      const price = priced('openai/gpt-4o-mini', when)
      expect(price.inputPerMillion).toBe(input)
      expect(price.version).toContain(version)
    }
  })

  it('prefers the configuration, and versions it by its figures', () => {
    const price = priced('openai/gpt-4o')
    expect(price).toMatchObject({ source: 'configuration', cachedInputPerMillion: 1_000_000_000n, perRequest: 5n })
    expect(price.version).toMatch(/^configuration\/[0-9a-f]{8}$/)
    expect(costOf(price, used(3, 2, 1))).toBe(3_000n + 4_000n + 5n)
  })

  it('is an explicit zero for local engines', () => {
    for (const name of ['demo/demo', 'ollama/llama3']) {
      const price = priced(name)
      expect(price.source).toBe('local')
      expect(costOf(price, used(1e9, 1e9))).toBe(0n)
    }
  })

  it('is not zero by silence: an embedding model costs its input, and has no price for chat', () => {
    expect(priced('openai/text-embedding-3-small', at, ['embeddings']).inputPerMillion).toBe(20_000_000n)
    expect(priceOf(target('openai/text-embedding-3-large', ['chat']), at, 'chat')).toBeNull()
  })

  it('is the one of the time of the request', () => {
    const night = priced('deepseek/deepseek-chat', Date.UTC(2025, 5, 1, 20))
    const day = priced('deepseek/deepseek-chat', Date.UTC(2025, 5, 1, 12))
    expect(night.inputPerMillion).toBe(135_000_000n)
    expect(day.inputPerMillion).toBe(270_000_000n)
    expect(priced('deepseek/deepseek-chat', Date.UTC(2025, 5, 1, 16, 29, 59)).inputPerMillion).toBe(270_000_000n)
    expect(priced('deepseek/deepseek-chat', Date.UTC(2025, 5, 1, 16, 30)).inputPerMillion).toBe(135_000_000n)
  })

  it('names the version of the library that is installed', () => {
    const manifest = new URL('../../../../../node_modules/@pydantic/genai-prices/package.json', import.meta.url)
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    expect(libraryVersion).toBe(`genai-prices/${version}`)
  })
})

describe('cost', () => {
  it.each([
    // 7 × 0.15 + 3 × 0.60 USD per million = 2.85 µUSD
    [used(7, 3), 2_850n],
    // 3 uncached × 0.15 + 4 cached × 0.075 + 3 × 0.60
    [used(7, 3, 4), 2_550n],
    // Without a price of its own, what is written to the cache costs what other input costs.
    [used(7, 3, 4, 3), 2_550n],
    // 1 cached token: 0.075 µUSD
    [used(1, 0, 1), 75n],
    [used(0, 0), 0n],
  ])('equals the sum by hand: %j', (usage, expected) => {
    expect(costOf(priced('openai/gpt-4o-mini'), usage)).toBe(expected)
  })

  it('has rates of their own for what is read from, written to and kept for an hour in a cache', () => {
    const price = priced('claude/claude-sonnet-4-5')
    // 2 × 3 + 3 × 0.30 + 4 × 3.75 + 1 × 6 + 10 × 15 USD per million
    expect(costOf(price, used(10, 10, 3, 5, 1))).toBe(6_000n + 900n + 15_000n + 6_000n + 150_000n)
    // Beyond 200,000 tokens of input, all of them at the other rates: 200,001 × 7.5
    expect(costOf(price, used(200_001, 0, 0, 200_001))).toBe(1_500_007_500n)
  })

  it('rounds up once', () => {
    const price = {
      ...priced('openai/gpt-4o-mini'),
      inputPerMillion: 1n,
      cachedInputPerMillion: 1n,
      outputPerMillion: 1n,
    }
    expect(costOf(price, used(1, 1))).toBe(1n)
    expect(costOf(price, used(1_000_000, 0))).toBe(1n)
    expect(costOf(price, used(1_000_000, 1))).toBe(2n)
  })

  it.each(['openai/gpt-4o-mini', 'google/gemini-2.5-pro', 'perplexity/sonar', 'xai/grok-4', 'deepseek/deepseek-chat'])(
    'agrees with the library within its float error, on both sides of a step: %s',
    (name) => {
      const price = priced(name)
      const { provider, model } = target(name)
      for (const input of [1, 999, 128_000, 200_000, 200_001, 1_000_000]) {
        for (const [output, cached] of [
          [0, 0],
          [777, 0],
          [65_000, Math.floor(input / 3)],
        ] as const) {
          const theirs = calcPrice({ input_tokens: input, output_tokens: output, cache_read_tokens: cached }, model, {
            providerId: provider === 'xai' ? 'x-ai' : provider,
            timestamp: new Date(at),
          })
          const ours = Number(costOf(price, used(input, output, cached)))
          const nano = (theirs?.total_price ?? Number.NaN) * 1e9
          expect(Math.abs(ours - nano), `${input} ${output} ${cached}`).toBeLessThanOrEqual(1 + nano * 1e-12)
        }
      }
    },
  )
})

describe('worst case', () => {
  const request = (overrides: Partial<InferenceRequest> = {}): InferenceRequest => ({
    operation: 'chat',
    model: 'm',
    stream: false,
    includeUsage: false,
    maxOutputTokens: null,
    choices: 1,
    inputTokensBound: 1_000,
    hasFiles: false,
    user: null,
    body: Buffer.alloc(0),
    members: new Map(),
    ...overrides,
  })

  it('takes every choice at the cap, and no output of embeddings', () => {
    const price = priced('openai/gpt-4o-mini')
    expect(worstCase(price, request({ choices: 3 }), 100)).toBe(150_000n + 180_000n)
    expect(worstCase(price, request({ operation: 'embeddings' }), 100)).toBe(150_000n)
  })

  it('covers what is written to a cache, for an hour only where the request may ask for that', () => {
    const price = priced('claude/claude-opus-4-8')
    const most = (body: string) => worstCase(price, request({ body: Buffer.from(body) }), 0)
    const written = costOf(price, used(1_000, 0, 0, 1_000))
    const forHour = costOf(price, used(1_000, 0, 0, 1_000, 1_000))
    expect(forHour).toBeGreaterThan(written)
    expect(most('{}')).toBe(written)
    for (const ttl of ['"1h"', '"12h"', '"\\u0031h"', '"1\\u0068"', '"1\\u0032h"', '"\\u0031\\u0032\\u0068"'])
      expect(most(`{"ttl":${ttl}}`), ttl).toBe(forHour)
  })

  it('covers any usage within its bounds, over all steps', () => {
    const price = priced('google/gemini-2.5-pro')
    const most = worstCase(price, request({ inputTokensBound: 300_000, choices: 2 }), 10)
    for (const input of [0, 1, 199_999, 200_000, 200_001, 300_000]) {
      for (const cached of [0, input]) expect(costOf(price, used(input, 20, cached))).toBeLessThanOrEqual(most)
    }
    expect(ratesFor(price, 200_001).outputPerMillion).toBe(15_000_000_000n)
    expect(ratesFor(price, 200_000).outputPerMillion).toBe(10_000_000_000n)
  })
})
