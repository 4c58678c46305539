import Anthropic from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Upstream, startUpstream } from './upstream.ts'

let upstream: Upstream
let client: Anthropic

beforeAll(async () => {
  upstream = await startUpstream()
  client = new Anthropic({ apiKey: 'none', baseURL: upstream.url, maxRetries: 0 })
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

const asked = (script = '', more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) => ({
  model: `claude-opus-5-5${script}`,
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Hello' }],
  ...more,
})
const tools: Anthropic.Tool[] = ['first', 'second'].map((name) => ({
  name,
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
}))

describe('Anthropic’s own client', () => {
  test('reads whole answers and streams, whose truth is logged', async () => {
    const script = ';reasoning-tokens=3;redacted-thinking;cached-tokens=2;cache-write-tokens=1'
    const whole = await client.messages.create(asked(script))
    const streamed = await client.messages.stream(asked(script)).finalMessage()
    expect(whole.content.map(({ type }) => type)).toEqual(['thinking', 'redacted_thinking', 'text'])
    expect(streamed.content).toEqual(whole.content)
    expect(streamed.usage).toMatchObject({ output_tokens: 13, cache_read_input_tokens: 2 })
    for (const row of upstream.truth()) {
      expect(row).toMatchObject({
        outcome: 'complete',
        produced_tokens: 13,
        usage_reported: {
          prompt_tokens: row.prompt_tokens,
          completion_tokens: 13,
          prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 1 },
          completion_tokens_details: { reasoning_tokens: 3 },
        },
      })
    }
  })

  test('is given tool calls, one by one or interleaved, and goes on with their results', async () => {
    const whole = await client.messages.create(asked(';tool-calls=2', { tools }))
    expect(whole.stop_reason).toBe('tool_use')
    const uses = whole.content.flatMap((block) => (block.type === 'tool_use' ? [block] : []))
    expect(uses.map(({ input }) => input)).toEqual([{ city: 'sample' }, { city: 'sample' }])
    const stream = client.messages.stream(asked(';tool-calls=2;tool-index=interleaved', { tools }))
    const streamed = await stream.finalMessage()
    expect(streamed.content.map((block) => (block.type === 'tool_use' ? block.input : null))).toEqual(
      uses.map(({ input }) => input),
    )
    const results = uses.map(({ id }) => ({ type: 'tool_result' as const, tool_use_id: id, content: 'rain' }))
    const after = await client.messages.create(
      asked(';tool-calls=2', {
        tools,
        messages: [
          { role: 'user', content: 'Hello' },
          { role: 'assistant', content: whole.content as Anthropic.ContentBlockParam[] },
          { role: 'user', content: results },
        ],
      }),
    )
    expect(after.stop_reason).toBe('end_turn')
  })

  test('is told errors by their types, also inside a stream', async () => {
    await expect(client.messages.create(asked(';status=529'))).rejects.toMatchObject({ type: 'overloaded_error' })
    await expect(client.messages.create(asked(';status=401'))).rejects.toThrow(Anthropic.AuthenticationError)
    await expect(client.messages.stream(asked(';error-at-part=3')).finalMessage()).rejects.toThrow('Overloaded')
    await expect(client.messages.stream(asked(';cut-at-part=3')).finalMessage()).rejects.toThrow()
    const listed = await client.models.list()
    expect(listed.data.map(({ id }) => id)).toContain('claude-opus-5-5')
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['a sampling parameter', { temperature: 1 }, 'temperature: Extra inputs'],
    ['an unknown member', { made_up: 1 }, 'made_up: Extra inputs'],
    ['no messages', { messages: [] }, 'messages'],
    ['blank text', { messages: [{ role: 'user', content: ' ' }] }, 'non-empty'],
    ['another role', { messages: [{ role: 'tool', content: 'x' }] }, 'role'],
    [
      'a result without its call',
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] },
      'tool_use_id',
    ],
  ])('is refused %s', async (_, more, words) => {
    await expect(client.messages.create({ ...asked(), ...more } as never)).rejects.toThrow(words)
  })
})
