import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { ask, askStream, type Door } from './support/ask.ts'
import { ledgerRows } from './support/ledger-rows.ts'

let house: House
let door: Door
let client: OpenAI
/** Calls that rightly succeeded. */
const wholeIds: string[] = []

beforeAll(async () => {
  house = await startHouse()
  door = { url: house.url, key: (await house.makeKey()).key }
  client = new OpenAI({ apiKey: door.key, baseURL: `${house.url}/v1`, maxRetries: 0 })
})
afterAll(() => house.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]
const codes = ['upstream_truncated', 'upstream_error', 'upstream_unreachable', 'upstream_malformed']

const streamCuts = [
  ...['cut-at-part=3', 'cut-in-json=3', 'cut-in-character=3;utf8', 'cut-at-part=0', 'cut-at-byte=1'].flatMap((cut) =>
    ['close', 'end', 'fin'].map((how) => `${cut};cut=${how}`),
  ),
  'rst-at-part=0',
  'rst-at-part=3',
  'rst-before-headers',
  'no-done',
  'error-at-part=3',
  'content-length=short',
]
const jsonCuts = [
  'cut-at-byte=20',
  'cut-at-byte=20;cut=end',
  'cut-at-byte=20;cut=fin',
  'cut-at-byte=0',
  'content-length=long',
  'content-length=short',
  'rst-before-headers',
]

describe('an answer that a provider cuts off', () => {
  it.each(streamCuts)('is an error in a stream: %s', async (cut) => {
    const model = `up/gpt-4o-mini;${cut}`
    const read = async () => {
      for await (const _ of await client.chat.completions.create({ model, messages, stream: true }));
    }
    const error = await read().then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(codes).toContain((error as { code?: string }).code)
    const raw = await askStream(door, model)
    expect(raw.done).toBe(false)
    expect(raw.text).not.toContain('[DONE]')
    expect(codes).toContain(raw.code)
  })

  it.each(jsonCuts)('is an error without a stream: %s', async (cut) => {
    const model = `up/gpt-4o-mini;${cut}`
    const error = await client.chat.completions.create({ model, messages }).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect((error as { status?: number }).status).toBe(502)
    expect(codes).toContain((error as { code?: string }).code)
  })

  it('never ends as success, wherever the bytes end', async () => {
    const model = 'gpt-4o-mini;parts=4;utf8'
    const whole = Buffer.from(await (await direct(model)).arrayBuffer())
    const { content: wholeText, requestId } = await askStream(door, `up/${model}`)
    wholeIds.push(requestId)
    const positions = Array.from({ length: 48 }, (_, index) => Math.floor((whole.length * index) / 48))
    for (let start = 0; start < positions.length; start += 8) {
      await Promise.all(
        positions.slice(start, start + 8).map(async (position, index) => {
          const how = ['close', 'end', 'fin'][(start + index) % 3]
          const answer = await askStream(door, `up/${model};cut-at-byte=${position};cut=${how}`)
          expect(answer.done, `${position} of ${whole.length}, ${how}`).toBe(false)
          expect(codes).toContain(answer.code)
          expect(wholeText.startsWith(answer.content)).toBe(true)
        }),
      )
    }
  })

  it('is whole when its terminal came, whatever length was announced', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;content-length=long')
    expect(answer).toMatchObject({ done: true, parts: 10, code: null })
    wholeIds.push(answer.requestId)
  })

  it('is one row each, with the outcome that it had', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;cut-at-part=7')
    const refused = await ask(door, 'up/gpt-4o-mini;cut-at-byte=5;cut=fin')
    await house.settled()
    const rows = await ledgerRows(house.databaseUrl)
    const [cut] = rows.filter(({ request_id }) => request_id === answer.requestId)
    expect(cut).toMatchObject({ outcome: 'upstream_cut', estimated: true, output_tokens: '7' })
    expect(rows.filter(({ request_id }) => request_id === refused.requestId)).toHaveLength(1)
    expect(new Set(rows.map(({ request_id }) => request_id)).size).toBe(rows.length)
    const whole = rows.filter(({ outcome }) => outcome === 'complete')
    expect(whole.map(({ request_id }) => request_id).sort()).toEqual([...wholeIds].sort())
  })
})

const direct = (model: string) =>
  fetch(`${house.upstream.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } }),
  })
