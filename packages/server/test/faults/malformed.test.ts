import { type FaultProxy, startFaultProxy } from '@headgate/qa/faults/tcp-proxy.ts'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { askStream, type Door } from './support/ask.ts'
import { eventData } from './support/read-events.ts'

let upstream: Upstream
let wire: FaultProxy
let house: House
let door: Door
let client: OpenAI

beforeAll(async () => {
  upstream = await startUpstream()
  wire = await startFaultProxy({ target: { host: '127.0.0.1', port: upstream.port } })
  house = await startHouse({
    upstream,
    config: { providers: { wire: { kind: 'openai', base_url: `${wire.url}/v1`, api_key: 'provider-key' } } },
  })
  door = { url: house.url, key: (await house.makeKey()).key }
  client = new OpenAI({ apiKey: door.key, baseURL: `${house.url}/v1`, maxRetries: 0, logLevel: 'off' })
})
afterAll(async () => {
  await house.stop()
  await wire.close()
  await upstream.close()
})

const messages = [{ role: 'user' as const, content: 'Hello' }]

/** The deltas that the provider sent, read by the rules of the standard. */
const deltasOf = (text: string): unknown[] =>
  eventData(text).flatMap((data) => {
    if (data === '[DONE]') return []
    const { choices } = JSON.parse(data) as { choices?: readonly { delta?: unknown }[] }
    return choices?.[0]?.delta === undefined ? [] : [choices[0].delta]
  })

const direct = async (script: string) => {
  const answer = await fetch(`${upstream.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: `gpt-4o-mini;${script}`, messages, stream: true }),
  })
  return answer.text()
}

const throughClient = async (model: string): Promise<unknown[]> => {
  const deltas: unknown[] = []
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true }))
    if (chunk.choices[0]) deltas.push(chunk.choices[0].delta)
  return deltas
}

const bent = ['cr', 'lf', 'crlf', 'mixed', 'bom', 'multi-line', 'one-byte', 'nul', 'no-blank', 'no-space']
const together = ['bom+crlf+no-space', 'mixed+multi-line+nul', 'one-byte+mixed+bom+utf8', 'cr+no-blank', 'lf+nul+bom']
const scriptOf = (kinds: string) =>
  kinds.includes('+utf8') ? `utf8;malformed=${kinds.replace('+utf8', '')}` : `malformed=${kinds}`

describe('a bent stream', () => {
  it.each([...bent, ...together])('says what a reference parser reads: %s', async (kinds) => {
    const script = scriptOf(kinds)
    const expected = deltasOf(await direct(script))
    expect(expected.length).toBeGreaterThanOrEqual(10)
    const answer = await askStream(door, `up/gpt-4o-mini;${script}`)
    expect(answer).toMatchObject({ status: 200, done: true, code: null, broken: false })
    expect(deltasOf(answer.text)).toEqual(expected)
    expect(await throughClient(`up/gpt-4o-mini;${script}`)).toEqual(expected)
  })

  it.each(['mixed', 'bom+crlf', 'multi-line+nul'])('arrives in segments of one byte: %s', async (kinds) => {
    wire.set({ down: { oneByteSegments: true } })
    const script = `parts=4;utf8;malformed=${kinds}`
    const expected = deltasOf(await direct(script))
    const answer = await askStream(door, `wire/gpt-4o-mini;${script}`)
    wire.reset()
    expect(answer).toMatchObject({ done: true, code: null })
    expect(deltasOf(answer.text)).toEqual(expected)
  })

  it.each(['huge-line', 'huge-line+crlf'])('with a line of 5 MB is an error: %s', async (kinds) => {
    const model = `up/gpt-4o-mini;malformed=${kinds}`
    const answer = await askStream(door, model)
    expect(answer).toMatchObject({ done: false, code: 'upstream_malformed' })
    expect(answer.text.length).toBeLessThan(200_000)
    await expect(throughClient(model)).rejects.toThrow(OpenAI.APIError)
  })

  it('with an event that is no JSON is an error', async () => {
    await expect(throughClient('up/gpt-4o-mini;malformed=not-json')).rejects.toThrow()
  })

  it('with a storm of pings is whole', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;parts=20;pings=2000')
    expect(answer).toMatchObject({ status: 200, done: true, parts: 20, code: null })
  })

  it('that is a page, or a bomb, is an error before the status line', async () => {
    for (const script of ['html', 'gzip-bomb=200000000'])
      for (const stream of [true, false]) {
        const answer = await askStream(door, `up/gpt-4o-mini;${script}`, { stream })
        expect(answer.status, `${script} ${stream}`).toBe(502)
        expect(answer.code).toMatch(/^upstream_/)
      }
  })
})

describe('a whole answer without usage', () => {
  it.each(['{}', '{"choices":null}', '{"choices":[{"message":null}]}', '{"choices":{"message":1}}'])(
    'and without sense is handed on, and its input charged: %s',
    async (body) => {
      const model = `up/gpt-4o-mini;status=200;body=${encodeURIComponent(body)}`
      const { key } = door
      const response = await house.request('/v1/chat/completions', { key, body: JSON.stringify({ model, messages }) })
      expect(response.status).toBe(200)
      expect(await response.text()).toBe(body)
      await house.settled()
      const usage = await house.request(`/v1/usage/${response.headers.get('x-request-id')}`, { key })
      expect(await usage.json()).toMatchObject({
        outcome: 'complete',
        estimated: true,
        input_tokens: 8,
        output_tokens: 0,
      })
    },
  )
})
