import { connect } from 'node:net'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { ask, askStream, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { type GatewayProcess, isAlive, startGateway } from './support/gateway-process.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { pause, until } from './support/load.ts'

const SHORT = 25
const LONG = 25
const DRAIN_MS = 2_500

let upstream: Upstream
let database: TestDatabase
let gateway: GatewayProcess

beforeAll(async () => {
  upstream = await startUpstream()
  database = await freshDatabase()
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    environment: {
      HEADGATE_TIMEOUTS_DRAIN_MS: String(DRAIN_MS),
      HEADGATE_TIMEOUTS_DRAIN_DELAY_MS: '600',
      HEADGATE_STREAM_COMMIT_AFTER_MS: '300',
    },
  })
})
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

it('SIGTERM lets streams end inside the window, tells the others, and leaves nothing', async () => {
  const door: Door = { url: gateway.url, key: (await gateway.makeKey()).key }
  const stream = (script: string) => askStream(door, `up/gpt-4o-mini;${script}`)
  const short = Array.from({ length: SHORT }, () => stream('parts=20;part-delay=60'))
  const long = Array.from({ length: LONG }, () => stream('parts=400;part-delay=60'))
  // Its status line has left, and its provider has not said a word yet.
  const silent = stream('delay=20000')
  const whole = ask(door, 'up/gpt-4o-mini;parts=20;part-delay=60')
  await until('all streams flow', () => {
    const flowing = callsOf(upstream).filter(({ outcome, sent_tokens }) => outcome === 'open' && sent_tokens > 0)
    return flowing.length >= SHORT + LONG
  })

  const start = performance.now()
  gateway.signal('SIGTERM')
  await until('readiness is withdrawn', async () => (await gateway.request('/readyz')).status === 503, 1_000)
  expect((await gateway.request('/livez')).status).toBe(200)
  // Load balancers have not noticed yet: what they still send is answered.
  expect((await ask(door, 'up/gpt-4o-mini')).status).toBe(200)

  for (const answer of await Promise.all(short))
    expect(answer).toMatchObject({ status: 200, done: true, parts: 20, code: null, broken: false })
  expect(await whole).toMatchObject({ status: 200, broken: false })
  for (const answer of await Promise.all(long)) {
    expect(answer).toMatchObject({ status: 200, done: false, code: 'server_draining', broken: false })
    expect(answer.parts).toBeGreaterThan(0)
  }
  expect(await silent).toMatchObject({ status: 200, code: 'server_draining', done: false })
  expect(await gateway.ended).toBe(0)
  expect(performance.now() - start).toBeLessThan(600 + DRAIN_MS + 5_000)
  expect(isAlive(gateway.pid)).toBe(false)

  await until('every upstream is let go', () => callsOf(upstream).every(({ outcome }) => outcome !== 'open'), 3_000)
  const rows = await ledgerRows(database.url)
  const calls = callsOf(upstream)
  expect(rows).toHaveLength(calls.length)
  const byId = new Map(rows.map((row) => [row.request_id, row]))
  expect(byId.size).toBe(rows.length)
  for (const call of calls) {
    const row = byId.get(call.request_id ?? '')
    if (call.outcome === 'complete')
      expect(row).toMatchObject({ outcome: 'complete', output_tokens: String(call.produced_tokens) })
    else {
      expect(row).toMatchObject({ estimated: true })
      expect(Number(row?.output_tokens)).toBeLessThanOrEqual(call.produced_tokens)
    }
  }
})

it('a stream whose provider has not said a word is told as well, and one that begins late is not cut without a word', async () => {
  const other = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    environment: { HEADGATE_TIMEOUTS_DRAIN_MS: '1500' },
  })
  try {
    const door: Door = { url: other.url, key: (await other.makeKey()).key }
    upstream.reset()
    const silent = askStream(door, 'up/gpt-4o-mini;delay=20000')
    const late = askStream(door, 'up/gpt-4o-mini;delay=700;parts=400;part-delay=60')
    const inTime = askStream(door, 'up/gpt-4o-mini;delay=700')
    const whole = ask(door, 'up/gpt-4o-mini;delay=20000').catch(() => null)
    await until('the provider was asked', () => callsOf(upstream).length === 4)
    other.signal('SIGTERM')
    expect(await inTime).toMatchObject({ status: 200, done: true, parts: 10 })
    expect(await late).toMatchObject({ status: 200, done: false, code: 'server_draining', broken: false })
    expect(await silent).toMatchObject({ status: 503, code: 'server_draining', broken: false })
    expect(await whole).toMatchObject({ status: 503, code: 'server_draining' })
    expect(await other.ended).toBe(0)
    const ids = callsOf(upstream).map(({ request_id }) => request_id)
    const rows = (await ledgerRows(database.url)).filter(({ request_id }) => ids.includes(request_id))
    expect(rows).toHaveLength(4)
  } finally {
    await other.kill()
  }
})

it('connections that bring no request hold nobody up, nor does one whose head never comes whole', async () => {
  const other = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    environment: { HEADGATE_TIMEOUTS_DRAIN_MS: '300000' },
  })
  try {
    const port = Number(new URL(other.url).port)
    const open = (head: string) =>
      new Promise<void>((closed) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(head))
        socket.once('close', () => closed())
        socket.on('error', () => undefined)
        socket.resume()
      })
    const silent = open('')
    const half = open('POST /v1/chat/completions HTTP/1.1\r\nHost: a')
    await pause(300)
    expect((await other.request('/livez')).status).toBe(200)
    const start = performance.now()
    other.signal('SIGTERM')
    await Promise.all([silent, half])
    expect(await other.ended).toBe(0)
    // Far from the drain window, which is for calls.
    expect(performance.now() - start).toBeLessThan(100_000)
  } finally {
    await other.kill()
  }
})

it('a second signal ends it, unless it is the echo of the first', async () => {
  const other = await startGateway({ databaseUrl: database.url, upstreamUrl: upstream.url })
  const door: Door = { url: other.url, key: (await other.makeKey()).key }
  const cut = askStream(door, 'up/gpt-4o-mini;parts=400;part-delay=60').catch(() => null)
  await until('the stream flows', () => callsOf(upstream).some(({ outcome }) => outcome === 'open'))
  const start = performance.now()
  other.signal('SIGTERM')
  await until('it drains', () => other.output().includes('Draining'))
  other.signal('SIGTERM')
  await pause(1_200)
  expect(other.output()).not.toContain('cut short')
  other.signal('SIGTERM')
  expect(await other.ended).not.toBe(0)
  expect(performance.now() - start).toBeLessThan(5_000)
  expect((await cut)?.done ?? false).toBe(false)
})
