import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { startTour } from './support/targets.ts'

let house: House
let client: OpenAI

beforeAll(async () => {
  const tour = await startTour()
  ;({ house } = tour)
  client = new OpenAI({ apiKey: tour.key, baseURL: tour.baseURL, maxRetries: 0 })
})
afterAll(() => house.stop())

type Asked = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> & Record<string, unknown>

const openai = 'up/gpt-4o-mini'
const input = 'Hello'
const look = { type: 'function' as const, name: 'look', parameters: { type: 'object', properties: {} }, strict: false }

/** The request that the upstream got last. */
const received = () => JSON.parse(house.upstream.requests().at(-1)?.body ?? '{}') as Record<string, unknown>

describe('what is wrong or lost', () => {
  const ask = (more: Asked) =>
    client.responses.create({ model: openai, input, ...more } as OpenAI.Responses.ResponseCreateParamsNonStreaming)

  it.each<[Asked, string | undefined, string]>([
    [{ input: '' }, 'input', 'prompt_empty'],
    [{ input: [{ type: 'computer_call' }] as never }, 'input[0].type', 'unsupported_parameter'],
    [{ input: [{ role: 'nobody', content: 'x' }] as never }, 'input[0].role', 'invalid_parameter'],
    [{ tools: [{ type: 'web_search' }] as never }, 'tools[0].type', 'unsupported_parameter'],
    [{ conversation: 'c' }, 'conversation', 'unsupported_parameter'],
    [{ background: true, store: false }, 'store', 'invalid_parameter'],
    [{ metadata: { a: 1 } as never }, 'metadata.a', 'invalid_parameter'],
    [{ truncation: 'auto', strict: true }, undefined, 'unsupported_parameter'],
  ])('is refused before anything is sent: %j', async (more, param, code) => {
    const before = house.upstream.requests().length
    await expect(ask(more)).rejects.toMatchObject({ status: 400, code, ...(param && { param }) })
    expect(house.upstream.requests()).toHaveLength(before)
  })

  it('is named in a header where a provider is not told', async () => {
    const { response } = await client.responses.create({ model: openai, input, truncation: 'auto' }).withResponse()
    expect(response.headers.get('x-headgate-warning')).toBe('not carried over: truncation')
  })

  it('reaches the provider in the words of a chat', async () => {
    await ask({
      instructions: 'Be brief.',
      max_output_tokens: 50,
      text: {
        format: { type: 'json_schema', name: 'answer', schema: { type: 'object' }, strict: true },
        verbosity: 'low',
      },
      reasoning: { effort: 'low' },
      tools: [look],
      tool_choice: { type: 'function', name: 'look' },
      user: 'u-1',
      input: [
        { role: 'developer', content: 'Speak English.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is it?' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
          ],
        },
        { type: 'function_call', call_id: 'a', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: 'a hill' },
      ],
    })
    expect(received()).toEqual({
      model: 'gpt-4o-mini',
      max_tokens: 50,
      verbosity: 'low',
      reasoning_effort: 'low',
      user: 'u-1',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
      },
      tools: [{ type: 'function', function: { name: 'look', parameters: look.parameters, strict: false } }],
      tool_choice: { type: 'function', function: { name: 'look' } },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'system', content: 'Speak English.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: 'a hill' },
      ],
    })
  })

  it('a stream that the provider cuts ends as failed, with what had come, and nothing after it', async () => {
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of await client.responses.create({ model: `${openai};cut-at-part=3`, input, stream: true }))
      events.push(event)
    const last = events.at(-1)
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'upstream_truncated' } },
    })
    const { id } = (last as OpenAI.Responses.ResponseFailedEvent).response
    expect(await client.responses.retrieve(id)).toMatchObject({ status: 'failed' })
  })

  it('an answer that its cap ends is incomplete', async () => {
    const response = await ask({ max_output_tokens: 3 })
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
  })
})
