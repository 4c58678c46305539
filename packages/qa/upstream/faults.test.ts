import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type RawAnswer, contentsOf, eventsOf, postRaw } from './raw-client.ts'
import type { TruthRow } from './truth.ts'
import { type Upstream, startUpstream } from './upstream.ts'

let upstream: Upstream
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream.close())
beforeEach(() => upstream.reset())

const path = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'hello there' }]
type Options = Parameters<typeof postRaw>[3]
const ask = (script: string, options?: Options): Promise<RawAnswer> =>
  postRaw(upstream.port, path, { model: `m;${script}`, messages }, { patience: 5_000, ...options })
const askStream = (script: string, options?: Options): Promise<RawAnswer> =>
  postRaw(
    upstream.port,
    path,
    { model: `m;${script}`, messages, stream: true, stream_options: { include_usage: true } },
    { patience: 5_000, ...options },
  )
const lastRow = (): TruthRow => {
  const row = upstream.truth().at(-1)
  if (row === undefined) throw new Error('no truth row')
  return row
}
const settled = async (): Promise<TruthRow> => {
  await expect.poll(() => lastRow().outcome).not.toBe('open')
  return lastRow()
}
test('a plain stream is well-formed and complete', async () => {
  const answer = await askStream('parts=5')
  expect(answer.isWellFormed).toBe(true)
  expect(answer.body.toString().endsWith('data: [DONE]\n\n')).toBe(true)
  expect(contentsOf(answer.body)).toBe(5)
})

test('delays: before headers, before the first part, between parts', async () => {
  const marks: number[] = []
  const start = performance.now()
  const onData = (): void => void marks.push(performance.now() - start)
  const options = { patience: 1_000, onData }
  await askStream('delay=120;first-part-delay=150;parts=3;part-delay=60', options)
  expect(marks[0]).toBeGreaterThanOrEqual(115)
  expect(marks[1]).toBeGreaterThanOrEqual(265)
  expect(marks.filter((mark) => mark >= 320).length).toBeGreaterThanOrEqual(2)
  const before = performance.now()
  await ask('parts=5;part-delay=50', { patience: 1_000, onData: (_, socket) => socket.destroy(new Error('seen')) })
  expect(performance.now() - before).toBeGreaterThanOrEqual(195)
})

test('stalls: no byte, headers alone, after n parts', async () => {
  const silent = await ask('stall-before-headers', { patience: 250 })
  expect(silent).toMatchObject({ head: '', ending: 'open' })
  expect(await settled()).toMatchObject({ outcome: 'aborted', status: 0, produced_tokens: 0 })
  const headers = await askStream('stall-after-headers', { patience: 250 })
  expect(headers).toMatchObject({ status: 200, ending: 'open' })
  expect(headers.rest).toHaveLength(0)
  const parts = await askStream('stall-at-part=3', { patience: 250 })
  expect(contentsOf(parts.body)).toBe(3)
  expect(parts.isWellFormed).toBe(false)
  expect(await settled()).toMatchObject({ outcome: 'aborted', produced_tokens: 3, aborted_after_tokens: 3 })
})

test('truth knows when the caller left and how much was produced by then', async () => {
  let left = 0
  await askStream('parts=200;part-delay=20', {
    onData: (received, socket) => {
      if (contentsOf(received) < 5 || left > 0) return
      left = performance.timeOrigin + performance.now()
      socket.destroy(new Error('gone'))
    },
  })
  const row = await settled()
  expect(row.outcome).toBe('aborted')
  expect(row.aborted_at ?? 0).toBeGreaterThanOrEqual(left - 5)
  expect((row.aborted_at ?? 0) - left).toBeLessThan(500)
  expect(row.aborted_after_tokens).toBe(row.produced_tokens)
  expect(row.produced_tokens).toBeGreaterThanOrEqual(5)
  expect(row.produced_tokens).toBeLessThan(60)
  expect(row.terminal_sent).toBe(false)
})

test.each([
  ['close', { isWellFormed: true, ending: 'fin' }],
  ['end', { isWellFormed: true, ending: 'open' }],
  ['fin', { isWellFormed: false, ending: 'fin' }],
])('cut-at-part ends by %s after exactly n parts, without [DONE]', async (mode, expected) => {
  const answer = await askStream(`parts=20;cut-at-part=7;cut=${mode}`)
  expect(answer).toMatchObject(expected)
  expect(contentsOf(answer.body)).toBe(7)
  expect(answer.body.toString()).not.toContain('[DONE]')
  expect(await settled()).toMatchObject({ outcome: 'cut', produced_tokens: 7, sent_tokens: 7, terminal_sent: false })
})

test('cut-at-byte counts body bytes, of streams and of JSON', async () => {
  for (const mode of ['close', 'end', 'fin']) {
    expect((await askStream(`cut-at-byte=1000;cut=${mode}`)).body).toHaveLength(1000)
    expect((await ask(`cut-at-byte=20;cut=${mode}`)).body).toHaveLength(20)
  }
  const none = await askStream('cut-at-byte=0')
  expect(none).toMatchObject({ status: 200, ending: 'fin' })
  expect(none.body).toHaveLength(0)
})

test('cuts inside JSON and inside a character', async () => {
  const inJson = await askStream('cut-in-json=2')
  expect(contentsOf(inJson.body)).toBe(2)
  const rest = inJson.body.toString().split('\n\n').at(-1) ?? ''
  expect(rest.startsWith('data: {')).toBe(true)
  expect(() => JSON.parse(rest.slice(6))).toThrow()
  expect(await settled()).toMatchObject({ produced_tokens: 3, sent_tokens: 2, outcome: 'cut' })
  const inCharacter = await askStream('cut-in-character=2')
  expect(inCharacter.body.at(-1) ?? 0).toBeGreaterThanOrEqual(0xc0)
  expect(() => new TextDecoder('utf8', { fatal: true }).decode(inCharacter.body)).toThrow()
})

test('resets before the headers and after n parts', async () => {
  expect(await askStream('rst-before-headers')).toMatchObject({ head: '', ending: 'ECONNRESET' })
  expect(await ask('rst-before-headers')).toMatchObject({ head: '', ending: 'ECONNRESET' })
  const answer = await askStream('rst-at-part=4')
  expect(answer.ending).toBe('ECONNRESET')
  expect(contentsOf(answer.body)).toBe(4)
  expect(lastRow()).toMatchObject({ outcome: 'cut', sent_tokens: 4 })
})

test('no-done sends all but the terminal event', async () => {
  const answer = await askStream('no-done;parts=4')
  expect(answer.isWellFormed).toBe(true)
  expect(eventsOf(answer.body).at(-1)).toMatchObject({ usage: { completion_tokens: 4 } })
  expect(answer.body.toString()).not.toContain('[DONE]')
  expect(lastRow()).toMatchObject({ outcome: 'cut', terminal_sent: false, produced_tokens: 4 })
})

test('error-at-part sends an error event inside a 200', async () => {
  const answer = await askStream('error-at-part=2')
  expect(answer).toMatchObject({ status: 200, isWellFormed: true })
  expect(eventsOf(answer.body).at(-1)).toMatchObject({ error: { code: 'scripted_error' } })
  expect(contentsOf(answer.body)).toBe(2)
  expect(lastRow().outcome).toBe('cut')
})

test('wrong lengths, of JSON and of streams', async () => {
  for (const answer of [await ask('content-length=long'), await askStream('content-length=long')]) {
    expect(answer).toMatchObject({ ending: 'fin', isWellFormed: false })
    expect(Number(/content-length: (\d+)/i.exec(answer.head)?.[1])).toBe(answer.rest.length + 64)
  }
  const short = await ask('content-length=short')
  expect(Number(/content-length: (\d+)/i.exec(short.head)?.[1])).toBe(short.rest.length - 16)
  expect(lastRow()).toMatchObject({ outcome: 'cut', terminal_sent: false })
})

test('usage: missing, zero, null, duplicate, cumulative, unasked', async () => {
  const usages = async (kind: string): Promise<unknown[]> =>
    eventsOf((await askStream(`parts=3;usage=${kind}`)).body)
      .map((event) => event['usage'])
      .filter(Boolean)
  expect(await usages('missing')).toEqual([])
  expect(await usages('null')).toEqual([])
  expect(lastRow().usage_reported).toBeNull()
  expect(await usages('zero')).toEqual([{ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }])
  expect(lastRow()).toMatchObject({ produced_tokens: 3, usage_reported: { total_tokens: 0 } })
  expect(await usages('duplicate')).toHaveLength(2)
  const cumulative = (await usages('cumulative')) as Array<{ completion_tokens: number }>
  expect(cumulative.map((usage) => usage.completion_tokens)).toEqual([0, 1, 2, 3, 3, 3])
  const unasked = await postRaw(
    upstream.port,
    path,
    { model: 'm;usage=always', messages, stream: true },
    { patience: 5_000 },
  )
  expect(eventsOf(unasked.body).at(-1)).toMatchObject({ usage: { completion_tokens: 10 } })
  const json = async (kind: string): Promise<Record<string, unknown>> =>
    JSON.parse((await ask(`usage=${kind}`)).body.toString())
  expect(await json('missing')).not.toHaveProperty('usage')
  expect(await json('null')).toHaveProperty('usage', null)
  expect(await json('zero')).toHaveProperty('usage.total_tokens', 0)
})

test('usage details', async () => {
  const body = JSON.parse((await ask('usage-details=1;reasoning-tokens=40')).body.toString())
  expect(body.usage).toEqual({
    prompt_tokens: 8,
    completion_tokens: 50,
    total_tokens: 58,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 40 },
  })
  expect(lastRow()).toMatchObject({ produced_tokens: 50, usage_reported: body.usage })
})

test.each(['1', '30', 'Wed, 21 Oct 2026 07:28:00 GMT', '-5', 'abc', '1e9'])(
  'status with Retry-After %s, verbatim',
  async (value) => {
    const answer = await ask(`status=429;retry-after=${value}`)
    expect(answer.status).toBe(429)
    expect(/^retry-after: (.*)$/im.exec(answer.head)?.[1]).toBe(value)
    expect(JSON.parse(answer.body.toString()).error.code).toBe('rate_limit_exceeded')
    expect(lastRow()).toMatchObject({ status: 429, outcome: 'refused', produced_tokens: 0 })
  },
)

test('any status, any body, HTML with 200', async () => {
  for (const status of [401, 500, 503, 529]) expect((await ask(`status=${status}`)).status).toBe(status)
  const odd = await ask('status=500;body=not%20json;body-type=text/plain')
  expect(odd.body.toString()).toBe('not json')
  expect(odd.head).toContain('content-type: text/plain')
  const html = await ask('html')
  expect(html.status).toBe(200)
  expect(html.body.toString()).toContain('<html>')
})

test('fail-first fails n times per model, then answers', async () => {
  const statuses = []
  for (let turn = 0; turn < 4; turn += 1) statuses.push((await ask('fail-first=2;status=503')).status)
  expect(statuses).toEqual([503, 503, 200, 200])
  upstream.reset()
  expect((await ask('fail-first=2;status=503')).status).toBe(503)
})

test('an oversize JSON answer has as many tokens as it says', async () => {
  const answer = await ask('size=3000000')
  expect(answer.body.length).toBeGreaterThanOrEqual(3_000_000)
  expect(answer.body.length).toBeLessThan(6_000_000)
  const parsed = JSON.parse(answer.body.toString())
  expect(parsed.choices[0].message.content.split(' ').length - 1).toBe(parsed.usage.completion_tokens)
})

test.each([1_000, 1_048_576, 50_000_000])('a gzip bomb inflates to exactly %i bytes of valid JSON', async (size) => {
  const answer = await ask(`gzip-bomb=${size}`)
  expect(answer.head).toContain('content-encoding: gzip')
  const inflated = gunzipSync(answer.body)
  expect(inflated.length).toBe(size)
  expect(JSON.parse(inflated.toString()).choices).toHaveLength(1)
  if (size > 1_000_000) expect(answer.body.length).toBeLessThan(size / 500)
})

test('faults reach embeddings too', async () => {
  const embed = (model: string) => postRaw(upstream.port, '/v1/embeddings', { model, input: 'x' }, { patience: 5_000 })
  expect((await embed('e;status=500')).status).toBe(500)
  expect((await embed('e;cut-at-byte=30')).body).toHaveLength(30)
  expect((await embed('e;cut-at-part=3')).status).toBe(400)
})
