import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRequestReader } from '../../src/features/gateway/large-body.ts'
import { readCompletion } from '../../src/features/gateway/read-request.ts'
import { readResponseRequest, translateResponseRequest } from '../../src/features/gateway/responses/request.ts'
import { readInferenceRequest } from '../../src/features/gateway/openai-wire.ts'
import { type House, startHouse } from '../support/house.ts'
import { expectFetchedError } from './error-shape.ts'

const MEGABYTE = 1_048_576
let house: House
let key: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

/** A conversation of small messages, so that parsing has as much to do as it can. */
const conversation = (bytes: number, more = ''): string => {
  const message = '{"role":"user","content":"a \\"quoted\\" word"}'
  const count = Math.floor(bytes / (message.length + 1))
  return `{"model":"demo",${more}"messages":[${Array.from({ length: count }, () => message).join(',')}]}`
}

/** Longest time that the event loop was away while `work` ran. */
const longestStall = async (work: () => Promise<unknown>): Promise<number> => {
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 2)
  await work()
  await new Promise((resolve) => setTimeout(resolve, 20))
  clearInterval(timer)
  return longest
}

it('reads a large body to the same request as a small one is read', async () => {
  const reader = createRequestReader()
  const bytes = Buffer.from(conversation(2 * MEGABYTE, '"user":"someone","max_tokens":7,"n":2,"stream":true,'))
  const inline = readInferenceRequest('chat', Buffer.from(bytes))
  const beside = await reader.read('chat', Buffer.from(bytes))
  expect(beside.body.equals(inline.body)).toBe(true)
  expect({ ...beside, body: null }).toEqual({ ...inline, body: null })
  await reader.stop()
})

it('reads large requests for responses and completions to the same, also after what came before', async () => {
  const reader = createRequestReader()
  const long = 'Some words. '.repeat(120_000)
  const history = [{ type: 'message', role: 'assistant', content: 'Before.' }]
  const asked = { model: 'demo', input: [{ role: 'user', content: long }], instructions: 'Be brief.', user: 'someone' }
  for (const more of [{}, { store: false }, { previous_response_id: 'resp_1', stream: true }]) {
    const bytes = Buffer.from(JSON.stringify({ ...asked, ...more }))
    expect(bytes.length).toBeGreaterThan(MEGABYTE)
    const expected = readResponseRequest(bytes)
    const before = expected.previousId === null ? [] : history
    const request = translateResponseRequest(expected, before)
    const beside = await reader.readResponse(Buffer.from(bytes))
    // What is not stored stays there.
    expect(beside.asked).toEqual(expected.store ? expected : { ...expected, input: [] })
    expect({ ...(await beside.translate(before)), body: null }).toEqual({ ...request, body: null })
    expect((await beside.translate(before)).body.equals(request.body)).toBe(true)
  }
  const completion = Buffer.from(JSON.stringify({ model: 'demo', prompt: long, echo: true, max_tokens: 9, odd: 1 }))
  const inPlace = readCompletion(Buffer.from(completion))
  const beside = await reader.readCompletion(completion)
  expect(beside.asked).toEqual(inPlace.asked)
  expect(beside.request.body.equals(inPlace.request.body)).toBe(true)
  expect({ ...beside.request, body: null }).toEqual({ ...inPlace.request, body: null })
  await expect(reader.readResponse(Buffer.alloc(2 * MEGABYTE, ' '))).rejects.toMatchObject({ code: 'invalid_json' })
  await reader.stop()
})

it('reads it beside the event loop, which stands still far shorter than for reading it in place', async () => {
  const reader = createRequestReader()
  await reader.read('chat', Buffer.from(conversation(2 * MEGABYTE)))
  const text = conversation(20 * MEGABYTE)
  const own = () => {
    const bytes = Buffer.allocUnsafeSlow(text.length)
    bytes.write(text)
    return bytes
  }
  const bodies = [own(), own(), own()]
  const inPlace = await longestStall(async () => readInferenceRequest('chat', own()))
  let beside = Number.POSITIVE_INFINITY
  for (const bytes of bodies) beside = Math.min(beside, await longestStall(async () => reader.read('chat', bytes)))
  expect(inPlace).toBeGreaterThan(100)
  expect(beside).toBeLessThan(inPlace / 2)
  await reader.stop()
})

it('answers calls in flight with an error when the worker dies, and starts another', async () => {
  const reader = createRequestReader()
  const dying = reader.read('chat', Buffer.from(conversation(2 * MEGABYTE)))
  await reader.stop()
  await expect(dying).rejects.toMatchObject({ code: 'internal_error' })
  await expect(reader.read('chat', Buffer.from(conversation(2 * MEGABYTE)))).resolves.toMatchObject({ model: 'demo' })
  await reader.stop()
})

it('refuses large bodies as precisely as small ones', async () => {
  const padding = `"metadata":"${'x'.repeat(2 * MEGABYTE)}"`
  const messages = '"messages":[{"role":"user","content":"Hello"}]'
  for (const [body, code, param] of [
    [`{${padding},${messages}}`, 'model_missing', 'model'],
    [`{${padding},"model":"demo"}`, 'messages_empty', 'messages'],
    [`{${padding},"model":"demo","model":"demo",${messages}}`, 'duplicate_parameter', 'model'],
    [`{${padding},"model":"demo",${messages}`, 'invalid_json', null],
    [`{${padding},"model":"demo",${messages},"x":${'['.repeat(65)}${']'.repeat(65)}}`, 'json_too_deep', null],
  ] as const) {
    const error = await expectFetchedError(await house.request('/v1/chat/completions', { key, body }), code)
    expect(error.param).toBe(param)
    expect(error.details[0]?.fix).toBe(param === null ? undefined : (error.details[0]?.fix ?? 'a fix'))
  }
})

it('lets streams flow while large bodies are read', async () => {
  const response = await house.request('/v1/chat/completions', {
    key,
    body: {
      model: 'up/gpt-4o-mini;parts=300;part-delay=10',
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    },
  })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let largest = 0
  let last = performance.now()
  let text = ''
  const reading = (async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      largest = Math.max(largest, performance.now() - last)
      last = performance.now()
      text += Buffer.from(value).toString()
    }
  })()
  // Refused once it is read, so that no provider of this process has to read it too.
  const body = conversation(20 * MEGABYTE).replace('"model"', '"no"')
  for (let round = 0; round < 4; round++) {
    await expectFetchedError(await house.request('/v1/chat/completions', { key, body }), 'model_missing')
  }
  await reading
  expect(text).toContain('[DONE]')
  // Client, house, upstream and the large body's sender share this one event loop, so the bound is a loose one.
  expect(largest).toBeLessThan(1_000)
})

it.each([
  ['one long string of quotes', `"metadata":${JSON.stringify('"'.repeat(5 * MEGABYTE))}`],
  ['one long string of backslashes', `"metadata":${JSON.stringify('\\'.repeat(5 * MEGABYTE))}`],
  ['ten thousand messages', ''],
  [
    'a huge tool schema',
    `"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{${Array.from({ length: 100_000 }, (_, index) => `"p${index}":{"type":"string"}`).join(',')}}}}}]`,
  ],
  ['text for greedy patterns', `"metadata":"${'a'.repeat(3 * MEGABYTE)}!"`],
  ['white space', `"metadata":${' '.repeat(8 * MEGABYTE)}1`],
])('is not stalled by %s', async (_, member) => {
  const messages = Array.from({ length: member === '' ? 10_000 : 1 }, () => '{"role":"user","content":"Hello there"}')
  const body = `{"model":"demo","messages":[${messages.join(',')}]${member && `,${member}`}}`
  let status = 0
  const stall = await longestStall(async () => {
    const answer = await house.request('/v1/chat/completions', { key, body })
    status = answer.status
    await answer.text()
  })
  expect(status).toBe(200)
  expect(stall).toBeLessThan(1_000)
})
