import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestText, talk } from '../input/raw.ts'
import { freshDatabase } from '../support/database.ts'
import { adminKey } from '../support/house.ts'
import { type GatewayProcess, logLines, startGateway } from './support/gateway-process.ts'
import { until } from './support/load.ts'

const forged = '{"level":"error","time":"2026-01-01T00:00:00.000Z","message":"forged"}'
/** What would end a line, colour a terminal or hide text: CR, LF, ANSI, C1, NUL, line separators, direction marks. */
const poisons = [
  `\r\n${forged}\r\n`,
  `\n${forged}\n`,
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  '\u009b31mred',
  '\u0000\b\u007f',
  `\u2028${forged}\u2029`,
  '\u202egnp.exe',
]
const chatPath = '/v1/chat/completions'

let upstream: Upstream
let database: Awaited<ReturnType<typeof freshDatabase>>
let gateway: GatewayProcess
let key: string
beforeAll(async () => {
  upstream = await startUpstream()
  database = await freshDatabase()
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    // The first of a page of one address would be refused by its limit.
    environment: { HEADGATE_LIMITS_PER_IP_RATE_PER_MINUTE: '1000000', HEADGATE_LIMITS_PER_IP_BURST: '100000' },
  })
  key = (await gateway.makeKey()).key
})
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

const lines = () => gateway.output().split('\n')
/** Lines of requests that were answered, refused or failed: one for each. */
const requestLines = () => lines().filter((line) => line.startsWith('{') && line.includes('"duration_ms"'))

/** Sends what `ask` sends, and waits for the lines of so many requests. */
const expectLines = async (count: number, ask: () => Promise<void>) => {
  await until('the log is quiet', async () => {
    const before = gateway.output().length
    await new Promise((resolve) => setTimeout(resolve, 300))
    return gateway.output().length === before
  })
  const before = requestLines().length
  await ask()
  await until('every request has its line', () => requestLines().length >= before + count)
  expect(requestLines().length - before).toBe(count)
}

const send = async (path: string, body: unknown, credential = key) => {
  const answer = await gateway.request(path, { body, key: credential })
  await answer.text()
}

it('bodies, paths and words of providers end no line and forge none', async () => {
  const words = (text: string) =>
    `up/gpt-4o;status=400;body=${encodeURIComponent(JSON.stringify({ error: { message: text } }))}`
  const messages = [{ role: 'user', content: poisons.join('') }]
  await expectLines(poisons.length * 8, async () => {
    for (const poison of poisons) {
      await send(chatPath, { model: `nobody${poison}`, messages })
      await send(chatPath, { model: `up/nobody${poison.replaceAll('/', '')};status=500`, messages })
      await send(chatPath, { model: words(poison), messages })
      await send(chatPath, { model: words(poison), messages, stream: true })
      await send(chatPath, { model: 'demo', messages, [poison]: poison, user: poison })
      await send(`/v1/models/${encodeURIComponent(poison)}`, undefined)
      await send('/admin/v1/keys', { name: poison, tier: poison, [poison]: 1 }, adminKey)
      await send(`/v1/${encodeURIComponent(poison)}?a=${encodeURIComponent(poison)}`, undefined)
    }
  })
})

it('headers end no line and forge none, whether HTTP takes them or not', async () => {
  const names = [
    'user-agent',
    'x-request-id',
    'x-headgate-user',
    'origin',
    'referer',
    'traceparent',
    'tracestate',
    'x-forwarded-for',
    'authorization',
  ]
  // What Node.js itself refuses to read as HTTP never becomes a request.
  const readable = poisons.filter((poison) => !/[\u0007\b\u001b]/.test(poison))
  await expectLines(names.length * readable.length, async () => {
    for (const name of names)
      for (const poison of poisons) {
        // As percent-encoded, as bytes of UTF-8 where HTTP carries them; a bare control character is refused by the parser.
        const bytes = Buffer.from(poison.replace(/[\r\n\0]/g, encodeURIComponent)).toString('latin1')
        const { answers } = await talk(
          gateway.url,
          requestText('GET /v1/models', { authorization: `Bearer ${key}`, [name]: bytes, connection: 'close' }),
        )
        expect(answers).toHaveLength(1)
        expect(answers[0]?.status === 400 && /bad_http/.test(answers[0].text), poison).toBe(!readable.includes(poison))
      }
  })
})

it('a user agent of 1 MB is refused, and is in no line', async () => {
  const { answers } = await talk(gateway.url, requestText('GET /livez', { 'user-agent': 'a'.repeat(1_048_576) }), {
    answers: 1,
  })
  expect(answers[0]?.status).toBe(400)
  expect((await fetch(`${gateway.url}/livez`, { headers: { 'user-agent': 'b'.repeat(12_000) } })).status).toBe(200)
  expect(lines().filter((line) => /aaaaaaaa|bbbbbbbb/.test(line))).toEqual([])
})

it('every line is one JSON object with a level, a time and a message, and holds no control character', async () => {
  const ended = gateway.ended
  gateway.signal('SIGTERM')
  expect(await ended).toBe(0)
  const json = logLines(gateway.output())
  expect(json.length).toBeGreaterThan(100)
  for (const line of json) {
    expect(JSON.parse(line), line).toMatchObject({
      level: expect.stringMatching(/^(debug|info|warn|error)$/) as string,
      time: expect.stringMatching(/^\d{4}-/) as string,
      message: expect.any(String) as string,
    })
    expect((JSON.parse(line) as { message: string }).message).not.toBe('forged')
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
  }
})
