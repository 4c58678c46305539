import { describe, expect, it } from 'vitest'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Price } from '../../domain/price.ts'
import type { MoneyPorts } from './admission.ports.ts'
import { estimateInputTokens, quote } from './worst-case.ts'

/** What the catalog knows of gpt-4o-mini by the price library: its context, not its output limit of 16,384. */
const mini: Target = {
  name: 'openai/gpt-4o-mini',
  provider: 'openai',
  model: 'gpt-4o-mini',
  operations: ['chat'],
  maxOutputTokens: null,
  contextTokens: 128_000,
}
const price: Price = {
  inputPerMillion: 150_000_000n,
  cachedInputPerMillion: 75_000_000n,
  cacheWritePerMillion: 75_000_000n,
  cacheWriteHourPerMillion: 75_000_000n,
  outputPerMillion: 600_000_000n,
  perRequest: 0n,
  source: 'library',
  version: 'v1',
}
const ports: MoneyPorts = {
  priceOf: () => price,
  worstCase: (_price, _request, cap) => BigInt(cap),
  outputCapMember: () => 'max_completion_tokens',
  requiresOutputCap: () => false,
  withOutputCap: (request, _member, cap) => ({ ...request, maxOutputTokens: cap }),
}
const requestOf = (bytes: number): InferenceRequest => ({
  operation: 'chat',
  model: 'gpt-4o-mini',
  stream: false,
  includeUsage: false,
  maxOutputTokens: null,
  choices: 1,
  inputTokensBound: bytes,
  hasFiles: false,
  user: null,
  body: Buffer.alloc(bytes, 'x'),
  members: new Map(),
})

describe('the output cap that a budget imposes', () => {
  const capOf = (targets: readonly Target[], bytes = 75, tierCap: number | null = null) => {
    const { request, worstCase, warning } = quote(ports, requestOf(bytes), targets, 0, tierCap, true)
    expect(worstCase).toBe(BigInt(request.maxOutputTokens ?? -1))
    return [request.maxOutputTokens, warning !== null]
  }

  it('is never the context of a model whose output limit is unknown', () => {
    expect(capOf([mini])).toEqual([4_096, true])
    expect(capOf([mini], 75, 20_000)).toEqual([20_000, true])
    expect(capOf([mini], 75, 500)).toEqual([500, true])
  })

  it('is the output limit of the model where it is known', () => {
    const known = { ...mini, maxOutputTokens: 16_384 }
    expect(capOf([known])).toEqual([16_384, false])
    expect(capOf([known, mini])).toEqual([16_384, false])
    expect(capOf([known], 75, 20_000)).toEqual([16_384, false])
  })

  it('is lowered to what the input leaves of the smallest context', () => {
    expect(capOf([mini], 383_400)).toEqual([200, false])
    expect(capOf([mini, { ...mini, contextTokens: 1_025 }])).toEqual([1_000, false])
    // The bytes are a rough bound: a model that seems full already is asked all the same.
    expect(capOf([mini], 400_000)).toEqual([4_096, true])
  })
})

describe('a provider that requires an output cap', () => {
  const requiring = { ...ports, requiresOutputCap: () => true }
  const asked = (more: Partial<InferenceRequest>, maxOutputTokens: number | null) =>
    quote(requiring, { ...requestOf(75), ...more }, [{ ...mini, maxOutputTokens }], 0, null, false)

  it('is given the one that the worst case counts with, without a budget too', () => {
    const { request, worstCase, warning } = asked({}, null)
    expect(request.maxOutputTokens).toBe(4_096)
    expect(worstCase).toBe(4_096n)
    expect(warning).toBe('output capped at 4096 tokens because the provider requires a cap, no cap asked')
    expect(asked({}, 64_000)).toMatchObject({ request: { maxOutputTokens: 64_000 }, warning: null })
    expect(asked({ maxOutputTokens: 7 }, 64_000)).toMatchObject({ request: { maxOutputTokens: 7 }, warning: null })
  })
})

describe('an image in the request', () => {
  it('is estimated as an image, and takes no room of the context for its bytes', () => {
    const url = `data:image/png;base64,${'A'.repeat(380_000)}`
    const content = [{ type: 'image_url', image_url: { url } }]
    const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }))
    const request = { ...requestOf(1), body, inputTokensBound: body.length }
    expect(estimateInputTokens(request)).toBeGreaterThan(765)
    expect(estimateInputTokens(request)).toBeLessThan(865)
    expect(quote(ports, request, [mini], 0, null, true).request.maxOutputTokens).toBe(4_096)
  })
})

describe('a file', () => {
  const counting: MoneyPorts = { ...ports, worstCase: (_price, { inputTokensBound }) => BigInt(inputTokensBound) }
  const file = { ...requestOf(500), hasFiles: true }

  it('may cost as much as the context of the dearest target holds, whatever its size', () => {
    const small = { ...mini, name: 'openai/small', contextTokens: 8_000 }
    expect(quote(counting, file, [small, mini], 0, null, true).worstCase).toBe(128_000n)
    expect(quote(counting, requestOf(500), [small, mini], 0, null, true).worstCase).toBe(500n)
    const large = { ...requestOf(200_000), hasFiles: true }
    expect(quote(counting, large, [mini], 0, null, true).worstCase).toBe(200_000n)
  })

  it('is refused where a budget applies and a context is not known, and taken where none applies', () => {
    const unknown = { ...mini, name: 'up/unknown', contextTokens: null }
    expect(() => quote(counting, file, [mini, unknown], 0, null, true)).toThrow(
      expect.objectContaining({ code: 'input_unbounded' }),
    )
    expect(quote(counting, file, [unknown], 0, null, false).worstCase).toBe(500n)
  })
})
