import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
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

const prompt = 'Once upon a time'
const openai = 'up/gpt-4o-mini'
const received = () => JSON.parse(house.upstream.requests().at(-1)?.body ?? '{}') as Record<string, unknown>

/** Runs a stream to its end: the text of each choice, why it ended, and the usage. */
const streamed = async (asked: object) => {
  const told = { texts: [] as string[], reasons: [] as (string | null)[], usage: null as unknown }
  const body = { prompt, ...asked, stream: true } as OpenAI.CompletionCreateParamsStreaming
  for await (const { object, choices, usage } of await client.completions.create(body)) {
    expect(object).toBe('text_completion')
    told.usage = usage ?? told.usage
    for (const { index, text, finish_reason: reason } of choices) {
      told.texts[index] = (told.texts[index] ?? '') + text
      told.reasons[index] = reason
    }
  }
  return told
}

describe.each(targets)('the official client’s completions with a provider of $protocol', ({ model }) => {
  it('come whole, with usage and cost', async () => {
    const { data, response } = await client.completions
      .create({ model: `${model}${cachedScript}`, prompt, max_tokens: 100 })
      .withResponse()
    expect(data).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, finish_reason: 'stop', logprobs: null }],
    })
    expect(data.choices[0]?.text).not.toBe('')
    expect(response.headers.get('x-headgate-cost-usd')).toBeTruthy()
    const row = await usageOf(house, key, response.headers.get('x-request-id') ?? '')
    expect(row).toMatchObject({
      input_tokens: data.usage?.prompt_tokens,
      output_tokens: data.usage?.completion_tokens,
      outcome: 'complete',
    })
  })

  it('come as a stream that says the same, with the usage only where it is asked for', async () => {
    const asked = { model, max_tokens: 100 }
    const whole = await client.completions.create({ ...asked, prompt: [prompt] })
    const told = await streamed({ ...asked, stream_options: { include_usage: true } })
    expect(told).toMatchObject({ texts: [whole.choices[0]?.text], reasons: ['stop'] })
    expect(told.usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens })
    expect((await streamed(asked)).usage).toBeNull()
  })

  it('have the prompt before them where it is to be echoed', async () => {
    const asked = { model, max_tokens: 100, echo: true }
    const whole = await client.completions.create({ ...asked, prompt })
    expect(whole.choices[0]?.text.startsWith(prompt)).toBe(true)
    expect((await streamed(asked)).texts).toEqual([whole.choices[0]?.text])
  })

  it('end after 16 tokens unless told otherwise, as OpenAI’s do', async () => {
    const whole = await client.completions.create({ model: `${model};parts=40`, prompt })
    expect(whole.choices[0]?.finish_reason).toBe('length')
    expect(whole.usage?.completion_tokens).toBe(16)
  })

  it('end with an error where the provider breaks off', async () => {
    await expect(streamed({ model: `${model};cut-at-part=2` })).rejects.toMatchObject({ code: 'upstream_truncated' })
  })
})

it('reach a provider in the words of chat', async () => {
  const whole = await client.completions.create({
    model: openai,
    prompt,
    n: 2,
    best_of: 2,
    max_tokens: 50,
    temperature: 0.5,
    stop: ['END'],
    seed: 7,
    logprobs: 3,
    presence_penalty: 0.1,
    user: 'u-1',
  })
  expect(whole.choices.map(({ index }) => index)).toEqual([0, 1])
  expect(received()).toEqual({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: prompt }],
    n: 2,
    max_tokens: 50,
    temperature: 0.5,
    stop: ['END'],
    seed: 7,
    logprobs: true,
    top_logprobs: 3,
    presence_penalty: 0.1,
    user: 'u-1',
  })
  expect((await streamed({ model: openai, n: 2 })).texts).toHaveLength(2)
})

describe('what a provider cannot be given', () => {
  it('is named in a header, or refused with strict', async () => {
    const asked = { model: openai, prompt, made_up: 1 }
    const { response } = await client.completions.create(asked).withResponse()
    expect(response.headers.get('x-headgate-warning')).toBe('not carried over: made_up')
    await expect(client.completions.create({ ...asked, strict: true } as typeof asked)).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
    })
  })

  it.each([
    [{ prompt: '' }, 'prompt', 'prompt_empty'],
    [{ prompt: [] }, 'prompt', 'prompt_empty'],
    [{ prompt: { a: 1 } }, 'prompt', 'invalid_parameter'],
    [{ prompt: [1, 2] }, 'prompt', 'unsupported_parameter'],
    [{ prompt: [[1], [2]] }, 'prompt', 'unsupported_parameter'],
    [{ prompt: ['a', 'b'] }, 'prompt[1]', 'unsupported_parameter'],
    [{ suffix: 'the end' }, 'suffix', 'unsupported_parameter'],
    [{ best_of: 3, n: 2 }, 'best_of', 'unsupported_parameter'],
    [{ echo: true, logprobs: 1 }, 'logprobs', 'unsupported_parameter'],
    [{ logprobs: 21 }, 'logprobs', 'invalid_parameter'],
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_parameter'],
  ])('is refused before anything is sent: %j', async (more, param, code) => {
    const before = house.upstream.requests().length
    const body = { model: openai, prompt, ...more } as OpenAI.CompletionCreateParamsNonStreaming
    await expect(client.completions.create(body)).rejects.toMatchObject({ status: 400, code, param })
    expect(house.upstream.requests()).toHaveLength(before)
  })
})

it('a stream that is kept is read on from where it was left', async () => {
  const { data, response } = await client.completions
    .create({ model: openai, prompt, stream: true }, { headers: { 'x-headgate-resume': 'on' } })
    .withResponse()
  let text = ''
  for await (const { choices } of data) text += choices[0]?.text ?? ''
  const id = response.headers.get('x-headgate-stream') ?? ''
  const again = await (await house.request(`/v1/streams/${id}`, { key })).text()
  const parts = [...again.matchAll(/^data: (\{.*)$/gm)].map(
    ([, json]) => JSON.parse(json as string) as { choices: { text: string }[] },
  )
  expect(parts.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(text)
  expect(again).toMatch(/data: \[DONE\]\n\n$/)
})
