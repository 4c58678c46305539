import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { cachedScript, startTour, targets, usageOf } from './support/targets.ts'

let house: House
let key: string
let client: OpenAI

beforeAll(async () => {
  const tour = await startTour()
  house = tour.house
  key = tour.key
  client = new OpenAI({ apiKey: key, baseURL: tour.baseURL, maxRetries: 0 })
})
afterAll(() => house.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]
const tools = ['first', 'second'].map((name) => ({
  type: 'function' as const,
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}))
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const place = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer', minimum: 1 } },
  required: ['city', 'people'],
}

/** The body that the upstream got last. */
const lastBody = () => JSON.parse(house.upstream.requests().at(-1)?.body ?? '{}') as Record<string, unknown>

describe.each(targets)('the official client, by the protocol of $protocol', ({ model }) => {
  it('chats, and finds its call in the ledger as the upstream has it', async () => {
    const { data, response } = await client.chat.completions
      .create({
        model: `${model}${cachedScript}`,
        messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
        max_tokens: 100,
      })
      .withResponse()
    expect(data.object).toBe('chat.completion')
    expect(data.choices[0]?.message.content).not.toBe('')
    expect(data.choices[0]?.finish_reason).toBe('stop')
    const id = response.headers.get('x-request-id') as string
    const usage = await usageOf(house, key, id)
    const [truth] = house.upstream.truthOf(id)
    expect(truth?.usage_reported).toMatchObject({ prompt_tokens_details: { cached_tokens: 3 } })
    expect(usage).toMatchObject({
      outcome: 'complete',
      estimated: false,
      input_tokens: truth?.usage_reported?.prompt_tokens,
      cached_input_tokens: 3,
      cache_write_input_tokens: 4,
      output_tokens: truth?.usage_reported?.completion_tokens,
    })
    const input = BigInt(truth?.prompt_tokens ?? 0) - 7n
    const nano = input * 1_000n + 3n * 100n + 4n * 1_500n + BigInt(truth?.produced_tokens ?? 0) * 2_000n
    expect(Math.round(Number(usage['cost_usd']) * 1e9)).toBe(Number(nano))
    expect(data.usage).toMatchObject({
      prompt_tokens: truth?.prompt_tokens,
      completion_tokens: truth?.produced_tokens,
      prompt_tokens_details: { cached_tokens: 3 },
    })
  })

  it('streams, with usage only when asked', async () => {
    const plain = await client.chat.completions.create({ model: `${model};parts=12`, messages, stream: true })
    let text = ''
    const finishes: unknown[] = []
    for await (const part of plain) {
      expect(part.usage ?? null).toBeNull()
      text += part.choices[0]?.delta.content ?? ''
      if (part.choices[0]?.finish_reason) finishes.push(part.choices[0].finish_reason)
    }
    expect(text.trim().split(' ')).toHaveLength(12)
    expect(finishes).toEqual(['stop'])
    const asked = await client.chat.completions.create({
      model: `${model};parts=12`,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const usages: unknown[] = []
    for await (const part of asked) if (part.usage) usages.push(part.usage)
    expect(usages).toMatchObject([{ completion_tokens: 12 }])
  })

  it('calls tools in parallel and goes on with their results', async () => {
    const answer = await client.chat.completions.create({ model: `${model};tool-calls=2`, messages, tools })
    const called = answer.choices[0]?.message
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls')
    expect(called?.tool_calls).toHaveLength(2)
    const stream = client.chat.completions.stream({
      model: `${model};tool-calls=2;tool-index=interleaved`,
      messages,
      tools,
    })
    const final = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls ?? []
    expect(final.map((call) => JSON.parse('function' in call ? call.function.arguments : ''))).toEqual([
      { city: 'sample' },
      { city: 'sample' },
    ])
    const results = (called?.tool_calls ?? []).map(({ id }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: 'It rains.',
    }))
    const after = await client.chat.completions.create({
      model,
      tools,
      messages: [...messages, called as OpenAI.ChatCompletionMessageParam, ...results, ...messages],
    })
    expect(after.choices[0]?.message.content).not.toBe('')
    const forced = await client.chat.completions.create({
      model,
      messages,
      tools,
      tool_choice: { type: 'function', function: { name: 'second' } },
      parallel_tool_calls: false,
    })
    expect(forced.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'second' } }])
  })

  it('gets JSON of a schema, and shows an image', async () => {
    const answer = await client.chat.completions.create({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Where is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
            { type: 'image_url', image_url: { url: 'https://example.com/place.jpg' } },
          ],
        },
      ],
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema: place } },
    })
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toMatchObject({ city: 'sample' })
    expect(JSON.stringify(lastBody())).toContain(pixel)
  })

  it('aborts the upstream when it leaves', async () => {
    const controller = new AbortController()
    const { data: stream, response } = await client.chat.completions
      .create({ model: `${model};parts=40;part-delay=5`, messages, stream: true }, { signal: controller.signal })
      .withResponse()
    let seen = 0
    try {
      for await (const part of stream) {
        if (part.choices[0]?.delta.content) seen++
        if (seen === 10) controller.abort()
      }
    } catch {
      // Aborting may surface as an error or as the end of the iteration.
    }
    const id = response.headers.get('x-request-id') as string
    await expect.poll(() => house.upstream.truthOf(id)[0]?.outcome).toBe('aborted')
    await expect
      .poll(async () => (await house.request(`/v1/usage/${id}`, { key })).status, { timeout: 5_000 })
      .toBe(200)
    const [truth] = house.upstream.truthOf(id)
    const usage = await usageOf(house, key, id)
    expect(usage).toMatchObject({ outcome: 'client_gone', estimated: true })
    expect(usage['output_tokens']).toBeGreaterThanOrEqual(10)
    expect(usage['output_tokens']).toBeLessThanOrEqual(truth?.produced_tokens ?? 0)
  })

  it('raises an error on a cut stream', async () => {
    const cuts = [
      'cut-at-part=3',
      'cut-in-json=3',
      'cut-in-character=3;utf8',
      'rst-at-part=3',
      'no-done',
      'error-at-part=3',
    ]
    for (const cut of cuts) {
      const stream = await client.chat.completions.create({ model: `${model};${cut}`, messages, stream: true })
      const read = async () => {
        for await (const _ of stream);
      }
      await expect(read(), cut).rejects.toThrow(OpenAI.APIError)
    }
  })

  it('maps errors to its own classes', async () => {
    const call = (script: string) => client.chat.completions.create({ model: `${model};${script}`, messages })
    await expect(call('status=400')).rejects.toThrow(OpenAI.BadRequestError)
    await expect(call('status=401')).rejects.toMatchObject({ status: 502, code: 'provider_auth_failed' })
    await expect(call('status=403')).rejects.toMatchObject({ status: 502, code: 'provider_auth_failed' })
    await expect(call('status=429')).rejects.toMatchObject({ status: 503, code: 'upstream_rate_limited' })
    await expect(call('status=500')).rejects.toThrow(OpenAI.InternalServerError)
    await expect(call('status=529')).rejects.toMatchObject({ status: 503, code: 'upstream_overloaded' })
    await expect(call('html')).rejects.toMatchObject({ status: 502, code: 'upstream_malformed' })
  })
})

it('lists the models of both', async () => {
  const names: string[] = []
  for await (const { id } of client.models.list()) names.push(id)
  expect(names).toEqual(expect.arrayContaining(['up/gpt-4o-mini', 'claude/claude-opus-5-5', 'claude/claude-haiku-4-5']))
  expect(names).not.toContain('claude/claude-3-opus-20240229')
})
