import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TruthRow } from './truth.ts'
import { type Upstream, startUpstream } from './upstream.ts'

let upstream: Upstream
let client: OpenAI
beforeAll(async () => {
  upstream = await startUpstream()
  client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: 'scripted-key', maxRetries: 0 })
})
afterAll(() => upstream.close())
beforeEach(() => upstream.reset())

const messages = [{ role: 'user' as const, content: 'hello there' }]
const lastRow = (): TruthRow => {
  const row = upstream.truth().at(-1)
  if (row === undefined) throw new Error('no truth row')
  return row
}
const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 3 }, unit: { enum: ['c', 'f'] } },
  required: ['city', 'days', 'unit'],
  additionalProperties: false,
}
const tools = ['weather', 'forecast'].map((name) => ({
  type: 'function' as const,
  function: { name, parameters: schema },
}))

test('answers a chat, with exact tokens', async () => {
  const answer = await client.chat.completions.create(
    { model: 'gpt-4o-mini', messages },
    { headers: { 'x-request-id': 'r-1' } },
  )
  const text = answer.choices[0]?.message.content ?? ''
  expect(answer.model).toBe('gpt-4o-mini')
  expect(answer.choices[0]?.finish_reason).toBe('stop')
  expect(answer.usage).toMatchObject({
    prompt_tokens: countTokens('hello there') + 3 + 3,
    completion_tokens: countTokens(text),
  })
  expect(upstream.truthOf('r-1')).toEqual([lastRow()])
  expect(lastRow()).toMatchObject({
    request_id: 'r-1',
    path: '/v1/chat/completions',
    model: 'gpt-4o-mini',
    stream: false,
    status: 200,
    produced_tokens: 10,
    sent_tokens: 10,
    usage_reported: answer.usage,
    terminal_sent: true,
    aborted_at: null,
    outcome: 'complete',
  })
})

test('streams one token per content event, usage only when asked', async () => {
  const events = []
  const request = { model: 'gpt-4o-mini;parts=25', messages, stream: true as const }
  for await (const event of await client.chat.completions.create(request)) events.push(event)
  const contents = events.flatMap((event) => event.choices.map((choice) => choice.delta.content)).filter(Boolean)
  expect(contents).toHaveLength(25)
  expect(countTokens(contents.join(''))).toBe(25)
  expect(events[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant', content: '' })
  expect(events.at(-1)?.choices[0]?.finish_reason).toBe('stop')
  expect(events.some((event) => event.usage)).toBe(false)
  expect(lastRow()).toMatchObject({
    stream: true,
    produced_tokens: 25,
    sent_tokens: 25,
    usage_reported: null,
    terminal_sent: true,
  })

  const asked = []
  for await (const event of await client.chat.completions.create({
    ...request,
    stream_options: { include_usage: true },
  }))
    asked.push(event)
  expect(asked.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 25, total_tokens: 33 } })
  expect(asked.slice(0, -1).every((event) => event.usage === null)).toBe(true)
  expect(asked.at(-2)?.choices[0]?.finish_reason).toBe('stop')
})

test('n choices cost n times the tokens', async () => {
  const answer = await client.chat.completions.create({ model: 'm', messages, n: 3 })
  expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2])
  expect(answer.usage?.completion_tokens).toBe(30)
  const seen = new Set<number>()
  for await (const event of await client.chat.completions.create({ model: 'm', messages, n: 3, stream: true })) {
    for (const choice of event.choices) seen.add(choice.index)
  }
  expect(seen.size).toBe(3)
  expect(lastRow().produced_tokens).toBe(30)
})

test('max_tokens bounds the answer, unless the script ignores it', async () => {
  const bounded = await client.chat.completions.create({ model: 'm;parts=50', messages, max_completion_tokens: 7 })
  expect(bounded.choices[0]?.finish_reason).toBe('length')
  expect(bounded.usage?.completion_tokens).toBe(7)
  const unbounded = await client.chat.completions.create({
    model: 'm;parts=50;ignore-max-tokens',
    messages,
    max_tokens: 7,
  })
  expect(unbounded.usage?.completion_tokens).toBe(50)
})

test('parallel tool calls, streamed and not, then text after the results', async () => {
  const request = { model: 'm;tool-calls=2', messages, tools }
  const answer = await client.chat.completions.create(request)
  const calls = answer.choices[0]?.message.tool_calls ?? []
  expect(answer.choices[0]?.finish_reason).toBe('tool_calls')
  const names = calls.map((call) => (call.type === 'function' ? call.function.name : ''))
  expect(names).toEqual(['weather', 'forecast'])
  const first = calls[0]?.type === 'function' ? calls[0].function.arguments : ''
  expect(JSON.parse(first)).toEqual({ city: 'sample', days: 3, unit: 'c' })

  const runner = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } })
  const streamed = await runner.finalChatCompletion()
  const streamedCalls = streamed.choices[0]?.message.tool_calls ?? []
  expect(streamedCalls.map((call) => (call.type === 'function' ? call.function.arguments : ''))).toEqual([first, first])
  expect(streamed.usage?.completion_tokens).toBe(answer.usage?.completion_tokens)
  expect(lastRow().produced_tokens).toBe(answer.usage?.completion_tokens)

  const results = calls.map((call) => ({ role: 'tool' as const, tool_call_id: call.id, content: '21' }))
  const after = await client.chat.completions.create({ ...request, messages: [...messages, ...results] })
  expect(after.choices[0]?.message.content).toBeTruthy()
})

test.each(['interleaved', 'missing', 'repeated'])('tool-index=%s', async (style) => {
  const indexes: Array<number | undefined> = []
  const model = `m;tool-calls=2;tool-index=${style}`
  for await (const event of await client.chat.completions.create({ model, messages, tools, stream: true })) {
    for (const call of event.choices[0]?.delta.tool_calls ?? []) indexes.push(call.index)
  }
  if (style === 'missing') expect(new Set(indexes)).toEqual(new Set([undefined]))
  else if (style === 'repeated') expect(new Set(indexes)).toEqual(new Set([0]))
  else expect(indexes.slice(0, 4)).toEqual([0, 1, 0, 1])
})

test('a json_schema answer satisfies the schema', async () => {
  const answer = await client.chat.completions.create({
    model: 'm',
    messages,
    response_format: { type: 'json_schema', json_schema: { name: 'trip', schema, strict: true } },
  })
  const text = answer.choices[0]?.message.content ?? ''
  expect(JSON.parse(text)).toEqual({ city: 'sample', days: 3, unit: 'c' })
  expect(answer.usage?.completion_tokens).toBe(countTokens(text))
})

test('embeddings as floats and as base64 are the same unit vectors', async () => {
  const input = ['a red fox', 'a red dog', 'quarterly tax report']
  const floats = await client.embeddings.create({
    model: 'text-embedding-3-small',
    input,
    encoding_format: 'float',
    dimensions: 64,
  })
  const decoded = await client.embeddings.create({ model: 'text-embedding-3-small', input, dimensions: 64 })
  const requests = upstream.requests().map((request) => JSON.parse(request.body ?? '{}').encoding_format)
  expect(requests).toEqual(['float', 'base64'])
  const vectors = floats.data.map((one) => one.embedding)
  for (const [index, vector] of vectors.entries()) {
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
    for (const [at, value] of vector.entries()) expect(decoded.data[index]?.embedding[at]).toBeCloseTo(value, 6)
  }
  const near = (a: number[] = [], b: number[] = []) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
  expect(near(vectors[0], vectors[1])).toBeGreaterThan(near(vectors[0], vectors[2]))
  expect(floats.usage.prompt_tokens).toBe(input.reduce((sum, text) => sum + countTokens(text), 0))
  const whole = await client.embeddings.create({ model: 'text-embedding-3-large', input: [1, 2, 3] })
  expect(whole.data[0]?.embedding).toHaveLength(3072)
  expect(whole.usage.prompt_tokens).toBe(3)
})

test('models are listed and found', async () => {
  const ids = []
  for await (const model of client.models.list()) ids.push(model.id)
  expect(ids).toContain('gpt-4o-mini')
  expect((await client.models.retrieve('gpt-4o')).id).toBe('gpt-4o')
  await expect(client.models.retrieve('nothing')).rejects.toMatchObject({ status: 404 })
})

test('unknown script words and unscriptable bodies are refused in words', async () => {
  await expect(client.chat.completions.create({ model: 'm;prats=2', messages })).rejects.toThrow(
    'unknown script word "prats"',
  )
  await expect(client.chat.completions.create({ model: 'm;cut-at-part=2', messages })).rejects.toThrow(
    'only for streams',
  )
  await expect(client.chat.completions.create({ model: 'm;cut-at-part=11', messages, stream: true })).rejects.toThrow(
    'never happen',
  )
  await expect(client.chat.completions.create({ model: 'm;tool-calls=1', messages })).rejects.toThrow('needs tools')
  expect(upstream.truth().every((row) => row.outcome === 'refused' && row.status === 400)).toBe(true)
})

test('the header wins over the model name', async () => {
  const headers = { 'x-upstream-script': 'parts=3' }
  const answer = await client.chat.completions.create({ model: 'm;status=500', messages }, { headers })
  expect(answer.usage?.completion_tokens).toBe(3)
})

test('truth, requests and health over HTTP', async () => {
  await client.chat.completions.create(
    { model: 'm', messages },
    { headers: { 'x-request-id': 'one', 'x-secret': 'seen' } },
  )
  await client.chat.completions.create({ model: 'm', messages }, { headers: { 'x-request-id': 'two' } })
  const get = async (path: string) => (await fetch(upstream.url + path)).json()
  expect(await get('/__health')).toEqual({ status: 'ok' })
  expect(await get('/__truth')).toEqual(upstream.truth())
  expect(await get('/__truth?request_id=two')).toEqual(upstream.truthOf('two'))
  const [first] = (await get('/__requests')) as Array<Record<string, unknown>>
  expect(first).toMatchObject({ method: 'POST', headers: { 'x-secret': 'seen', authorization: 'Bearer scripted-key' } })
  expect(first?.['body_bytes']).toBeGreaterThan(20)
  await fetch(`${upstream.url}/__truth`, { method: 'DELETE' })
  expect(upstream.truth()).toEqual([])
})

test('the truth file survives the process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'truth-'))
  const truthFile = join(folder, 'truth.jsonl')
  const other = await startUpstream({ truthFile })
  await fetch(`${other.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', messages }),
  }).then((answer) => answer.text())
  await other.close()
  const rows = readFileSync(truthFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(rows).toEqual(other.truth())
  rmSync(folder, { recursive: true })
})
