import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const part = (text: string) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`

/** Models of the tactless provider: each a way of failing. */
export const tactlessModels = [
  ...['400', '401', '402', '403', '404', '408', '413', '429', '500', '503', '504', '529'],
  ...[
    'page',
    'error-200',
    'text',
    'first-event',
    'later-event',
    'named-event',
    'bare-event',
    'cut',
    'redirect',
    'gone',
  ],
] as const

/** Says back what it was told in confidence, and what it was asked, in every way of failing. */
const answerWith = (request: IncomingMessage, response: ServerResponse, model: string, asked: string): void => {
  const told = `Incorrect key: ${request.headers.authorization}, ${String(request.headers['x-own'])} ${asked}`
  const body = JSON.stringify({ error: { message: told, type: told, code: told, param: told } })
  const asError = (status: number) => response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  const stream = () => response.writeHead(200, { 'content-type': 'text/event-stream', 'x-echo': encodeURI(told) })
  if (/^\d+$/.test(model)) return void asError(Number(model))
  switch (model) {
    case 'page':
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(`<h1>${told}</h1>`)
    case 'error-200':
      return void asError(200)
    case 'text':
      return void response.writeHead(500, { 'content-type': 'text/plain', 'retry-after': encodeURI(told) }).end(told)
    case 'first-event':
      return void stream().end(`data: ${body}\n\n`)
    case 'later-event':
      return void stream().end(`${part('one')}data: ${body}\n\n`)
    case 'named-event':
      return void stream().end(`${part('one')}event: error\ndata: ${body}\n\n`)
    case 'bare-event':
      return void stream().end(`${part('one')}data: ${JSON.stringify({ error: told })}\n\n`)
    case 'cut':
      stream().write(part('one'))
      return void setTimeout(() => request.socket.resetAndDestroy(), 30)
    case 'redirect':
      return void response.writeHead(302, { location: `http://127.0.0.1:1/?key=${encodeURI(told)}` }).end()
    case 'hang':
      return
    case 'context':
      return void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { message: told, code: 'context_length_exceeded' } }))
    case 'policy':
      return void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { message: told, code: 'content_policy_violation' } }))
    case 'huge':
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(told.repeat(20_000))
    default:
      return void response.destroy()
  }
}

/** A running tactless provider. */
export interface TactlessProvider {
  readonly url: string
  readonly close: () => Promise<void>
}

/** Starts it on a free port. */
export const startTactlessProvider = async (): Promise<TactlessProvider> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (bytes: Buffer) => chunks.push(bytes))
    request.on('end', () => {
      if (request.method === 'GET') return answerWith(request, response, '500', '')
      const asked = Buffer.concat(chunks).toString()
      const { model, messages } = JSON.parse(asked) as { model: string; messages: unknown }
      answerWith(request, response, model, JSON.stringify(messages))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
