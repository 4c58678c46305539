import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { House } from '../support/house.ts'
import { administer } from '../support/services.ts'
import { cachedScript, startTour, targets, usageOf } from './support/targets.ts'

let house: House
let key: string
let client: OpenAI

beforeAll(async () => {
  const tour = await startTour()
  ;({ house, key } = tour)
  client = new OpenAI({ apiKey: key, baseURL: tour.baseURL, maxRetries: 0 })
})
afterAll(() => house.stop())

const openai = 'up/gpt-4o-mini'
const input = 'Hello'
const look = { type: 'function' as const, name: 'look', parameters: { type: 'object', properties: {} }, strict: false }

/** The request that the upstream got last. */
const received = () => JSON.parse(house.upstream.requests().at(-1)?.body ?? '{}') as Record<string, unknown>
const ended = (id: string) =>
  vi.waitFor(
    async () => {
      const response = await client.responses.retrieve(id)
      if (response.status === 'in_progress') throw new Error('it still runs')
      return response
    },
    { timeout: 15_000, interval: 50 },
  )

describe.each(targets)('the official client with a provider of $protocol', ({ model }) => {
  it('gets a whole response, its usage and its cost, and finds it again', async () => {
    const { data, response } = await client.responses
      .create({ model: `${model}${cachedScript}`, input, metadata: { topic: 'sea' } })
      .withResponse()
    expect(data).toMatchObject({ object: 'response', status: 'completed', metadata: { topic: 'sea' }, error: null })
    expect(data.output_text).not.toBe('')
    expect(data.usage).toMatchObject({ input_tokens_details: { cached_tokens: 3, cache_write_tokens: 4 } })
    const row = await usageOf(house, key, response.headers.get('x-request-id') ?? '')
    expect(row).toMatchObject({
      input_tokens: data.usage?.input_tokens,
      output_tokens: data.usage?.output_tokens,
      outcome: 'complete',
    })
    expect(await client.responses.retrieve(data.id)).toEqual(data)
  })

  it('gets a stream that comes to the same, numbered without a gap', async () => {
    const asked = { model: `${model}${cachedScript}`, input }
    const stream = client.responses.stream(asked)
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of stream) events.push(event)
    const streamed = await stream.finalResponse()
    const whole = await client.responses.create(asked)
    expect(streamed.output_text).toBe(whole.output_text)
    expect(streamed.usage).toEqual(whole.usage)
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.map(({ type }) => type).filter((type) => !type.endsWith('.delta'))).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect((await client.responses.retrieve(streamed.id)).output_text).toBe(whole.output_text)
  })

  it.each([1, 2])('calls %i functions, whole and streamed, and goes on with their outputs', async (count) => {
    const asked = { model: `${model};tool-calls=${count}`, input, tools: [look] }
    const whole = await client.responses.create(asked)
    const streamed = await client.responses.stream(asked).finalResponse()
    for (const response of [whole, streamed]) {
      const calls = response.output.flatMap((item) => (item.type === 'function_call' ? [item.call_id] : []))
      expect(calls).toHaveLength(count)
      const outputs = calls.map((call_id) => ({ type: 'function_call_output' as const, call_id, output: 'a hill' }))
      const next = await client.responses.create({
        model,
        tools: [look],
        previous_response_id: response.id,
        input: outputs,
      })
      expect(next.status).toBe('completed')
      const { data: items } = await client.responses.inputItems.list(next.id, { order: 'asc' })
      expect(items.map(({ type }) => type)).toEqual([
        'message',
        ...calls.map(() => 'function_call'),
        ...calls.map(() => 'function_call_output'),
      ])
    }
  })
})

describe('a conversation', () => {
  it('goes on from a response that is kept, and from none that is not', async () => {
    const first = await client.responses.create({ model: openai, instructions: 'Be brief.', input: 'One.' })
    const second = await client.responses.create({ model: openai, previous_response_id: first.id, input: 'Two.' })
    expect(received()['messages']).toEqual([
      { role: 'user', content: 'One.' },
      { role: 'assistant', content: first.output_text },
      { role: 'user', content: 'Two.' },
    ])
    const gone = { status: 404, code: 'response_not_found' }
    await client.responses.delete(first.id)
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject(gone)
    const third = client.responses.create({ model: openai, previous_response_id: second.id, input: 'Three.' })
    await expect(third).rejects.toMatchObject(gone)
    const unkept = await client.responses.create({ model: openai, input, store: false })
    await expect(client.responses.retrieve(unkept.id)).rejects.toMatchObject(gone)
  })

  it('is nobody else’s: another key, another person, another project are told what a stranger is', async () => {
    const { id } = await client.responses.create({ model: openai, input })
    const { key: other } = await house.makeKey()
    const asked: [string, Record<string, string>][] = [
      [other, {}],
      [key, { 'x-headgate-user': 'u-2' }],
    ]
    for (const [who, more] of asked)
      for (const [method, path] of [
        ['GET', `/v1/responses/${id}`],
        ['GET', `/v1/responses/${id}?stream=true`],
        ['GET', `/v1/responses/${id}/input_items`],
        ['POST', `/v1/responses/${id}/cancel`],
        ['DELETE', `/v1/responses/${id}`],
      ] as const) {
        const answer = await fetch(`${house.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${who}`, ...more },
        })
        expect([path, answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
          path,
          404,
          'response_not_found',
        ])
      }
    expect((await client.responses.retrieve(id)).id).toBe(id)
  })
})

describe('in the background', () => {
  it('a response is made whether anybody waits or not, and read on from any event', async () => {
    const begun = await client.responses.create({ model: `${openai};parts=20;part-delay=5`, input, background: true })
    expect(begun).toMatchObject({ status: 'in_progress', background: true, output: [] })
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of await client.responses.retrieve(begun.id, { stream: true })) events.push(event)
    const done = await ended(begun.id)
    expect(done.status).toBe('completed')
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { id: begun.id } })
    const rest: number[] = []
    for await (const event of await client.responses.retrieve(begun.id, { stream: true, starting_after: 4 }))
      rest.push(event.sequence_number)
    expect(rest).toEqual(events.slice(5).map(({ sequence_number }) => sequence_number))
  })

  it('a streamed one goes on when its reader leaves', async () => {
    const stream = await client.responses.create({
      model: `${openai};parts=30;part-delay=10`,
      input,
      background: true,
      stream: true,
    })
    let id = ''
    for await (const event of stream) {
      if (event.type === 'response.created') ({ id } = event.response)
      if (event.type === 'response.output_text.delta') break
    }
    const done = await ended(id)
    expect(done.status).toBe('completed')
    expect(done.output_text.trim().split(' ')).toHaveLength(30)
  })

  it('one is cancelled, twice without harm, and keeps what it has come to', async () => {
    const { id } = await client.responses.create({
      model: `${openai};parts=500;part-delay=20`,
      input,
      background: true,
    })
    for await (const event of await client.responses.retrieve(id, { stream: true }))
      if (event.type === 'response.output_text.delta') break
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: 'cancelled' })
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: 'cancelled' })
    await vi.waitFor(async () => expect((await client.responses.retrieve(id)).output_text).not.toBe(''), 15_000)
    const running = house.upstream.truth().filter(({ ended_at }) => ended_at === null)
    expect(running).toEqual([])
  })

  it('one fails as told afterwards, before its first part and in the middle', async () => {
    const refused = await client.responses.create({ model: `${openai};status=400;body={}`, input, background: true })
    expect(await ended(refused.id)).toMatchObject({ status: 'failed', error: { code: 'upstream_invalid_request' } })
    const cut = await client.responses.create({ model: `${openai};cut-at-part=3`, input, background: true })
    const failed = await ended(cut.id)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'upstream_truncated' } })
    expect(failed.output_text.trim().split(' ')).toHaveLength(3)
  })
})

it('a response whose replica is gone is told as failed', async () => {
  const { id } = await client.responses.create({ model: `${openai};parts=200;part-delay=20`, input, background: true })
  await administer(
    house.databaseUrl,
    "UPDATE headgate.responses SET turn = 'gone', held_until = now() - interval '1 second'",
  )
  expect(await client.responses.retrieve(id)).toMatchObject({ status: 'failed', error: { code: 'stream_interrupted' } })
  const next = client.responses.create({ model: openai, previous_response_id: id, input })
  expect((await next).status).toBe('completed')
  await client.responses.cancel(id)
})
