import { type AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { startTour, targets } from './support/targets.ts'

let house: House
let key: string
let baseURL: string

beforeAll(async () => {
  const tour = await startTour()
  house = tour.house
  key = tour.key
  baseURL = tour.baseURL
})
afterAll(() => house.stop())

const chat = (model: string, apiKey = key) =>
  new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL } })
const place = {
  title: 'place',
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
}
const toolNamed = (name: string) => tool(() => 'It rains.', { name, description: `The ${name} one.`, schema: place })
const tools = [toolNamed('first'), toolNamed('second')]

describe.each(targets)('LangChain, by the protocol of $protocol', ({ model }) => {
  it('chats', async () => {
    const answer = await chat(`${model};cached-tokens=2`).invoke('Hello')
    expect(answer.text.trim().split(' ')).toHaveLength(10)
    const truth = house.upstream.truth().at(-1)
    expect(answer.usage_metadata).toMatchObject({
      input_tokens: truth?.prompt_tokens,
      output_tokens: truth?.produced_tokens,
      input_token_details: { cache_read: 2 },
    })
    expect(answer.response_metadata['finish_reason']).toBe('stop')
  })

  it('streams, with its usage', async () => {
    let text = ''
    let parts = 0
    let tokens = 0
    for await (const part of await chat(`${model};parts=12`).stream('Hello')) {
      text += part.text
      if (part.text !== '') parts++
      tokens += (part.usage_metadata as { output_tokens?: number } | undefined)?.output_tokens ?? 0
    }
    expect(parts).toBe(12)
    expect(text.trim().split(' ')).toHaveLength(12)
    expect(tokens).toBe(12)
  })

  it('calls tools in parallel and answers with their results', async () => {
    const question = new HumanMessage('Hello')
    const bound = chat(`${model};tool-calls=2`).bindTools(tools)
    const called = await bound.invoke([question])
    expect(called.tool_calls?.map(({ name, args }) => [name, args])).toEqual([
      ['first', { city: 'sample' }],
      ['second', { city: 'sample' }],
    ])
    const results = (called.tool_calls ?? []).map(
      ({ id }) => new ToolMessage({ content: 'It rains.', tool_call_id: id ?? '' }),
    )
    const after = await bound.invoke([question, called, ...results])
    expect(after.text).not.toBe('')
    expect(after.tool_calls).toEqual([])
  })

  it('streams tool calls in parallel', async () => {
    const bound = chat(`${model};tool-calls=2;tool-index=interleaved`).bindTools(tools)
    let whole: AIMessageChunk | undefined
    for await (const part of await bound.stream('Hello')) whole = whole === undefined ? part : whole.concat(part)
    expect(whole?.tool_calls?.map(({ args }) => args)).toEqual([{ city: 'sample' }, { city: 'sample' }])
  })

  it('gets an object of a schema', async () => {
    const structured = chat(model).withStructuredOutput(place, { name: 'place', method: 'jsonSchema' })
    expect(await structured.invoke('Hello')).toEqual({ city: 'sample' })
  })

  it('tells errors by their status', async () => {
    await expect(chat(`${model};status=400`).invoke('Hello')).rejects.toMatchObject({ status: 400 })
    await expect(chat(`${model};status=401`).invoke('Hello')).rejects.toMatchObject({ status: 502 })
    await expect(chat(`${model};status=529`).invoke('Hello')).rejects.toMatchObject({ status: 503 })
    await expect(chat(model, 'hg_sk_wrong').invoke('Hello')).rejects.toMatchObject({ status: 401 })
    await expect(chat('nobody-has-this').invoke('Hello')).rejects.toMatchObject({ status: 404 })
  })

  it('aborts the upstream', async () => {
    const controller = new AbortController()
    const before = house.upstream.truth().length
    const read = async () => {
      let seen = 0
      const stream = await chat(`${model};parts=40;part-delay=5`).stream('Hello', { signal: controller.signal })
      for await (const part of stream) if (part.text !== '' && ++seen === 5) controller.abort()
    }
    await read().catch(() => {
      // An abort may surface as an error or as the end of the iteration.
    })
    const row = () =>
      house.upstream
        .truth()
        .slice(before)
        .find(({ path }) => path !== '/v1/models')
    await expect.poll(() => row()?.outcome).toBe('aborted')
  })

  it.each(['cut-at-part=3', 'cut-in-json=3', 'rst-at-part=3', 'no-done', 'error-at-part=3'])(
    'raises an error on a stream that was cut: %s',
    async (cut) => {
      const read = async () => {
        for await (const _ of await chat(`${model};${cut}`).stream('Hello'));
      }
      await expect(read()).rejects.toThrow()
    },
  )
})

it('embeds', async () => {
  const embeddings = new OpenAIEmbeddings({
    model: 'up/text-embedding-3-small',
    apiKey: key,
    maxRetries: 0,
    configuration: { baseURL },
  })
  const vectors = await embeddings.embedDocuments(['one', 'two'])
  expect(vectors).toHaveLength(2)
  expect(vectors[0]?.length).toBeGreaterThan(100)
})
