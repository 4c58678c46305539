import { readFileSync } from 'node:fs'
import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'

const fixture = (name: string): Buffer => readFileSync(new URL(`./__fixtures__/${name}.sse`, import.meta.url))

/** The message that Anthropic's own client reads from a fixture. */
const readByItsClient = (name: string) => {
  const client = new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => new Response(fixture(name), { headers: { 'content-type': 'text/event-stream' } }),
  })
  return client.messages
    .stream({ model: 'claude-opus-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] })
    .finalMessage()
}

describe('the constructed streams, read by Anthropic’s own client', () => {
  it('are messages', async () => {
    const text = await readByItsClient('text')
    expect(text.content).toMatchObject([{ type: 'text', text: 'Guten Tag – 你好 👋' }])
    expect(text).toMatchObject({ stop_reason: 'end_turn', usage: { input_tokens: 17, output_tokens: 9 } })

    const tools = await readByItsClient('tools')
    expect(tools.content).toMatchObject([
      { type: 'text', text: 'I look it up.' },
      { type: 'tool_use', id: 'toolu_weather', input: { city: 'Ulm' } },
      { type: 'tool_use', id: 'toolu_time', input: {} },
    ])

    const thinking = await readByItsClient('thinking')
    expect(thinking.content).toMatchObject([
      { type: 'thinking', thinking: 'Six times seven.', signature: 'c2lnbmVkIGJ5IG5vYm9keQ==' },
      { type: 'redacted_thinking', data: 'aGlkZGVu' },
      { type: 'text', text: '42' },
    ])
    expect(thinking.usage).toMatchObject({ cache_creation_input_tokens: 2048, cache_read_input_tokens: 4096 })
  })

  it('are errors where they say so', async () => {
    await expect(readByItsClient('error')).rejects.toThrow(Anthropic.APIError)
  })
})
