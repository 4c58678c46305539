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

test.each([
  ['cr', (body: string) => !body.includes('\n') && body.includes('\r\r')],
  ['crlf', (body: string) => body.includes('\r\n\r\n') && !/[^\r]\n/.test(body)],
  ['lf', (body: string) => !body.includes('\r')],
  ['mixed', (body: string) => /\r\n/.test(body) && /[^\r]\n/.test(body) && /\r[^\n]/.test(body)],
  ['bom', (body: string) => body.startsWith('\uFEFFdata: ')],
  ['multi-line', (body: string) => body.includes(',\ndata: "choices"')],
  ['nul', (body: string) => body.includes('id: a\0b\n')],
  ['no-blank', (body: string) => body.endsWith('data: [DONE]')],
  ['not-json', (body: string) => body.includes('data: this is {not JSON\n\n')],
  ['no-space', (body: string) => body.includes('data:{') && !body.includes('data: {')],
  ['crlf+bom', (body: string) => body.startsWith('\uFEFFdata') && body.includes('\r\n')],
])('malformed=%s', async (kind, holds) => {
  const body = (await askStream(`malformed=${kind}`)).body.toString()
  expect(holds(body)).toBe(true)
  expect(contentsOf(Buffer.from(body.replaceAll('\ndata: ', '')))).toBe(10)
  expect(lastRow()).toMatchObject({ produced_tokens: 10, outcome: 'complete' })
})

test('one line of 5 MB', async () => {
  const answer = await askStream('malformed=huge-line')
  const longest = Math.max(
    ...answer.body
      .toString()
      .split('\n')
      .map((line) => line.length),
  )
  expect(longest).toBeGreaterThan(5_000_000)
  expect(eventsOf(answer.body).at(-1)).toMatchObject({ usage: { completion_tokens: 10 } })
})

test('single-byte writes and a slow drip', async () => {
  const bytewise = await askStream('malformed=one-byte;parts=1')
  expect(bytewise.reads.length).toBeGreaterThan(bytewise.body.length / 4)
  expect(bytewise.body.toString().endsWith('[DONE]\n\n')).toBe(true)
  const start = performance.now()
  const drip = await askStream('drip=3000;parts=1')
  expect(drip.isWellFormed).toBe(true)
  expect(performance.now() - start).toBeGreaterThan(250)
})

test('ping storms, big parts, multi-byte words', async () => {
  const pings = (await askStream('pings=30;parts=3')).body.toString()
  expect(pings.split(': ping\n\n').length - 1).toBe(90)
  const big = await askStream('parts=2;part-tokens=5000')
  expect(contentsOf(big.body)).toBe(2)
  expect(lastRow().produced_tokens).toBe(10_000)
  const wide = await askStream('utf8=1')
  expect(wide.body.length).toBeGreaterThan(wide.body.toString().length)
  expect(eventsOf(wide.body).at(-1)).toMatchObject({ usage: { completion_tokens: lastRow().produced_tokens } })
})
