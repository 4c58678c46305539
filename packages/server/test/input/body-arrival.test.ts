import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type * as Server from '../../src/http/server.ts'
import type { Route } from '../../src/kernel/route.ts'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { expectError, expectFetchedError } from './error-shape.ts'
import { requestText, talk } from './raw.ts'

const mounted = vi.hoisted(() => ({ routes: [] as readonly Route[] }))
vi.mock('../../src/http/server.ts', async (original) => {
  const real = await original<typeof Server>()
  return {
    ...real,
    createServer: (options: Parameters<typeof real.createServer>[0]) => {
      mounted.routes = options.routes
      return real.createServer({ ...options, arrival: { headersMs: 400, requestMs: 800, checkMs: 100 } })
    },
  }
})

const INFERENCE_LIMIT = 1_200_000
let house: House
let key: string

beforeAll(async () => {
  const forms = { HEADGATE_MEDIA_MAX_IMAGE_BYTES: '200000', HEADGATE_MEDIA_MAX_AUDIO_BYTES: '100000' }
  const files = { HEADGATE_PROVENANCE_MAX_FILE_BYTES: '100000' }
  house = await startHouse({ environment: { HEADGATE_BODY_MAX_BYTES: String(INFERENCE_LIMIT), ...forms, ...files } })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

const withBody = () => mounted.routes.filter(({ body }) => body !== undefined && body !== 'stream')
const limitOf = ({ maxBodyBytes = 65_536 }: Route) => maxBodyBytes
const pathOf = ({ path }: Route) => path.replace(/:\w+/g, 'AAAAAAAAAAAA')
const credentialOf = ({ access }: Route) => `Bearer ${access === 'admin' ? adminKey : key}`
const typeOf = ({ body }: Route) => (body === 'form' ? 'multipart/form-data; boundary=x' : 'application/json')
const send = (route: Route, body: string | ReadableStream, headers: Record<string, string> = {}) =>
  fetch(house.url + pathOf(route), {
    method: route.method,
    headers: { authorization: credentialOf(route), 'content-type': typeOf(route), ...headers },
    body,
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  } as RequestInit)
const line = (route: Route) => `${route.method} ${pathOf(route)}`
const chatBody = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] })
const chatHead = () => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })
const chatLine = 'POST /v1/chat/completions'
const modelsRequest = () => requestText('GET /v1/models', { authorization: `Bearer ${key}` })

describe('the size of a body', () => {
  it('is limited on every route that takes one', async () => {
    expect(withBody().length).toBeGreaterThanOrEqual(6)
    for (const route of withBody()) {
      const limit = limitOf(route)
      const error = await expectFetchedError(await send(route, ' '.repeat(limit + 1)), 'request_too_large')
      expect(error.params, line(route)).toEqual({ limit_bytes: limit })
      const fitting = await send(route, ' '.repeat(limit))
      await expectFetchedError(fitting, route.body === 'form' ? 'invalid_multipart' : 'invalid_json')
    }
  })

  it('is refused by its announcement, before anything of it is read', async () => {
    for (const route of withBody()) {
      const head = { authorization: credentialOf(route), 'content-type': typeOf(route) }
      const { answers, firstByte } = await talk(
        house.url,
        requestText(line(route), { ...head, 'content-length': '999999999999' }),
        { answers: 1 },
      )
      expectError(answers[0]!, 'request_too_large')
      expect(answers[0]?.headers.get('connection')).toBe('close')
      expect(firstByte).toBeLessThan(300)
    }
  })

  it('is refused in mid-stream when it was not announced', async () => {
    for (const route of withBody()) {
      let sent = 0
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 65_536
          controller.enqueue(new Uint8Array(65_536).fill(0x20))
        },
      })
      const error = await expectFetchedError(await send(route, endless), 'request_too_large')
      expect(error.params).toEqual({ limit_bytes: limitOf(route) })
      expect(sent, 'bytes that were taken').toBeLessThan(limitOf(route) + 20_000_000)
    }
  })

  it('reaches a caller who sends everything before listening', async () => {
    const body = Buffer.alloc(INFERENCE_LIMIT * 2, 0x20)
    for (const framing of [{}, { 'transfer-encoding': 'chunked' }]) {
      const { answers, ending } = await talk(house.url, (socket) => {
        if ('transfer-encoding' in framing) {
          socket.write(requestText(chatLine, { ...chatHead(), ...framing }))
          socket.write(`${body.length.toString(16)}\r\n`)
          socket.write(body)
          socket.write('\r\n0\r\n\r\n')
        } else socket.write(requestText(chatLine, chatHead(), body))
      })
      expectError(answers[0]!, 'request_too_large')
      expect(ending).toBe('closed')
    }
  })

  it('is asked for only when the caller may send it (Expect: 100-continue)', async () => {
    const expecting = { ...chatHead(), expect: '100-continue' }
    const huge = await talk(house.url, requestText(chatLine, { ...expecting, 'content-length': '99999999' }), {
      answers: 1,
    })
    expectError(huge.answers[0]!, 'request_too_large')
    const stranger = { ...expecting, authorization: 'Bearer nobody', 'content-length': '100' }
    const unknown = await talk(house.url, requestText(chatLine, stranger), { answers: 1 })
    expectError(unknown.answers[0]!, 'invalid_api_key')
    const fine = await talk(
      house.url,
      (socket) => {
        socket.write(requestText(chatLine, { ...expecting, 'content-length': String(chatBody.length) }))
        socket.once('data', () => socket.write(chatBody))
      },
      { answers: 2 },
    )
    expect(fine.answers.map(({ status }) => status)).toEqual([100, 200])
    const odd = await talk(house.url, requestText(chatLine, { ...chatHead(), expect: 'miracles' }), { answers: 1 })
    expectError(odd.answers[0]!, 'bad_http')
  })
})

describe('the time of a body', () => {
  it('counts as time that was not spent at a provider', async () => {
    const { answers } = await talk(
      house.url,
      (socket) => {
        socket.write(requestText(chatLine, { ...chatHead(), 'content-length': String(chatBody.length) }))
        setTimeout(() => socket.write(chatBody), 300)
      },
      { answers: 1 },
    )
    expect(answers[0]?.status).toBe(200)
    expect(Number(answers[0]?.headers.get('x-headgate-overhead-ms'))).toBeGreaterThan(250)
  })
})

describe('the type of a body', () => {
  const wrong: readonly Record<string, string>[] = [
    { 'content-type': 'multipart/form-data; boundary=x' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/jsonp' },
    { 'content-type': 'application/json; charset=utf-16' },
    { 'content-type': 'application/json; charset=iso-8859-1' },
    { 'content-type': 'text/json' },
    { 'content-type': 'application/xml' },
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'br' },
    { 'content-encoding': 'zstd' },
    { 'content-encoding': 'deflate' },
    { 'content-encoding': 'gzip, identity' },
  ]
  const right: readonly Record<string, string>[] = [
    { 'content-type': 'application/json; charset=utf-8' },
    { 'content-type': 'application/json;charset="UTF-8"' },
    { 'content-type': 'Application/JSON' },
    { 'content-type': 'application/merge-patch+json' },
    { 'content-encoding': 'identity' },
  ]
  it('is JSON in UTF-8 on every route, or a form where files are taken, and nothing else', async () => {
    for (const route of withBody()) {
      const isForm = route.body === 'form'
      const [taken, refused] = isForm ? [wrong.slice(0, 1), right.slice(0, 4)] : [right, wrong]
      for (const headers of [...refused, ...wrong.slice(1)])
        await expectFetchedError(await send(route, '{', headers), 'unsupported_media_type')
      for (const headers of taken)
        await expectFetchedError(await send(route, '{', headers), isForm ? 'invalid_multipart' : 'invalid_json')
    }
  })
})

describe('a false length', () => {
  it('too long: closed in bounded time, told so, and nobody else waits', async () => {
    const stalled = Array.from({ length: 30 }, () =>
      talk(
        house.url,
        requestText(chatLine, { ...chatHead(), 'content-length': String(chatBody.length + 50) }, chatBody),
      ),
    )
    expect((await house.request('/v1/models', { key })).status).toBe(200)
    for (const { answers, ending, lasted } of await Promise.all(stalled)) {
      expectError(answers[0]!, 'request_timeout')
      expect(ending).toBe('closed')
      expect(lasted).toBeLessThan(4_000)
    }
  })

  it('too short: the rest is not taken for a request of its own', async () => {
    const smuggled = 'GET /v1/usage HTTP/1.1\r\nhost: localhost\r\n\r\n'
    const head = { ...chatHead(), 'content-length': String(chatBody.length) }
    const { answers } = await talk(house.url, requestText(chatLine, head, `${chatBody}}}garbage\r\n\r\n`))
    // Garbage that comes while the call is still under way ends the call with it.
    expectError(answers.at(-1)!, 'bad_http')
    expect(answers.length).toBeLessThanOrEqual(2)
    const pipelined = await talk(house.url, requestText(chatLine, head, chatBody + smuggled), { answers: 2 })
    expectError(pipelined.answers[1]!, 'api_key_missing')
  })

  it('of a refused body: what follows on the connection is understood', async () => {
    const refused = requestText(chatLine, { ...chatHead(), authorization: 'Bearer nobody' }, chatBody)
    const { answers } = await talk(house.url, Buffer.concat([refused, modelsRequest()]), { answers: 2 })
    expect(answers.map(({ status }) => status)).toEqual([401, 200])
  })

  it('two of them, or both framings: refused', async () => {
    const requests = [
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1e3\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length : 5\r\n\r\nhello',
      'POST /v1/chat/completions HTTP/1.1\nhost: x\ncontent-length: 0\n\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\na: b\r\n folded\r\n\r\n',
    ]
    for (const request of requests) {
      const { answers } = await talk(house.url, request + modelsRequest().toString('latin1'))
      expect(answers, request).toHaveLength(1)
      expectError(answers[0]!, 'bad_http')
    }
  })
})

describe('a slow caller', () => {
  it('is closed while it dribbles headers, or says nothing at all', async () => {
    const dribbling = Array.from({ length: 20 }, () =>
      talk(house.url, (socket) => {
        socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n')
        const timer = setInterval(() => socket.write('x-a: b\r\n'), 100)
        socket.on('close', () => clearInterval(timer))
      }),
    )
    const silent = Array.from({ length: 20 }, () => talk(house.url, ''))
    expect((await house.request('/v1/models', { key })).status).toBe(200)
    for (const { answers, ending, lasted } of await Promise.all([...dribbling, ...silent])) {
      expectError(answers[0]!, 'request_timeout')
      expect(ending).toBe('closed')
      expect(lasted).toBeLessThan(4_000)
    }
  })

  it('is closed while it dribbles a body, known or not', async () => {
    const slow = ['Bearer nobody', `Bearer ${key}`].flatMap((authorization) =>
      Array.from({ length: 10 }, () =>
        talk(house.url, (socket) => {
          socket.on('error', () => {})
          socket.write(requestText(chatLine, { ...chatHead(), authorization, 'content-length': '500' }))
          const timer = setInterval(() => socket.write(' '), 100)
          socket.on('close', () => clearInterval(timer))
        }),
      ),
    )
    for (const { answers, ending, lasted } of await Promise.all(slow)) {
      expectError(answers[0]!, ['request_timeout', 'invalid_api_key'])
      expect(ending).not.toBe('open')
      expect(lasted).toBeLessThan(4_500)
    }
  })

  it('that does not hang up is hung up on', async () => {
    const socket = connect({ port: Number(new URL(house.url).port), host: '127.0.0.1', allowHalfOpen: true })
    socket.resume()
    socket.write(requestText(chatLine, { ...chatHead(), 'content-length': '500' }, '{"model"'))
    await once(socket, 'end')
    const dribble = setInterval(() => socket.write(' '), 50)
    const fault = await Promise.race([
      once(socket, 'error'),
      new Promise((resolve) => setTimeout(resolve, 3_000, 'open')),
    ])
    clearInterval(dribble)
    socket.destroy()
    expect(fault).not.toBe('open')
  })

  it('that goes away leaves nothing behind', async () => {
    const left = Array.from({ length: 20 }, () =>
      talk(
        house.url,
        (socket) => {
          socket.write(requestText(chatLine, { ...chatHead(), 'content-length': '500' }, '{"model"'))
          setTimeout(() => socket.destroy(), 50)
        },
        { patience: 200 },
      ),
    )
    await Promise.all(left)
    const metrics = await (await house.request('/metrics')).text()
    expect(metrics).not.toMatch(/code="internal_error"/)
  })
})
