import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { cachedScript, startTour, targets, usageOf } from './support/targets.ts'

let house: House
let key: string
let client: Anthropic

beforeAll(async () => {
  const tour = await startTour()
  ;({ house, key } = tour)
  client = new Anthropic({ apiKey: key, baseURL: house.url, maxRetries: 0 })
})
afterAll(() => house.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]
const tools = [{ name: 'look', description: 'Looks.', input_schema: { type: 'object' as const, properties: {} } }]
const common = { max_tokens: 100, messages }
const anthropic = 'claude/claude-opus-5-5'
const openai = 'up/gpt-4o-mini'

/** What a message says, without members that say nothing. */
const told = ({ content }: Anthropic.Message) =>
  content.map((block) => (block.type === 'text' ? { type: block.type, text: block.text } : block))

/** The request that the upstream got last. */
const received = () => {
  const request = house.upstream.requests().at(-1)
  return { path: request?.path, body: JSON.parse(request?.body ?? '{}') as Record<string, unknown> }
}

describe.each(targets)('Anthropic’s client with a provider of $protocol', ({ protocol, model }) => {
  it('gets a whole message, its usage and its cost', async () => {
    const { data, response } = await client.messages
      .create({ ...common, model: `${model}${cachedScript}` })
      .withResponse()
    expect(data).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn', stop_sequence: null })
    const [block] = data.content
    expect(block?.type === 'text' && block.text).toBeTruthy()
    expect(data.usage).toMatchObject({ cache_read_input_tokens: 3, cache_creation_input_tokens: 4 })
    const row = await usageOf(house, key, response.headers.get('x-request-id') ?? '')
    const { input_tokens, output_tokens } = data.usage
    expect(row).toMatchObject({
      input_tokens: input_tokens + 7,
      output_tokens,
      cached_input_tokens: 3,
      outcome: 'complete',
    })
  })

  it('gets a stream that comes to the same', async () => {
    const events: string[] = []
    const stream = client.messages.stream({ ...common, model: `${model}${cachedScript}` })
    stream.on('streamEvent', ({ type }) => events.push(type))
    const streamed = await stream.finalMessage()
    const whole = await client.messages.create({ ...common, model: `${model}${cachedScript}` })
    expect(told(streamed)).toEqual(told(whole))
    expect(streamed.stop_reason).toBe('end_turn')
    expect(streamed.usage).toMatchObject({
      input_tokens: whole.usage.input_tokens,
      output_tokens: whole.usage.output_tokens,
      cache_read_input_tokens: 3,
    })
    expect(events[0]).toBe('message_start')
    expect(events.filter((type) => type === 'message_stop')).toEqual(['message_stop'])
    expect(events.at(-1)).toBe('message_stop')
  })

  it.each([1, 2])('calls %i tools, whole and streamed, and is given their results', async (count) => {
    const asked = { ...common, model: `${model};tool-calls=${count}`, tools }
    const whole = await client.messages.create(asked)
    const streamed = await client.messages.stream(asked).finalMessage()
    for (const message of [whole, streamed]) {
      expect(message.stop_reason).toBe('tool_use')
      const uses = message.content.filter((block) => block.type === 'tool_use')
      expect(uses).toHaveLength(count)
      for (const { name, input } of uses) {
        expect(name).toBe('look')
        expect(input).toBeTypeOf('object')
      }
      const results = uses.map(({ id }) => ({ type: 'tool_result' as const, tool_use_id: id, content: 'a hill' }))
      const next = [
        ...messages,
        { role: 'assistant' as const, content: message.content },
        { role: 'user' as const, content: results },
      ]
      expect((await client.messages.create({ ...common, model, tools, messages: next })).stop_reason).toBe('end_turn')
    }
  })

  it('gets errors in its own classes, with the code of the catalogue', async () => {
    const failed = client.messages.create({ ...common, model: `${model};status=429;body={}` })
    await expect(failed).rejects.toBeInstanceOf(Anthropic.InternalServerError)
    await expect(failed).rejects.toMatchObject({
      error: { type: 'error', error: { type: 'overloaded_error', code: 'upstream_rate_limited', retryable: true } },
    })
  })

  it('gets an error event when the provider breaks off, and no end', async () => {
    const events: string[] = []
    const stream = client.messages.stream({ ...common, model: `${model};cut-at-part=2` })
    stream.on('streamEvent', ({ type }) => events.push(type))
    await expect(stream.finalMessage()).rejects.toMatchObject({
      error: { type: 'error', error: { code: 'upstream_truncated', type: 'api_error' } },
    })
    expect(events).toContain('content_block_delta')
    expect(events).not.toContain('message_stop')
  })

  it(`reaches ${protocol} in its own words`, async () => {
    await client.messages.create({
      ...common,
      model,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      stop_sequences: ['END'],
      tools,
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      metadata: { user_id: 'u-1' },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            { type: 'text', text: 'What is it?' },
          ],
        },
      ],
    })
    const { path, body } = received()
    if (protocol === 'Anthropic') {
      expect(path).toBe('/v1/messages')
      expect(body).toMatchObject({
        model: 'claude-opus-5-5',
        system: [{ text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
        stop_sequences: ['END'],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
      })
      return
    }
    expect(path).toBe('/v1/chat/completions')
    expect(body).toEqual({
      model: 'gpt-4o-mini',
      max_tokens: 100,
      stop: ['END'],
      user: 'u-1',
      tool_choice: 'required',
      parallel_tool_calls: false,
      tools: [
        { type: 'function', function: { name: 'look', description: 'Looks.', parameters: tools[0]?.input_schema } },
      ],
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
            { type: 'text', text: 'What is it?' },
          ],
        },
      ],
    })
  })
})

describe('thinking', () => {
  const asked = { ...common, model: `${anthropic};reasoning-tokens=3;redacted-thinking` }

  it('comes with its signature, whole and streamed, and goes back as it came', async () => {
    const whole = await client.messages.create(asked)
    expect(whole.content.map(({ type }) => type)).toEqual(['thinking', 'redacted_thinking', 'text'])
    const streamed = await client.messages.stream(asked).finalMessage()
    expect(told(streamed)).toEqual(told(whole))
    const next = [...messages, { role: 'assistant' as const, content: whole.content }, ...messages]
    await client.messages.create({ ...common, model: anthropic, messages: next })
    expect((received().body['messages'] as { content: unknown }[])[1]?.content).toEqual(whole.content)
    // Elsewhere it means nothing.
    await client.messages.create({ ...common, model: openai, messages: next })
    expect((received().body['messages'] as { content: unknown }[])[1]?.content).toBe(
      whole.content.find((block) => block.type === 'text')?.text,
    )
  })

  it('of a model elsewhere, which has no signature, does not go to Anthropic', async () => {
    const content = [
      { type: 'thinking' as const, thinking: 'Well.', signature: '' },
      { type: 'text' as const, text: 'Hello.' },
    ]
    const next = [...messages, { role: 'assistant' as const, content }, ...messages]
    await client.messages.create({ ...common, model: anthropic, messages: next })
    const [, turn] = received().body['messages'] as { content: { type: string }[] }[]
    expect(turn?.content.map(({ type }) => type)).toEqual(['text'])
  })
})

it('a stream that is kept is read on from where it was left', async () => {
  const headers = { 'x-headgate-resume': 'on' }
  const whole = await client.messages.stream({ ...common, model: openai }, { headers }).withResponse()
  const id = whole.response.headers.get('x-headgate-stream') ?? ''
  const message = await whole.data.finalMessage()
  const rest = await (await house.request(`/v1/streams/${id}?starting_after=2`, { key })).text()
  expect(rest).toMatch(/^id: 3\nevent: content_block_delta\n/)
  expect(rest).toMatch(/event: message_stop\ndata: .*\n\n$/)
  expect(told(message)[0]).toMatchObject({ type: 'text' })
})

it('a kept stream that breaks off says so in the words of the protocol, and can be read again', async () => {
  const cut = await fetch(`${house.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json', 'x-headgate-resume': 'on' },
    body: JSON.stringify({ ...common, model: `${openai};parts=9;cut-at-part=3`, stream: true }),
  })
  const broken = await cut.text()
  expect(broken).toMatch(/\nid: \d+\nevent: error\ndata: .*"cursor":\d+/)
  expect(broken).not.toContain('message_stop')
  expect(await (await house.request(`/v1/streams/${cut.headers.get('x-headgate-stream')}`, { key })).text()).toBe(
    broken,
  )
})

describe('what a provider cannot be given', () => {
  const thoughtful = { ...common, thinking: { type: 'adaptive' as const } }

  it('is named in a header, or refused with strict, where it is lost', async () => {
    const { response } = await client.messages.create({ ...thoughtful, model: openai }).withResponse()
    expect(response.headers.get('x-headgate-warning')).toBe('not carried over: thinking')
    const { response: native } = await client.messages.create({ ...thoughtful, model: anthropic }).withResponse()
    expect(native.headers.get('x-headgate-warning')).toBeNull()
    const strict = { ...thoughtful, model: openai, strict: true }
    await expect(client.messages.create(strict)).rejects.toMatchObject({
      status: 400,
      error: { error: { type: 'invalid_request_error', code: 'unsupported_parameter' } },
    })
  })

  it.each([
    [{ max_tokens: undefined }, 'max_tokens', 'invalid_parameter'],
    [{ messages: [] }, 'messages', 'messages_empty'],
    [{ messages: [{ role: 'system', content: 'x' }] }, 'messages[0].role', 'invalid_parameter'],
    [
      { messages: [{ role: 'user', content: [{ type: 'smell' }] }] },
      'messages[0].content[0].type',
      'unsupported_parameter',
    ],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type', 'unsupported_parameter'],
    [{ container: 'c' }, 'container', 'unsupported_parameter'],
  ])('is refused before anything is sent: %j', async (more, param, code) => {
    const before = house.upstream.requests().length
    const body = { ...common, model: openai, ...more } as unknown as Anthropic.MessageCreateParamsNonStreaming
    await expect(client.messages.create(body)).rejects.toMatchObject({ status: 400, error: { error: { code, param } } })
    expect(house.upstream.requests()).toHaveLength(before)
  })
})

it('a large request is read beside the event loop, and arrives in both words', async () => {
  const data = 'A'.repeat(1_500_000)
  const content = [
    { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data } },
  ]
  for (const { model } of targets) {
    await client.messages.create({ ...common, model, messages: [{ role: 'user', content }] })
    expect(house.upstream.requests().at(-1)?.body_bytes).toBeGreaterThan(1_500_000)
  }
})

it('counts tokens without a call', async () => {
  const before = house.upstream.requests().length
  const { input_tokens: few } = await client.messages.countTokens({ model: openai, messages })
  const longer = [{ role: 'user' as const, content: 'Hello, how are you today? '.repeat(20) }]
  const { input_tokens: many } = await client.messages.countTokens({ model: openai, messages: longer })
  expect(few).toBeGreaterThan(0)
  expect(many).toBeGreaterThan(few + 80)
  expect(house.upstream.requests()).toHaveLength(before)
})

it('a wrong key is told in the words of the protocol', async () => {
  const stranger = new Anthropic({ apiKey: 'nobody', baseURL: house.url, maxRetries: 0 })
  const failed = stranger.messages.create({ ...common, model: openai })
  await expect(failed).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
  await expect(failed).rejects.toMatchObject({
    error: { error: { type: 'authentication_error', code: 'invalid_api_key' } },
  })
})
