import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

let house: House
let client: OpenAI
let key: string

beforeAll(async () => {
  house = await startHouse({
    config: { models: { 'up/gpt-4o-mini;parts=40;part-delay=5': { price: { input: '1', output: '2' } } } },
  })
  key = (await house.makeKey()).key
  client = new OpenAI({ apiKey: key, baseURL: `${house.url}/v1`, maxRetries: 0 })
})
afterAll(() => house.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]
const tools = ['first', 'second'].map((name) => ({
  type: 'function' as const,
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}))

describe('the official client', () => {
  it('chats, and finds its call in the ledger', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: 'up/gpt-4o-mini', messages })
      .withResponse()
    expect(data.choices[0]?.message.content).not.toBe('')
    expect(response.headers.get('x-headgate-provider')).toBe('up')
    expect(response.headers.get('x-headgate-attempts')).toBe('1')
    expect(response.headers.get('x-ratelimit-limit-requests')).not.toBeNull()
    await house.settled()
    const usage = (await (
      await house.request(`/v1/usage/${response.headers.get('x-request-id')}`, { key })
    ).json()) as {
      cost_usd: string
      input_tokens: number
      output_tokens: number
      outcome: string
    }
    expect(usage.outcome).toBe('complete')
    expect(usage.input_tokens).toBe(data.usage?.prompt_tokens)
    expect(usage.output_tokens).toBe(data.usage?.completion_tokens)
    const nano = BigInt(usage.input_tokens) * 1000n + BigInt(usage.output_tokens) * 2000n
    expect(Math.round(Number(usage.cost_usd) * 1e9)).toBe(Number(nano))
    expect(response.headers.get('x-headgate-cost-usd')).toBe(usage.cost_usd)
  })

  it('streams whole answers, with usage only when asked', async () => {
    const model = 'up/gpt-4o-mini;parts=12'
    const plain = await client.chat.completions.create({ model, messages, stream: true })
    let text = ''
    for await (const part of plain) {
      expect(part.usage ?? null).toBeNull()
      text += part.choices[0]?.delta.content ?? ''
    }
    expect(text.trim().split(' ')).toHaveLength(12)
    const asked = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const usages: unknown[] = []
    for await (const part of asked)
      if (part.usage) usages.push({ ...part.usage, headgate: (part as { headgate?: unknown }).headgate })
    expect(usages).toHaveLength(1)
    expect(usages[0]).toMatchObject({ completion_tokens: 12, headgate: { attempts: 1, provider: 'up' } })
  })

  it('calls tools in parallel', async () => {
    const answer = await client.chat.completions.create({ model: 'up/gpt-4o-mini;tool-calls=2', messages, tools })
    expect(answer.choices[0]?.message.tool_calls).toHaveLength(2)
    const stream = client.chat.completions.stream({
      model: 'up/gpt-4o-mini;tool-calls=2;tool-index=interleaved',
      messages,
      tools,
    })
    const final = await stream.finalChatCompletion()
    const calls = final.choices[0]?.message.tool_calls ?? []
    expect(calls).toHaveLength(2)
    for (const call of calls)
      expect(() => JSON.parse((call as { function: { arguments: string } }).function.arguments)).not.toThrow()
  })

  it('gets JSON of a schema, embeddings and models', async () => {
    const answer = await client.chat.completions.create({
      model: 'up/gpt-4o-mini',
      messages,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'place',
          schema: {
            type: 'object',
            properties: { city: { type: 'string' } },
            required: ['city'],
            additionalProperties: false,
          },
        },
      },
    })
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toHaveProperty('city')
    const embeddings = await client.embeddings.create({ model: 'up/text-embedding-3-small', input: ['one', 'two'] })
    expect(embeddings.data).toHaveLength(2)
    const models = await client.models.list()
    expect(models.data.map(({ id }) => id)).toContain('demo/demo')
  })

  it('aborts the upstream when it leaves', async () => {
    const controller = new AbortController()
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'up/gpt-4o-mini;parts=40;part-delay=5', messages, stream: true }, { signal: controller.signal })
      .withResponse()
    let seen = 0
    let left = 0
    try {
      for await (const part of stream) {
        if (part.choices[0]?.delta.content) seen++
        if (seen === 10) {
          left = performance.timeOrigin + performance.now()
          controller.abort()
        }
      }
    } catch {
      // Aborting may surface as an error or as the end of the iteration.
    }
    const id = response.headers.get('x-request-id') as string
    await expect.poll(() => house.upstream.truthOf(id)[0]?.outcome).toBe('aborted')
    const [truth] = house.upstream.truthOf(id)
    expect((truth?.aborted_at ?? Number.POSITIVE_INFINITY) - left).toBeLessThan(1_000)
    await expect
      .poll(async () => (await house.request(`/v1/usage/${id}`, { key })).status, { timeout: 5_000 })
      .toBe(200)
    const usage = (await (await house.request(`/v1/usage/${id}`, { key })).json()) as Record<string, unknown>
    expect(usage).toMatchObject({ outcome: 'client_gone', estimated: true })
    expect(usage['output_tokens']).toBeGreaterThanOrEqual(10)
    expect(usage['output_tokens']).toBeLessThanOrEqual(truth?.produced_tokens ?? 0)
  })

  it('raises an error on a cut stream and never sees its end as success', async () => {
    for (const cut of [
      'cut-at-part=3',
      'cut-in-json=3',
      'cut-in-character=3;utf8',
      'rst-at-part=3',
      'no-done',
      'error-at-part=3',
    ]) {
      const stream = await client.chat.completions.create({ model: `up/gpt-4o-mini;${cut}`, messages, stream: true })
      const read = async () => {
        for await (const _ of stream);
      }
      await expect(read(), cut).rejects.toThrow(OpenAI.APIError)
    }
  })

  it('maps errors to its own classes', async () => {
    const call = (model: string, apiKey = key) =>
      new OpenAI({ apiKey, baseURL: `${house.url}/v1`, maxRetries: 0 }).chat.completions.create({ model, messages })
    await expect(call('demo', 'hg_sk_wrong')).rejects.toThrow(OpenAI.AuthenticationError)
    await expect(call('up/unknown-provider/none', key)).resolves.toBeDefined()
    await expect(call('nobody-has-this', key)).rejects.toThrow(OpenAI.NotFoundError)
    await expect(call('up/gpt-4o-mini;status=400')).rejects.toThrow(OpenAI.BadRequestError)
    await expect(call('up/gpt-4o-mini;status=401')).rejects.toMatchObject({ status: 502, code: 'provider_auth_failed' })
    await expect(call('up/gpt-4o-mini;status=500')).rejects.toThrow(OpenAI.InternalServerError)
    await expect(
      client.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content: ' ' }] }),
    ).rejects.toMatchObject({ status: 400, code: 'prompt_empty', param: 'messages[0].content' })
  })
})
