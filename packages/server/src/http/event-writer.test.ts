import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { EventWriter } from './event-writer.ts'

let server: Server
let socket: Socket
afterEach(() => {
  socket.destroy()
  server.closeAllConnections()
  server.close()
})

const open = async (listener: RequestListener): Promise<void> => {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
}

/** What comes back for the requests, until it ends as `end` says or the connection closes. */
const ask = (requests: string, end: string): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    socket.on('data', (data) => {
      text += data.toString()
      if (text.endsWith(end)) resolve(text)
    })
    socket.on('close', () => resolve(text))
    socket.write(requests)
  })

const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4)

const answerTwice: RequestListener = (request, response) => {
  const writer = new EventWriter(response)
  writer.begin({ 'content-type': 'text/event-stream' })
  writer.write(Buffer.from('data: ä\n\n'))
  setImmediate(() => {
    writer.write(Buffer.alloc(300, 'x'))
    setImmediate(() => writer.end(request.url === '/last' ? 'data: [DONE]\n\n' : undefined))
  })
}

test('pieces are chunks, and the connection serves the next request, also one that waited for its turn', async () => {
  await open(answerTwice)
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  const text = await ask(get('/first') + get('/last'), 'data: [DONE]\n\n\r\n0\r\n\r\n')
  const [, first = '', last = ''] = text.split('HTTP/1.1 200 OK\r\n')
  const chunks = `a\r\ndata: ä\n\n\r\n12c\r\n${'x'.repeat(300)}\r\n`
  expect(bodyOf(first)).toBe(`${chunks}0\r\n\r\n`)
  expect(bodyOf(last)).toBe(`${chunks}e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n`)
  expect(first.match(/transfer-encoding: chunked/gi)).toHaveLength(1)
})

test('HTTP/1.0 gets the bytes alone, and the end of the connection as their end', async () => {
  await open(answerTwice)
  const text = await ask('GET /last HTTP/1.0\r\n\r\n', 'never')
  expect(bodyOf(text)).toBe(`data: ä\n\n${'x'.repeat(300)}data: [DONE]\n\n`)
  expect(text).not.toMatch(/transfer-encoding/i)
})

test('a reader that is behind is told of, and again when it has caught up', async () => {
  const { promise: behind, resolve: isBehind } = Promise.withResolvers<void>()
  const { promise: drained, resolve: isDrained } = Promise.withResolvers<void>()
  await open((_request, response) => {
    const writer = new EventWriter(response)
    writer.begin({})
    const piece = Buffer.alloc(65_536, 'x')
    const fill = () => {
      if (writer.write(piece, isDrained)) setImmediate(fill)
      else isBehind()
    }
    fill()
  })
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await behind
  socket.resume()
  await drained
})

test.each(['ends', 'is closed'])(
  'an answer that %s while its reader is behind leaves no listener on the socket',
  async (how) => {
    const { promise, resolve } = Promise.withResolvers<[before: number, during: number, after: number]>()
    await open((request, response) => {
      const writer = new EventWriter(response)
      const listeners = () => request.socket.listenerCount('drain')
      const before = listeners()
      writer.begin({})
      // The first piece takes the headers along; what follows goes to the socket itself.
      writer.write(Buffer.from('first'))
      const piece = Buffer.alloc(65_536, 'x')
      const fill = () => {
        if (writer.write(piece, () => {})) {
          setImmediate(fill)
          return
        }
        for (let more = 0; more < 3; more++) writer.write(piece, () => {})
        const during = listeners()
        const done = () => resolve([before, during, listeners()])
        if (how === 'ends') {
          writer.end()
          done()
        } else {
          response.on('close', done)
          response.destroy()
        }
      }
      fill()
    })
    socket.on('error', () => {})
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [before, during, after] = await promise
    expect([during, after]).toEqual([before + 1, before])
  },
)
