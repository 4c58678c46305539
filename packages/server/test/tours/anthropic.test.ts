import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { startTour } from './support/targets.ts'

let house: House
let client: OpenAI

beforeAll(async () => {
  const tour = await startTour()
  house = tour.house
  client = new OpenAI({ apiKey: tour.key, baseURL: tour.baseURL, maxRetries: 0 })
  // Which thinking a model takes is told by the list of models.
  await client.models.list()
})
afterAll(() => house.stop())

type Asked = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> & Record<string, unknown>
interface Thoughtful {
  readonly reasoning_content?: string
  readonly thinking_blocks?: readonly Record<string, unknown>[]
}

const model = 'claude/claude-opus-5-5'
const messages = [{ role: 'user' as const, content: 'Hello' }]
const ask = (more: Asked = {}) =>
  client.chat.completions.create({ model, messages, max_completion_tokens: 100, ...more }).withResponse()
const encoded = (type: string, message: string) =>
  encodeURIComponent(JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_x' }))

/** The request that the upstream got last. */
const received = () => {
  const request = house.upstream.requests().at(-1)
  return { headers: request?.headers ?? {}, body: JSON.parse(request?.body ?? '{}') as Record<string, unknown> }
}

describe('what Anthropic gets', () => {
  it('is its own protocol, with its version and key, and nothing of the caller’s headers', async () => {
    await ask()
    const { headers, body } = received()
    expect(headers).toMatchObject({ 'x-api-key': 'anthropic-key', 'anthropic-version': '2026-10-21' })
    expect(headers).not.toHaveProperty('authorization')
    expect(body).toEqual({
      model: 'claude-opus-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
    })
  })

  it('has the output cap that the call was admitted with', async () => {
    const { response } = await client.chat.completions.create({ model, messages }).withResponse()
    expect(received().body['max_tokens']).toBe(4_096)
    expect(response.headers.get('x-headgate-warning')).toContain('4096 tokens because the provider requires a cap')
  })

  it('is translated beside the event loop when it is large, with the same words for what is lost or wrong', async () => {
    const url = `data:image/png;base64,${'A'.repeat(1_500_000)}`
    const large = (more: Asked = {}) =>
      ask({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }], ...more })
    const { data, response } = await large({ seed: 1 })
    expect(data.choices[0]?.message.content).not.toBe('')
    expect(response.headers.get('x-headgate-warning')).toBe('not carried over: seed')
    expect(house.upstream.requests().at(-1)?.body_bytes).toBeGreaterThan(1_500_000)
    await expect(large({ n: 2 })).rejects.toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'n' })
  })

  it('thinks as each model can', async () => {
    await ask({ reasoning_effort: 'high', max_completion_tokens: 10_000 })
    expect(received().body).toMatchObject({ thinking: { type: 'adaptive' }, output_config: { effort: 'high' } })
    await ask({ model: 'claude/claude-haiku-4-5', reasoning_effort: 'high', max_completion_tokens: 10_000 })
    expect(received().body['thinking']).toEqual({ type: 'enabled', budget_tokens: 8_000 })
    expect(received().body).not.toHaveProperty('output_config')
  })
})

describe('a provider that an operator adds', () => {
  const add = async (body: Record<string, unknown>) => {
    const answer = await house.request('/admin/v1/providers', { body })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  it('may be Anthropic’s, too', async () => {
    expect(
      await add({ name: 'mine', kind: 'anthropic', base_url: house.upstream.url, api_key: 'mine-0123456789' }),
    ).toMatchObject({
      status: 201,
    })
    await ask({ model: 'mine/claude-opus-5-5' })
    expect(received().headers).toMatchObject({ 'x-api-key': 'mine-0123456789' })
  })

  it('is Anthropic itself by its name', async () => {
    expect(await add({ name: 'anthropic', api_key: 'sk-0123456789' })).toMatchObject({
      status: 201,
      body: { kind: 'anthropic', base_url: 'https://api.anthropic.com' },
    })
    expect((await house.request('/admin/v1/providers/anthropic', { method: 'DELETE' })).status).toBeLessThan(300)
  })
})

describe('what has no counterpart', () => {
  it('is named in a header, whole or streamed', async () => {
    const { data, response } = await ask({ seed: 7, temperature: 0.5 })
    expect(data.choices[0]?.message.content).not.toBe('')
    expect(response.headers.get('x-headgate-warning')).toBe('not carried over: seed temperature')
    const streamed = await client.chat.completions
      .create({ model, messages, max_tokens: 9, seed: 7, stream: true })
      .withResponse()
    for await (const _ of streamed.data);
    expect(streamed.response.headers.get('x-headgate-warning')).toBe('not carried over: seed')
  })

  it('is refused with strict, before anything is sent', async () => {
    const before = house.upstream.requests().length
    await expect(ask({ seed: 7, strict: true })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'seed',
    })
    await expect(ask({ n: 2 })).rejects.toMatchObject({ code: 'unsupported_parameter', param: 'n' })
    await expect(ask({ messages: [{ role: 'user', content: [{ type: 'smell' } as never] }] })).rejects.toMatchObject({
      code: 'invalid_parameter',
      param: 'messages[0].content[0].type',
    })
    expect(house.upstream.requests()).toHaveLength(before)
  })
})

describe('thinking', () => {
  const tools = [
    { type: 'function' as const, function: { name: 'look', parameters: { type: 'object', properties: {} } } },
  ]

  it('is read, kept and given back with the results of tools', async () => {
    const script = `${model};reasoning-tokens=3;redacted-thinking;tool-calls=1`
    const { data } = await ask({ model: script, tools })
    const whole = data.choices[0]?.message as OpenAI.ChatCompletionMessage & Thoughtful
    expect(whole.reasoning_content?.trim().split(' ')).toHaveLength(3)
    expect(data.usage?.completion_tokens_details?.reasoning_tokens).toBe(3)

    const final = await client.chat.completions
      .stream({ model: script, messages, tools, max_completion_tokens: 100 })
      .finalChatCompletion()
    const streamed = final.choices[0]?.message as OpenAI.ChatCompletionMessage & Thoughtful
    expect(streamed.thinking_blocks).toEqual(whole.thinking_blocks)

    const id = whole.tool_calls?.[0]?.id ?? ''
    await ask({ tools, messages: [...messages, whole, { role: 'tool', tool_call_id: id, content: 'a hill' }] })
    const turns = received().body['messages'] as { role: string; content: Record<string, unknown>[] }[]
    expect(turns[1]?.content.slice(0, 2)).toEqual(whole.thinking_blocks)
    expect(turns[1]?.content[2]).toMatchObject({ type: 'tool_use', name: 'look' })
    expect(turns[2]?.content[0]).toMatchObject({ type: 'tool_result', tool_use_id: id })
  })
})

describe('ends and faults', () => {
  it.each([
    ['refusal', 'content_filter'],
    ['pause_turn', 'stop'],
    ['model_context_window_exceeded', 'length'],
  ])('%s is %s', async (reason, finish) => {
    const { data } = await ask({ model: `${model};stop-reason=${reason}` })
    expect(data.choices[0]?.finish_reason).toBe(finish)
    expect(data.choices[0]?.message.refusal).toBe(reason === 'refusal' ? 'I cannot help with that.' : null)
  })

  it.each([
    ['status=413', 'request_too_large', 'Too big.', 413, 'request_too_large'],
    ['status=404', 'not_found_error', 'model: claude-nobody', 404, 'model_not_found'],
    ['status=400', 'invalid_request_error', 'prompt is too long: 9 tokens > 8', 400, 'context_length_exceeded'],
    ['status=400', 'invalid_request_error', 'Your credit balance is too low', 502, 'provider_quota_exhausted'],
    ['status=429', 'rate_limit_error', 'You have reached your spend limit', 502, 'provider_quota_exhausted'],
    ['status=402', 'billing_error', 'Pay.', 502, 'provider_quota_exhausted'],
    ['status=504', 'timeout_error', 'Too slow.', 504, 'upstream_timeout'],
    ['status=529', 'overloaded_error', 'Overloaded', 503, 'upstream_overloaded'],
  ])('%s with %s, “%s”', async (script, type, words, status, code) => {
    const failed = ask({ model: `${model};${script};body=${encoded(type, words)}` })
    await expect(failed).rejects.toMatchObject({ status, code })
  })

  it('an error in the middle of a stream keeps its meaning', async () => {
    const stream = await client.chat.completions.create({
      model: `${model};error-at-part=3`,
      messages,
      max_tokens: 100,
      stream: true,
    })
    let text = ''
    const read = async () => {
      for await (const part of stream) text += part.choices[0]?.delta.content ?? ''
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream_overloaded' })
    expect(text.trim().split(' ')).toHaveLength(3)
  })
})
