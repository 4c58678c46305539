import { startFaultProxy } from '@headgate/qa/faults/tcp-proxy.ts'
import OpenAI from 'openai'
import { Agent, EventSource } from 'undici'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { callsOf } from './faults/support/calls-of.ts'
import { ledgerRows } from './faults/support/ledger-rows.ts'
import { readEvents } from './faults/support/read-events.ts'
import { strongSecrets } from './support/configuration.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'
import { redisUrl } from './support/redis.ts'

const messages = [{ role: 'user' as const, content: 'Hello' }]
const patience = { timeout: 15_000, interval: 20 }
const LINGER_MS = 2_000

let database: TestDatabase
let here: House
let there: House
let key: string

beforeAll(async () => {
  database = await freshDatabase()
  const start = (more: object = {}) =>
    startHouse({
      databaseUrl: database.url,
      environment: {
        HEADGATE_ROOT_KEY: strongSecrets[0] as string,
        HEADGATE_REDIS_URL: redisUrl(),
        HEADGATE_RESUME_LINGER_MS: String(LINGER_MS),
        HEADGATE_TIMEOUTS_DRAIN_MS: '500',
      },
      ...more,
    })
  here = await start()
  there = await start({ upstream: here.upstream })
  key = (await here.makeKey()).key
})
afterAll(async () => {
  await there.stop()
  await here.stop()
  await database.drop()
})

interface Asked {
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

const call = (house: House, model: string, { headers, key: own = key }: Asked = {}, signal?: AbortSignal) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages, stream: true }),
    ...(signal && { signal }),
  })
const kept = (house: House, model: string, signal?: AbortSignal) =>
  call(house, model, { headers: { 'x-headgate-resume': 'on' } }, signal)
const streamOf = (answer: Response): string => answer.headers.get('x-headgate-stream') as string

const once = (house: House, id: string, { headers, key: own = key }: Asked = {}, query = '') =>
  fetch(`${house.url}/v1/streams/${id}${query}`, { headers: { authorization: `Bearer ${own}`, ...headers } })
/** On a busy machine another replica learns of a stream a moment later. */
const again = (...parameters: Parameters<typeof once>) =>
  vi.waitFor(async () => {
    const answer = await once(...parameters)
    expect(answer.status).not.toBe(404)
    return answer
  }, patience)
const lastId = (text: string): string => [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '0'
const errorOf = (text: string) =>
  (JSON.parse(/^data: (\{"error".*)$/m.exec(text)?.[1] ?? '{}') as { error?: { code: string; params: object } }).error

/** Reads so many events and breaks the connection. */
const readSome = async (house: House, model: string, count: number, headers: Asked['headers'] = {}) => {
  const leave = new AbortController()
  const answer = await call(house, model, { headers: { 'x-headgate-resume': 'on', ...headers } }, leave.signal)
  let text = ''
  try {
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      if (text.split('\n\n').length > count) leave.abort()
    }
  } catch {
    // It was left.
  }
  const whole = text.slice(0, text.lastIndexOf('\n\n') + 2)
  return { id: streamOf(answer), requestId: answer.headers.get('x-request-id') as string, text: whole }
}

const rowOf = async (requestId: string) => {
  const rows = await vi.waitFor(async () => {
    await Promise.all([here.settled(), there.settled()])
    const found = (await ledgerRows(database.url)).filter(({ request_id }) => request_id === requestId)
    expect(found.length).toBeGreaterThan(0)
    return found
  }, patience)
  expect(rows).toHaveLength(1)
  return rows[0] as (typeof rows)[number]
}

describe('a stream that is kept', () => {
  it('is the same to the official client, and has numbers only where it was asked for', async () => {
    const client = new OpenAI({ apiKey: key, baseURL: `${here.url}/v1`, maxRetries: 0 })
    const { data, response } = await client.chat.completions
      .create(
        { model: 'up/gpt-4o-mini;parts=12', messages, stream: true, stream_options: { include_usage: true } },
        { headers: { 'x-headgate-resume': 'on' } },
      )
      .withResponse()
    let text = ''
    for await (const part of data) text += part.choices[0]?.delta.content ?? ''
    expect(text.trim().split(' ')).toHaveLength(12)
    const again_ = await (await again(there, streamOf(response as unknown as Response))).text()
    expect(readEvents(again_)).toMatchObject({ content: text, done: true })
    const plain = await call(here, 'up/gpt-4o-mini')
    expect(plain.headers.get('x-headgate-stream')).toBeNull()
    expect(await plain.text()).not.toMatch(/^id:/m)
    const wrong = await call(here, 'up/gpt-4o-mini', { headers: { 'x-headgate-resume': 'yes' } })
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({ error: { code: 'invalid_parameter', param: 'x-headgate-resume' } })
  })

  it('goes on where the reader was cut off, on another replica, and is paid once', async () => {
    const cut = await readSome(here, 'up/gpt-4o-mini;parts=60;part-delay=15', 8)
    const [byHeader, byQuery] = await Promise.all([
      again(there, cut.id, { headers: { 'last-event-id': lastId(cut.text) } }),
      again(here, cut.id, {}, `?starting_after=${lastId(cut.text)}`),
    ])
    const rests = await Promise.all([byHeader.text(), byQuery.text()])
    expect(rests[0]).toBe(rests[1])
    const { content, done, parts } = readEvents(cut.text + rests[0])
    expect({ done, parts }).toEqual({ done: true, parts: 60 })
    const [truth] = here.upstream.truthOf(cut.requestId)
    expect(truth).toMatchObject({ outcome: 'complete', produced_tokens: 60 })
    expect(content.trim().split(' ')).toHaveLength(60)
    expect(await rowOf(cut.requestId)).toMatchObject({ outcome: 'complete', output_tokens: '60', estimated: false })

    const over = { headers: { 'last-event-id': lastId(rests[0] as string) } }
    for (const house of [here, there]) {
      const nothing = await again(house, cut.id, over)
      expect({ status: nothing.status, text: await nothing.text() }).toEqual({ status: 204, text: '' })
    }
    const torn = await again(there, cut.id, { headers: { 'last-event-id': '3' } }, '?starting_after=4')
    expect(torn.status).toBe(400)
    const both = await again(there, cut.id, { headers: { 'last-event-id': '61' } }, '?starting_after=61')
    expect(await both.text()).toContain('[DONE]')
    for (const bad of ['x', '-1', '1e3']) {
      const refused = await again(here, cut.id, { headers: { 'last-event-id': bad } })
      expect(await refused.json()).toMatchObject({ error: { code: 'invalid_parameter', param: 'last-event-id' } })
    }
  })

  it('is joined by a retry of the same name, whose reader has left', async () => {
    const name = { 'idempotency-key': 'a-kept-stream' }
    const model = 'up/gpt-4o-mini;parts=40;part-delay=20'
    const cut = await readSome(here, model, 6, name)
    const retry = await call(here, model, { headers: { 'x-headgate-resume': 'on', ...name } })
    expect(retry.headers.get('idempotent-replayed')).toBe('true')
    expect(streamOf(retry)).toBe(cut.id)
    const text = await retry.text()
    expect(text.startsWith(cut.text)).toBe(true)
    expect(readEvents(text)).toMatchObject({ done: true, parts: 40 })
    expect(here.upstream.truth().filter((row) => row.model === model.slice(3))).toHaveLength(1)
    expect(await rowOf(cut.requestId)).toMatchObject({ outcome: 'complete', output_tokens: '40' })
  })

  it('is there for its own key and user alone; others cannot tell it from none', async () => {
    const asAnna = { headers: { 'x-headgate-resume': 'on', 'x-headgate-user': 'anna' } }
    const answer = await call(here, 'up/gpt-4o-mini', asAnna)
    const id = streamOf(answer)
    await answer.text()
    const anna = { headers: { 'x-headgate-user': 'anna' } }
    expect((await again(there, id, anna)).status).toBe(200)
    await here.request('/admin/v1/projects', { body: { id: 'other', name: 'other' } })
    const stranger = (await here.makeKey()).key
    const tenant = (await here.makeKey({ project: 'other' })).key
    const bert = { headers: { 'x-headgate-user': 'bert' } }
    for (const house of [here, there])
      for (const other of [{}, bert, { ...anna, key: stranger }, { ...anna, key: tenant }]) {
        const refused = await once(house, id, other)
        const missing = await once(house, `${id.slice(0, -2)}00`, other)
        const [told, toldOfNone] = [await refused.json(), await missing.json()] as { error: { code: string } }[]
        expect([refused.status, told?.error.code]).toEqual([404, 'stream_not_found'])
        expect(Object.keys(told ?? {})).toEqual(Object.keys(toldOfNone ?? {}))
      }
  })

  it('is kept for browsers unasked, and read by an address alone', async () => {
    const origin = 'https://app.example'
    const browser = (await here.makeKey({ kind: 'publishable', origins: [origin], tier: 'internal' })).key
    const answer = await call(here, 'up/gpt-4o-mini;parts=5', { key: browser, headers: { origin } })
    const text = await answer.text()
    expect(text).toMatch(/^id: 1$/m)
    const id = streamOf(answer)
    const query = `?key=${browser}&starting_after=2`
    const plain = await vi.waitFor(async () => {
      const found = await fetch(`${there.url}/v1/streams/${id}${query}`, { headers: { origin } })
      expect(found.status).toBe(200)
      return found
    }, patience)
    expect(await plain.text()).toBe(text.slice(text.indexOf('id: 3\n')))
    const off = await call(here, 'up/gpt-4o-mini', { key: browser, headers: { origin, 'x-headgate-resume': 'off' } })
    expect(await off.text()).not.toMatch(/^id:/m)
  })

  it('is followed by an EventSource through a broken connection to its end, where it stops', async () => {
    const origin = 'https://app.example'
    const browser = (await here.makeKey({ kind: 'publishable', origins: [origin], tier: 'internal' })).key
    const answer = await call(here, 'up/gpt-4o-mini;parts=40;part-delay=10', { key: browser, headers: { origin } })
    const id = streamOf(answer)
    const known = await again(there, id, { key: browser, headers: { origin } })
    await known.body?.cancel()
    const network = await startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(there.url).port) } })
    network.set({ down: { resetAfter: 4_000 } })
    // A page's browser says by itself where it comes from.
    const dispatcher = new Agent().compose((dispatch) => (options, handler) => {
      const headers = { ...(options.headers as Record<string, string>), origin }
      return dispatch({ ...options, headers }, handler)
    })
    const reader = new EventSource(`${network.url}/v1/streams/${id}?key=${browser}`, {
      node: { dispatcher, reconnectionTime: 50 },
    })
    try {
      const heard: { data: string; id: string }[] = []
      let breaks = 0
      reader.addEventListener('message', ({ data, lastEventId }) =>
        heard.push({ data: data as string, id: lastEventId }),
      )
      reader.addEventListener('error', () => {
        breaks += 1
        network.reset()
      })
      await vi.waitFor(() => expect(reader.readyState).toBe(EventSource.CLOSED), patience)
      expect(breaks).toBeGreaterThanOrEqual(3)
      expect(heard.map(({ data }) => data)).toEqual(readEvents(await answer.text()).data)
      expect(heard.map((event) => event.id)).toEqual(heard.map((_, index) => String(index + 1)))
    } finally {
      reader.close()
      await network.close()
    }
  })

  it('tells a cut of the provider as one error with a cursor, and what came can be read again', async () => {
    const answer = await kept(here, 'up/gpt-4o-mini;parts=20;cut-at-part=7')
    const text = await answer.text()
    expect(readEvents(text)).toMatchObject({ done: false, code: 'upstream_truncated', parts: 7 })
    const cursor = Number(lastId(text)) - 1
    expect(errorOf(text)).toMatchObject({ params: { stream_id: streamOf(answer), cursor } })
    expect(await (await again(there, streamOf(answer))).text()).toBe(text)
    const { outcome } = await rowOf(answer.headers.get('x-request-id') as string)
    expect(outcome).toBe('upstream_cut')
    const failed = await kept(here, 'up/gpt-4o-mini;status=400')
    expect([failed.status, failed.headers.get('x-headgate-stream')]).toEqual([400, null])
  })

  it('is cancelled from another replica, twice', async () => {
    const answer = await kept(here, 'up/gpt-4o-mini;parts=400;part-delay=30')
    const id = streamOf(answer)
    const cancel = (own = key) => there.request(`/v1/streams/${id}/cancel`, { body: {}, key: own })
    const first = (await vi.waitFor(async () => {
      const told = await cancel()
      expect(told.status).toBe(200)
      return told.json()
    }, patience)) as { status: string; last_event_id: number }
    expect(first).toMatchObject({ object: 'stream', id, status: 'cancelled', error: 'stream_cancelled' })
    expect(await (await cancel()).json()).toEqual(first)
    const stranger = (await here.makeKey()).key
    expect((await cancel(stranger)).status).toBe(404)
    expect(readEvents(await answer.text())).toMatchObject({ done: false, code: 'stream_cancelled' })
    const requestId = answer.headers.get('x-request-id') as string
    await vi.waitFor(() => expect(here.upstream.truthOf(requestId)[0]?.outcome).toBe('aborted'), patience)
    expect(await rowOf(requestId)).toMatchObject({ outcome: 'client_gone', estimated: true })
  })

  it('goes on for a while without a reader, then ends', async () => {
    const cut = await readSome(here, 'up/gpt-4o-mini;parts=2000;part-delay=20', 5)
    expect(here.upstream.truthOf(cut.requestId)[0]?.outcome).toBe('open')
    await vi.waitFor(() => expect(here.upstream.truthOf(cut.requestId)[0]?.outcome).toBe('aborted'), patience)
    const text = await (await again(there, cut.id)).text()
    expect(text.startsWith(cut.text)).toBe(true)
    expect(errorOf(text)?.code).toBe('stream_abandoned')
    expect(await rowOf(cut.requestId)).toMatchObject({ outcome: 'client_gone' })
  })

  it('tells readers on every replica that its own is shutting down, with a cursor', async () => {
    const answer = await kept(there, 'up/gpt-4o-mini;parts=2000;part-delay=20')
    const id = streamOf(answer)
    const elsewhere = await again(here, id)
    const open = callsOf(here.upstream).filter(({ outcome }) => outcome === 'open')
    expect(open).toHaveLength(1)
    const [text, other] = await Promise.all([answer.text(), elsewhere.text(), there.stop()])
    expect(errorOf(text)).toMatchObject({ code: 'server_draining', params: { stream_id: id } })
    expect(other).toBe(text)
    expect(await (await again(here, id)).text()).toBe(text)
    there = await startHouse({ databaseUrl: database.url, upstream: here.upstream })
  })
})
