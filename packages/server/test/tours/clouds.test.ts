import OpenAI from 'openai'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { usageOf } from './support/targets.ts'

const targets = [
  { kind: 'azure', model: 'azure/gpt-4o-mini' },
  { kind: 'gemini', model: 'gemini/gemini-3-flash' },
  { kind: 'bedrock', model: 'bedrock/amazon.nova-pro-v1:0' },
] as const

let upstream: Upstream
let house: House
let key: string
let client: OpenAI

beforeAll(async () => {
  upstream = await startUpstream()
  const provider = (kind: string) => ({ kind, base_url: upstream.url, api_key: 'AKIDEXAMPLE:cloud-secret' })
  house = await startHouse({
    upstream,
    config: {
      providers: { azure: provider('azure'), gemini: provider('gemini'), bedrock: provider('bedrock') },
      models: Object.fromEntries(
        targets.map(({ model }) => [
          `${model};cached-tokens=3;parts=12`,
          { price: { input: '1', cached_input: '0.1', output: '2' } },
        ]),
      ),
    },
  })
  key = (await house.makeKey()).key
  client = new OpenAI({ apiKey: key, baseURL: `${house.url}/v1`, maxRetries: 0 })
})
afterAll(async () => {
  await house.stop()
  await upstream.close()
})

const messages = [{ role: 'user' as const, content: 'Hello' }]

describe.each(targets)('the official client, by $kind', ({ model, kind }) => {
  it('chats and streams, and the ledger has what the provider says', async () => {
    const asked = { model: `${model};cached-tokens=3;parts=12`, messages, max_tokens: 100 }
    const whole = await client.chat.completions.create(asked).withResponse()
    const streamed = await client.chat.completions.create({ ...asked, stream: true }).withResponse()
    let text = ''
    for await (const part of streamed.data) text += part.choices[0]?.delta.content ?? ''
    expect(text).toBe(whole.data.choices[0]?.message.content)
    for (const { response } of [whole, streamed]) {
      const id = response.headers.get('x-request-id') as string
      const [truth] = upstream.truthOf(id)
      expect(truth).toMatchObject({ outcome: 'complete', produced_tokens: 12 })
      const prompt = truth?.prompt_tokens ?? 0
      const row = await usageOf(house, key, id)
      expect(row).toMatchObject({
        outcome: 'complete',
        estimated: false,
        input_tokens: prompt,
        cached_input_tokens: 3,
        output_tokens: 12,
      })
      expect(Math.round(Number(row['cost_usd']) * 1e9)).toBe((prompt - 3) * 1_000 + 3 * 100 + 12 * 2_000)
    }
  })

  it('is given errors and cut streams as by any provider, and the key is told to nobody else', async () => {
    const refused = await client.chat.completions.create({ model: `${model};status=401`, messages }).catch((e) => e)
    expect(refused).toMatchObject({ code: 'provider_auth_failed' })
    const cut = await client.chat.completions.create({ model: `${model};cut-at-part=3`, messages, stream: true })
    await expect(
      (async () => {
        for await (const part of cut) void part
      })(),
    ).rejects.toThrow()
    const headers = upstream.requests().at(-1)?.headers ?? {}
    expect(JSON.stringify(headers)).not.toContain(key)
    if (kind === 'bedrock') {
      expect(headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/bedrock\//)
      expect(JSON.stringify(headers)).not.toContain('cloud-secret')
    }
  })

  it('hears what was left out, or is refused', async () => {
    const asked = { model, messages, logit_bias: { '1': 2 } }
    const { response } = await client.chat.completions.create(asked).withResponse()
    const warning = kind === 'azure' ? null : 'not carried over: logit_bias'
    expect(response.headers.get('x-headgate-warning')).toBe(warning)
    if (kind === 'azure') return
    const strict = { ...asked, strict: true }
    await expect(client.chat.completions.create(strict)).rejects.toMatchObject({ code: 'unsupported_parameter' })
  })

  it('translates a body of megabytes beside the event loop', async () => {
    const content = 'word '.repeat(300_000)
    const asked = { model: `${model};parts=3`, messages: [{ role: 'user' as const, content }] }
    expect((await client.chat.completions.create(asked)).choices[0]?.finish_reason).toBe('stop')
    expect(upstream.requests().at(-1)?.body_bytes).toBeGreaterThan(content.length)
  })
})

it('Gemini embeds, as numbers or in base64, which the official client asks for', async () => {
  const input = ['one', 'two', 'one']
  const { data, usage } = await client.embeddings.create({ model: 'gemini/gemini-embedding-001', input, dimensions: 8 })
  expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8, 8])
  expect(data[0]?.embedding).toEqual(data[2]?.embedding)
  expect(usage.prompt_tokens).toBeGreaterThan(0)
  const titan = await client.embeddings.create({ model: 'bedrock/amazon.titan-embed-text-v2:0', input, dimensions: 8 })
  expect(titan.data.map(({ embedding }) => embedding.length)).toEqual(data.map(() => 8))
  expect(titan.usage.prompt_tokens).toBeGreaterThan(0)
  await expect(client.embeddings.create({ model: 'bedrock/amazon.nova-pro-v1:0', input })).rejects.toThrow()
})

it('Gemini draws, as often as it is asked, and is paid for it', async () => {
  const { data, usage } = await client.images.generate({
    model: 'gemini/gemini-2.5-flash-image',
    prompt: 'a hill',
    n: 2,
    size: '1536x1024',
  })
  expect(data?.map(({ b64_json }) => b64_json?.slice(0, 5))).toEqual(['iVBOR', 'iVBOR'])
  expect(usage?.output_tokens).toBe(2_240)
  const sent = upstream
    .requests()
    .slice(-2)
    .map(({ body }) => JSON.parse(body ?? '') as Record<string, unknown>)
  expect(sent).toMatchObject([
    { generationConfig: { imageConfig: { aspectRatio: '3:2' } } },
    { generationConfig: { responseModalities: ['IMAGE'] } },
  ])
})

it('all list their models', async () => {
  const listed = new Set<string>()
  await expect
    .poll(
      async () => {
        for await (const { id } of client.models.list()) listed.add(id)
        return targets.every(({ model }) => listed.has(model))
      },
      { timeout: 15_000 },
    )
    .toBe(true)
  expect(listed).toContain('bedrock/eu.anthropic.claude-sonnet-5-v1:0')
  expect(listed).toContain('bedrock/amazon.titan-embed-text-v2:0')
})
