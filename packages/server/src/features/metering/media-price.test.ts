import { describe, expect, it } from 'vitest'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import { imageOutputTokens, type MediaRequest, type MediaUsage } from '../../domain/media.ts'
import type { MediaPrice, Price } from '../../domain/price.ts'
import { noUsage } from '../../domain/usage.ts'
import { coversOperation, needsTokens } from './media-price.ts'
import { costOf, worstCase } from './price.ts'
import { createPrices, type PriceOverride } from './prices.ts'

const USD = 1_000_000_000n
const at = Date.UTC(2026, 0, 15, 12)
const media: MediaPrice = {
  inputPerMillion: null,
  outputPerMillion: null,
  images: new Map(),
  image: null,
  audioHour: null,
  charactersPerMillion: null,
}
const overrides = new Map<string, PriceOverride>([
  [
    'openai/dall-e-3',
    {
      media: {
        ...media,
        image: (4n * USD) / 100n,
        images: new Map([
          ['hd', (8n * USD) / 100n],
          ['hd/1024x1792', (12n * USD) / 100n],
        ]),
      },
    },
  ],
  ['openai/tts-1', { media: { ...media, charactersPerMillion: 15n * USD } }],
  ['openai/omni-moderation', { perRequest: 0n }],
])
const dated = new Map([...overrides].map(([name, price]) => [name, [{ from: Number.NEGATIVE_INFINITY, price }]]))
const prices = createPrices({
  overrides: dated,
  providerOf: () => ({ kind: 'openai', baseUrl: 'https://api.openai.com/v1' }),
})
const priceOf = (model: string, operation: Operation): Price | null =>
  prices(
    { name: `openai/${model}`, provider: 'openai', model, operations: [], maxOutputTokens: null, contextTokens: null },
    at,
    operation,
  )
const known = (model: string, operation: Operation): Price => {
  const price = priceOf(model, operation)
  if (price === null) throw new Error(`no price of ${model}`)
  return price
}
const used = (given: Partial<MediaUsage>, tokens = noUsage) => ({
  ...tokens,
  media: { images: 0, audioMs: 0, characters: 0, size: null, quality: null, inputTokens: 0, outputTokens: 0, ...given },
})
const asking = (operation: Operation, given: Partial<MediaRequest>, inputTokensBound = 0): InferenceRequest => ({
  operation,
  model: 'm',
  stream: false,
  includeUsage: false,
  maxOutputTokens: null,
  choices: 1,
  inputTokensBound,
  hasFiles: false,
  user: null,
  body: Buffer.alloc(0),
  members: new Map(),
  media: {
    images: 0,
    size: null,
    quality: null,
    characters: 0,
    audioMsBound: 0,
    audioMs: null,
    outputTokensBound: 0,
    inputTokensEstimate: 0,
    format: null,
    contentType: null,
    ...given,
  },
})

describe('the price of images', () => {
  it.each([
    [{ size: '1024x1024', quality: 'standard' }, 4n],
    [{}, 4n],
    [{ size: '1024x1024', quality: 'hd' }, 8n],
    [{ size: '1024x1792', quality: 'hd' }, 12n],
    [{ size: '1024x1792' }, 4n],
  ])('is that of its kind, else that of any: %j', (kind, cents) => {
    const price = known('dall-e-3', 'images')
    expect(costOf(price, used({ images: 3, ...kind }))).toBe((3n * cents * USD) / 100n)
    expect(worstCase(price, asking('images', { images: 3, ...kind }), 0)).toBe((3n * cents * USD) / 100n)
  })

  it('is the dearest where the choice is the provider’s', () => {
    const price = known('dall-e-3', 'images')
    expect(worstCase(price, asking('images', { images: 2, size: 'auto' }), 0)).toBe((24n * USD) / 100n)
  })

  it('counts tokens of pictures at their own rate', () => {
    const price = known('gpt-image-1', 'images')
    const tokens = { ...noUsage, inputTokens: 1_000_000, outputTokens: 1_000_000 }
    // 400,000 tokens of pictures at 10 USD and 600,000 of text at 5 USD, 40 USD for the output.
    expect(costOf(price, used({ images: 1, inputTokens: 400_000 }, tokens))).toBe(47n * USD)
    const most = BigInt(imageOutputTokens('1024x1536', 'high')) * 2n * 40_000n + 1_000n * 10_000n
    const request = asking('images', { images: 2, size: '1024x1536', quality: 'high' }, 1_000)
    expect(worstCase(price, request, imageOutputTokens('1024x1536', 'high'))).toBe(most)
  })
})

describe('the price of audio', () => {
  it('is by the hour, or by the character', () => {
    expect(costOf(known('whisper-1', 'transcriptions'), used({ audioMs: 90_000 }))).toBe((9n * USD) / 1_000n)
    expect(worstCase(known('whisper-1', 'transcriptions'), asking('transcriptions', { audioMsBound: 60_000 }), 0)).toBe(
      (6n * USD) / 1_000n,
    )
    expect(costOf(known('tts-1', 'speech'), used({ characters: 1_000, audioMs: 60_000 }))).toBe((15n * USD) / 1_000n)
  })
})

describe('what a price says', () => {
  it('is never taken for nothing where it says nothing', () => {
    for (const operation of ['chat', 'embeddings', 'speech', 'moderations'] as const)
      expect(priceOf('dall-e-3', operation)).toBeNull()
    expect(priceOf('whisper-1', 'chat')).toBeNull()
    expect(priceOf('whisper-1', 'images')).toBeNull()
    expect(priceOf('tts-1', 'transcriptions')).toBeNull()
    expect(priceOf('no-such-image-model', 'images')).toBeNull()
  })

  it('is a price of every call where it is one per call', () => {
    expect(costOf(known('omni-moderation', 'moderations'), noUsage)).toBe(0n)
  })

  it('tells whether tokens must be known', () => {
    expect(needsTokens(known('gpt-image-1', 'images'), 'images')).toBe(true)
    expect(needsTokens(known('dall-e-3', 'images'), 'images')).toBe(false)
    expect(coversOperation(known('gpt-image-1', 'images'), 'chat')).toBe(true)
  })
})
