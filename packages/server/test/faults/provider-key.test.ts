import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type Answer, ask, type Door } from './support/ask.ts'
import { type GatewayProcess, startGateway } from './support/gateway-process.ts'
import { dumpDatabase } from './support/ledger-rows.ts'
import { pause } from './support/load.ts'

// No pattern knows these: only who holds the secret can tell that it is one.
const canary = 'quiet zebra lamp'.replaceAll(' ', '.')
const headerCanary = 'amber/fox~tree'

let server: Server
let database: TestDatabase
let gateway: GatewayProcess
const answers: Answer[] = []

const part = (text: string) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`

/** A provider that says back what it was told in confidence, in every way of failing. */
const tactless = (request: IncomingMessage, response: ServerResponse, model: string): void => {
  const told = `Incorrect key: ${request.headers.authorization}, ${String(request.headers['x-own'])}`
  const body = JSON.stringify({ error: { message: told, type: told, code: told, param: told } })
  const asError = (status: number) => response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  const stream = () => response.writeHead(200, { 'content-type': 'text/event-stream', 'x-echo': told })
  if (/^\d+$/.test(model)) return void asError(Number(model))
  switch (model) {
    case 'page':
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(`<h1>${told}</h1>`)
    case 'error-200':
      return void asError(200)
    case 'text':
      return void response.writeHead(500, { 'content-type': 'text/plain', 'retry-after': told }).end(told)
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
      return void response.writeHead(302, { location: `http://127.0.0.1:1/?key=${told}` }).end()
    default:
      return void response.destroy()
  }
}

const models = [
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
]

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (bytes: Buffer) => chunks.push(bytes))
    request.on('end', () => {
      if (request.method === 'GET') tactless(request, response, '500')
      else tactless(request, response, (JSON.parse(Buffer.concat(chunks).toString()) as { model: string }).model)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  database = await freshDatabase()
  const provider = { kind: 'openai', base_url: `${url}/v1`, api_key: canary, headers: { 'x-own': headerCanary } }
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: url,
    environment: {
      HEADGATE_LOG_LEVEL: 'trace',
      HEADGATE_PROVIDERS: JSON.stringify({
        up: provider,
        away: { ...provider, base_url: 'http://127.0.0.1:1/v1' },
      }),
    },
  })
  const door: Door = { url: gateway.url, key: (await gateway.makeKey()).key }
  for (const model of models)
    for (const stream of [true, false]) answers.push(await ask(door, `up/${model}`, { stream }))
  for (const stream of [true, false]) answers.push(await ask(door, 'away/any', { stream }))
  answers.push(await ask({ ...door, key: canary }, 'up/401'))
  for (const path of ['/v1/models', '/v1/usage', '/metrics', '/readyz', '/openapi.json'])
    gathered.push(await (await gateway.request(path, { key: door.key })).text())
  await pause(500)
})
afterAll(async () => {
  await gateway.kill()
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
  await database.drop()
})

const gathered: string[] = []

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

const expectClean = (place: string, text: string) => {
  for (const secret of [canary, headerCanary]) {
    expect(
      text.includes(secret),
      `${secret} in ${place}: …${text.slice(Math.max(0, text.indexOf(secret) - 200))}`,
    ).toBe(false)
    expect(text.includes(encodeURIComponent(secret)), `${secret}, encoded, in ${place}`).toBe(false)
  }
}

describe('what is sent to a provider in confidence', () => {
  it('comes back in no answer and no header', () => {
    expect(answers).toHaveLength(models.length * 2 + 3)
    for (const answer of answers) {
      expectClean(answer.requestId, answer.text)
      expectClean(`headers of ${answer.requestId}`, JSON.stringify([...answer.headers]))
    }
    for (const text of gathered) expectClean('a page', text)
  })

  it('reached the provider, and its failures reached the caller', () => {
    for (const answer of answers) expect(answer.done).toBe(false)
    const later = answers.filter(({ status, code }) => status === 200 && code === 'upstream_error')
    expect(later.length).toBeGreaterThanOrEqual(3)
    for (const { text } of later) expect(text).toContain('***')
  })

  it('stands in no log line', () => {
    expect(gateway.output()).toContain('Request refused or failed')
    expectClean('the log', gateway.output())
  })

  it('stands in no table', async () => {
    const dump = await dumpDatabase(database.url)
    expect(dump).toContain('ledger_entries')
    expectClean('the database', dump)
  })

  it('stands in no file of the data folder', () => {
    const files = filesUnder(gateway.dataDirectory)
    expect(files.some((path) => path.includes('journal'))).toBe(true)
    for (const path of files) expectClean(path, readFileSync(path, 'latin1'))
  })
})
