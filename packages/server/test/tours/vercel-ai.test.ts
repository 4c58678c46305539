import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { startTour, targets } from './support/targets.ts'

let house: House
let provider: ReturnType<typeof createOpenAICompatible>

beforeAll(async () => {
  const tour = await startTour()
  house = tour.house
  provider = createOpenAICompatible({
    name: 'headgate',
    apiKey: tour.key,
    baseURL: tour.baseURL,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
})
afterAll(() => house.stop())

const prompt = 'Hello'
const place = jsonSchema<{ city: string }>({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
})
const asked: string[] = []
const toolNamed = (name: string) =>
  tool({
    description: `The ${name} one.`,
    inputSchema: place,
    execute: async ({ city }) => {
      asked.push(`${name} ${city}`)
      return { weather: 'rain' }
    },
  })
const tools = { first: toolNamed('first'), second: toolNamed('second') }
const once = { maxRetries: 0 } as const

describe.each(targets)('the Vercel AI SDK, by the protocol of $protocol', ({ model: name }) => {
  const model = (script = '') => provider(`${name}${script}`)

  it('chats', async () => {
    const { text, usage, finishReason, response } = await generateText({
      model: model(';cached-tokens=2'),
      prompt,
      ...once,
    })
    expect(text.trim().split(' ')).toHaveLength(10)
    expect(finishReason).toBe('stop')
    const [truth] = house.upstream.truthOf(response.headers?.['x-request-id'] ?? '')
    expect(usage).toMatchObject({
      inputTokens: truth?.prompt_tokens,
      outputTokens: truth?.produced_tokens,
      inputTokenDetails: { cacheReadTokens: 2 },
    })
  })

  it('streams, with its usage', async () => {
    const stream = streamText({ model: model(';parts=12'), prompt, ...once })
    const parts: string[] = []
    for await (const part of stream.textStream) parts.push(part)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.join('').trim().split(' ')).toHaveLength(12)
    expect((await stream.usage).outputTokens).toBe(12)
    expect(await stream.finishReason).toBe('stop')
  })

  it('calls tools in parallel and answers with their results', async () => {
    asked.length = 0
    const { steps, text } = await generateText({
      model: model(';tool-calls=2'),
      prompt,
      tools,
      stopWhen: stepCountIs(3),
      ...once,
    })
    expect(asked.toSorted()).toEqual(['first sample', 'second sample'])
    expect(steps).toHaveLength(2)
    expect(text).not.toBe('')
  })

  it('streams tool calls in parallel', async () => {
    const stream = streamText({ model: model(';tool-calls=2;tool-index=interleaved'), prompt, tools, ...once })
    const calls: unknown[] = []
    for await (const part of stream.fullStream) if (part.type === 'tool-call') calls.push(part.input)
    expect(calls).toEqual([{ city: 'sample' }, { city: 'sample' }])
  })

  it('gets an object of a schema', async () => {
    const { output } = await generateText({ model: model(), prompt, output: Output.object({ schema: place }), ...once })
    expect(output).toEqual({ city: 'sample' })
  })

  it('tells errors by their status', async () => {
    const call = (script: string) => generateText({ model: model(script), prompt, ...once })
    await expect(call(';status=400')).rejects.toSatisfy(
      (error) => APICallError.isInstance(error) && error.statusCode === 400,
    )
    await expect(call(';status=401')).rejects.toMatchObject({ statusCode: 502, isRetryable: true })
    await expect(call(';status=529')).rejects.toMatchObject({ statusCode: 503 })
    await expect(generateText({ model: provider('nobody-has-this'), prompt, ...once })).rejects.toMatchObject({
      statusCode: 404,
      isRetryable: false,
    })
  })

  it('aborts the upstream', async () => {
    const controller = new AbortController()
    const before = house.upstream.truth().length
    const stream = streamText({
      model: model(';parts=40;part-delay=5'),
      prompt,
      abortSignal: controller.signal,
      ...once,
    })
    let seen = 0
    for await (const part of stream.fullStream) if (part.type === 'text-delta' && ++seen === 5) controller.abort()
    const row = () =>
      house.upstream
        .truth()
        .slice(before)
        .find(({ path }) => path !== '/v1/models')
    await expect.poll(() => row()?.outcome).toBe('aborted')
  })

  it.each(['cut-at-part=3', 'cut-in-json=3', 'rst-at-part=3', 'no-done', 'error-at-part=3'])(
    'has an error in a stream that was cut: %s',
    async (cut) => {
      const errors: unknown[] = []
      const stream = streamText({
        model: model(`;${cut}`),
        prompt,
        onError: ({ error }) => void errors.push(error),
        ...once,
      })
      const finishes: unknown[] = []
      for await (const part of stream.fullStream) if (part.type === 'finish') finishes.push(part.finishReason)
      expect(errors).toHaveLength(1)
      expect(finishes).not.toContain('stop')
    },
  )
})

it('embeds', async () => {
  const model = provider.embeddingModel('up/text-embedding-3-small')
  const { embeddings, usage } = await embedMany({ model, values: ['one', 'two'], ...once })
  expect(embeddings).toHaveLength(2)
  expect(usage.tokens).toBeGreaterThan(0)
  const claude = provider.embeddingModel('claude/claude-opus-5-5')
  await expect(embedMany({ model: claude, values: ['one'], ...once })).rejects.toMatchObject({ statusCode: 400 })
})
