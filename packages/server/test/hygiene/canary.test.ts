import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { startFaultProxy, type FaultProxy } from '@headgate/qa/faults/tcp-proxy.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatewayProcess, startGateway } from '../faults/support/gateway-process.ts'
import { dumpDatabase, queryDatabase } from '../faults/support/ledger-rows.ts'
import { until } from '../faults/support/load.ts'
import { startTactlessProvider, type TactlessProvider, tactlessModels } from '../faults/support/tactless-provider.ts'
import { requestText, talk } from '../input/raw.ts'
import { startPostgres, startRedis, temporaryDirectory, type TestService } from '../support/services.ts'
import { canaries, leaksIn, type Sink } from './support/canaries.ts'

/** Codes that do not come here, and why. */
const notAsked = [
  // Needs a broken disk, which faults/disk-full.test.ts has.
  'journal_unavailable',
  // Is written to the log only.
  'client_closed_request',
  // Rules of addresses would refuse every call of this test.
  'address_denied',
  'country_denied',
  // Comes with limits of tokens, which no tier of this test has.
  'request_exceeds_limit',
]
const saboteur = fileURLToPath(new URL('support/saboteur.ts', import.meta.url))
const program = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

let postgres: TestService
let redis: TestService
let provider: TactlessProvider
let databaseWire: FaultProxy
let folder: string
let gateway: GatewayProcess
let own = ''
const sinks: Sink[] = []
const codes = new Set<string>()
const apiKeys: string[] = []

const withPassword = (url: string, password: string, port?: number): string => {
  const address = new URL(url)
  address.password = password
  if (port !== undefined) address.port = String(port)
  return address.href
}

const setting = () => {
  const up = {
    kind: 'openai',
    base_url: `${provider.url}/v1`,
    api_key: canaries.providerKey,
    headers: { 'x-own': canaries.providerHeader },
    timeouts: { first_byte_ms: 1_000, total_ms: 5_000 },
  }
  return {
    HEADGATE_LOG_LEVEL: 'trace',
    HEADGATE_ADMIN_KEY: canaries.adminKey,
    HEADGATE_ROOT_KEY: canaries.rootKey,
    HEADGATE_COUNTERS: 'redis',
    HEADGATE_REDIS_URL: `redis://:${canaries.redisPassword}@127.0.0.1:${redis.port}`,
    HEADGATE_UPSTREAM_MAX_RESPONSE_BYTES: '1000000',
    HEADGATE_TIERS: JSON.stringify({ tight: { requests: { rate_per_minute: 1, burst: 1 } } }),
    HEADGATE_PROVIDERS: JSON.stringify({
      up,
      claude: { ...up, kind: 'anthropic' },
      away: { ...up, base_url: 'http://127.0.0.1:1/v1' },
    }),
    HEADGATE_MODELS: JSON.stringify({ 'up/priced': { price: { input: '1', output: '2' } } }),
    NODE_OPTIONS: `--import=${saboteur}`,
    SABOTAGE_WORDS: `${canaries.providerKey} ${canaries.adminKey} ${canaries.rootKey} ${own}`,
  }
}

const start = (more: Record<string, string> = {}) =>
  startGateway({
    databaseUrl: withPassword(postgres.url, canaries.databasePassword, databaseWire.port),
    upstreamUrl: provider.url,
    environment: { ...setting(), ...more },
  })

const hear = async (place: string, answer: Response): Promise<void> => {
  const text = await answer.text().catch(() => '')
  const found = /"code":\s*"([a-z_]+)"/.exec(text)?.[1]
  if (found !== undefined) codes.add(found)
  sinks.push({ place: `the answer of ${place}`, text, isCallers: true })
  sinks.push({ place: `the headers of ${place}`, text: JSON.stringify([...answer.headers]) })
}

interface Ask {
  readonly key?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}
/** Asks a path with planted query and headers. */
const send = async (path: string, body?: unknown, { key = own, method, headers = {} }: Ask = {}): Promise<void> => {
  // Operators' routes refuse a query that they do not know before they do anything.
  const query = path.startsWith('/admin') ? '' : `?token=${canaries.query}`
  const answer = await fetch(gateway.url + path + query, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key !== '' && { authorization: `Bearer ${key}` }),
      'content-type': 'application/json',
      'x-own-secret': canaries.callerHeader,
      cookie: `session=${canaries.callerHeader}`,
      ...headers,
    },
    ...(body !== undefined && {
      body: body instanceof Buffer || typeof body === 'string' ? (body as string) : JSON.stringify(body),
    }),
  })
  await hear(`${path} ${codes.size}`, answer)
}
const chat = '/v1/chat/completions'
const prompt = (model: string, more: object = {}) => ({
  model,
  messages: [
    { role: 'user', content: `${canaries.prompt} ${canaries.email}` },
    {
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: canaries.toolArguments } }],
    },
  ],
  ...more,
})
const makeKey = async (fields: object): Promise<{ id: string; key: string }> => {
  const answer = await gateway.request('/admin/v1/keys', {
    key: canaries.adminKey,
    body: { name: 'k', tier: 'internal', ...fields },
  })
  const made = (await answer.json()) as { id: string; key: string }
  apiKeys.push(made.key)
  return made
}

const badRequests = async (): Promise<void> => {
  const words = canaries.prompt
  await send(chat, `{"model": "demo", "messages": [${words}`)
  await send(chat, `{"model": "demo", "model": "${words}", "messages": []}`)
  await send(chat, `{"model": "demo", "messages": ${'['.repeat(80)}"${words}"${']'.repeat(80)}}`)
  await send(chat, Buffer.concat([Buffer.from(`{"model": "demo", "messages": ["${words}`), Buffer.from([0xff])]))
  await send(chat, { messages: [{ role: 'user', content: words }] })
  await send(chat, { model: 'demo', messages: [], metadata: { words } })
  await send('/v1/embeddings', { model: 'demo', input: '' })
  await send(chat, prompt('demo', { temperature: words }))
  await send(chat, prompt('demo', { max_tokens: -1 }))
  await send(chat, prompt('no-such-model'))
  await send(chat, prompt('claude/any', { modalities: ['audio'] }))
  await writeFile(
    join(gateway.dataDirectory, '../headgate.yaml'),
    `admin_key: [${canaries.file}]\nprot: ${canaries.file}\n`,
  )
  await send('/admin/v1/config/reload', {}, { key: canaries.adminKey })
  await send(chat, prompt('up/text-embedding-3-small'))
  await send(chat, prompt('demo'), { headers: { 'content-type': `text/plain; x=${canaries.callerHeader}` } })
  await send(`/v1/${encodeURIComponent(canaries.query)}`)
  await send(chat, undefined, { method: 'PUT' })
  await send(`/v1/usage/${encodeURIComponent(canaries.query)}`)
  await send(
    '/admin/v1/keys',
    { name: 'x', [canaries.query.slice(0, 4)]: canaries.callerHeader },
    { key: canaries.adminKey },
  )
  await send('/admin/v1/projects', { name: 'x'.repeat(300_000) + words }, { key: canaries.adminKey })
  const raw = await talk(gateway.url, requestText(`GET /${canaries.query}`, { 'x-bad\u0001': canaries.callerHeader }))
  for (const { text } of raw.answers) await hear('a malformed request', new Response(text))
}

/** A body that never comes whole. */
const slowRequest = async (): Promise<void> => {
  const slow = await talk(
    gateway.url,
    requestText(
      `POST ${chat}`,
      { authorization: `Bearer ${own}`, 'content-type': 'application/json', 'content-length': '999' },
      canaries.prompt,
    ),
    { patience: 90_000, answers: 1 },
  )
  for (const { text } of slow.answers) await hear('a slow request', new Response(text))
}

const badKeys = async (): Promise<void> => {
  const page = 'https://app.example.org'
  await send(chat, prompt('demo'), { key: '' })
  await send(chat, prompt('demo'), { key: canaries.strangersKey })
  await send(chat, prompt('demo'), { key: `${own.slice(0, -1)}${own.endsWith('0') ? '1' : '0'}` })
  await send('/admin/v1/keys', undefined, { key: own })
  await send('/admin/v1/keys', undefined, { key: canaries.strangersKey })
  const revoked = await makeKey({})
  await gateway.request(`/admin/v1/keys/${revoked.id}/revoke`, { key: canaries.adminKey, body: {} })
  await send(chat, prompt('demo'), { key: revoked.key })
  const expiring = await makeKey({ expires_at: new Date(Date.now() + 1_500).toISOString() })
  const browser = await makeKey({ kind: 'publishable', origins: [page] })
  await send(chat, prompt('demo'), { key: browser.key, headers: { origin: 'https://elsewhere.example.org' } })
  await send('/v1/usage', undefined, { key: browser.key, headers: { origin: page } })
  await send(chat, prompt('up/priced'), { key: (await makeKey({ models: ['demo'] })).key })
  const tight = await makeKey({ tier: 'tight' })
  for (let count = 0; count < 3; count++) await send(chat, prompt('demo'), { key: tight.key })
  const poor = await makeKey({ budget: { limit_usd: '0.000000001', window: 'total' } })
  await send(chat, prompt('up/priced'), { key: poor.key })
  await send(chat, prompt('up/unpriced'), { key: poor.key })
  await new Promise((resolve) => setTimeout(resolve, 1_600))
  await send(chat, prompt('demo'), { key: expiring.key })
}

const badProviders = async (): Promise<void> => {
  const stored = {
    name: 'stored',
    base_url: `${provider.url}/v1`,
    api_key: canaries.storedKey,
    headers: { 'x-own': canaries.providerHeader },
  }
  await send('/admin/v1/providers', stored, { key: canaries.adminKey })
  await send(
    '/admin/v1/providers',
    { ...stored, base_url: `http://a:${canaries.query}@h/` },
    { key: canaries.adminKey },
  )
  await send('/admin/v1/providers/stored/test', {}, { key: canaries.adminKey })
  await send('/admin/v1/providers/up/test', {}, { key: canaries.adminKey })
  for (const model of [...tactlessModels, 'hang', 'context', 'policy', 'huge'])
    for (const name of ['up', 'stored']) {
      if (model === 'hang' && name === 'stored') continue
      await send(chat, prompt(`${name}/${model}`, { stream: true }))
      await send(chat, prompt(`${name}/${model}`))
    }
  await send(chat, prompt('away/any'))
}

/** Statements that fail inside of PostgreSQL, telling rows and parameters. */
const badDatabase = async (): Promise<void> => {
  const direct = withPassword(postgres.url, canaries.databasePassword)
  await queryDatabase(
    direct,
    `CREATE FUNCTION headgate.tell() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'not kept: % ${canaries.providerKey}', NEW USING DETAIL = NEW::text || '${canaries.prompt}'; END $$;
     CREATE TRIGGER tell BEFORE INSERT ON headgate.projects FOR EACH ROW EXECUTE FUNCTION headgate.tell()`,
  )
  await send('/admin/v1/projects', { name: 'refused' }, { key: canaries.adminKey })
  await queryDatabase(direct, 'DROP TRIGGER tell ON headgate.projects; DROP FUNCTION headgate.tell()')
  const unseen = await makeKey({})
  await redisSays('CLIENT KILL TYPE normal')
  await databaseWire.close()
  await send(chat, prompt('demo'), { key: unseen.key })
  await send('/admin/v1/keys', undefined, { key: canaries.adminKey })
  await redis.kill()
  await send(chat, prompt('demo'))
}

/** One command to the test's Redis, its password set first. */
const redisSays = (...commands: string[]): Promise<void> =>
  new Promise((resolve) => {
    const socket = createConnection(redis.port, '127.0.0.1', () => {
      socket.end([`AUTH ${canaries.redisPassword}`, ...commands, 'QUIT'].map((one) => `${one}\r\n`).join(''))
    })
    socket.resume().once('close', () => resolve())
    socket.once('error', () => resolve())
  })

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

beforeAll(async () => {
  ;[postgres, redis, provider] = await Promise.all([startPostgres(), startRedis(), startTactlessProvider()])
  folder = await temporaryDirectory('canary')
  const role = new URL(postgres.url).username
  await queryDatabase(postgres.url, `ALTER ROLE "${role}" PASSWORD '${canaries.databasePassword}'`)
  await redisSays(`CONFIG SET requirepass ${canaries.redisPassword}`)
  databaseWire = await startFaultProxy({ target: { host: '127.0.0.1', port: postgres.port } })
  gateway = await start()
  own = (await makeKey({})).key
}, 120_000)
afterAll(async () => {
  await gateway.kill()
  await provider.close()
  await redis.stop()
  await postgres.stop()
})

describe('planted secrets, prompts and addresses', () => {
  it('are sent through every error that can be raised', async () => {
    const slow = slowRequest()
    await badKeys()
    await badProviders()
    await badRequests()
    await slow
    for (const path of ['/metrics', '/readyz', '/openapi.json', '/v1/models', '/v1/usage']) await send(path)
    for (const path of ['keys', 'providers', 'projects', 'usage', 'audit?limit=100'])
      await send(`/admin/v1/${path}`, undefined, { key: canaries.adminKey })
    const direct = withPassword(postgres.url, canaries.databasePassword)
    await until('the ledger is written', async () => /up\/huge/.test(await dumpDatabase(direct)), 20_000)
    await badDatabase()
    const stream = fetch(gateway.url + chat, {
      method: 'POST',
      headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
      body: JSON.stringify(prompt('demo', { stream: true })),
    }).then((answer) => hear('a drained stream', answer))
    gateway.signal('SIGTERM')
    await stream.catch(() => undefined)
    await send('/v1/models').catch(() => undefined)
    await gateway.ended
    sinks.push({ place: 'the log', text: gateway.output() })
    sinks.push({ place: 'the database', text: await dumpDatabase(direct) })
    for (const path of filesUnder(gateway.dataDirectory))
      sinks.push({ place: path, text: readFileSync(path, 'latin1') })
    const missing = Object.keys(errorCatalogue).filter((code) => !codes.has(code))
    expect(missing.sort()).toEqual([...notAsked, 'server_draining'].sort())
    expect(sinks.length).toBeGreaterThan(200)
  }, 180_000)

  it('go down with no crash, neither in its last words nor in a report', async () => {
    databaseWire = await startFaultProxy({ target: { host: '127.0.0.1', port: postgres.port } })
    await redis.restart()
    await redisSays(`CONFIG SET requirepass ${canaries.redisPassword}`)
    for (const kind of ['exception', 'rejection']) {
      const report = join(folder, `${kind}.json`)
      const crashing = await start({ SABOTAGE_KIND: kind, SABOTAGE_REPORT: report })
      crashing.signal('SIGUSR2')
      expect(await crashing.ended).toBe(1)
      const lines = crashing.output().trimEnd().split('\n')
      const last = lines.find((line) => line.includes('nothing caught')) ?? ''
      expect(JSON.parse(last)).toMatchObject({ level: 'error', message: 'Ending: nothing caught an error' })
      expect(last).toContain('***')
      sinks.push({ place: `the output of the ${kind}`, text: crashing.output() })
      sinks.push({ place: `the report of the ${kind}`, text: readFileSync(report, 'utf8') })
      await crashing.kill()
    }
  }, 120_000)

  it('stand in no word about a configuration that is refused, and none of the command line', async () => {
    const environment = {
      PATH: process.env['PATH'],
      HOME: folder,
      HEADGATE_DATA_DIR: join(folder, 'cli-data'),
      HEADGATE_DATABASE_URL: withPassword(postgres.url, canaries.databasePassword),
      ...setting(),
      NODE_OPTIONS: '',
    }
    const run = (words: string[], changes: Record<string, string> = {}, cwd = folder) =>
      new Promise<number>((resolve) => {
        execFile(
          process.execPath,
          [program, ...words],
          { cwd, timeout: 60_000, env: { ...environment, ...changes } },
          (error, ...texts) => {
            sinks.push({ place: `headgate ${words.join(' ')} ${Object.keys(changes).join()}`, text: texts.join('\n') })
            resolve(error ? Number(error.code ?? -1) : 0)
          },
        )
      })
    const bad: Record<string, string>[] = [
      { HEADGATE_ADMIN_KEY: canaries.query },
      { HEADGATE_ROOT_KEY: canaries.query },
      { HEADGATE_DATABASE_URL: `postgres//user:${canaries.databasePassword}@host` },
      { HEADGATE_DATABASE_URL: withPassword(postgres.url, canaries.redisPassword) },
      { HEADGATE_DATABASE_URL: `postgres://headgate:${canaries.databasePassword}@127.0.0.1:1/headgate` },
      { HEADGATE_REDIS_URL: `http://:${canaries.redisPassword}@host` },
      { HEADGATE_PROVIDERS: `{"up": {"api_key": "${canaries.providerKey}", ` },
      {
        HEADGATE_PROVIDERS: JSON.stringify({
          up: { api_key: [canaries.providerKey], headers: canaries.providerHeader },
        }),
      },
      { HEADGATE_PROVIDERS: JSON.stringify({ up: { kind: 'openai', base_url: 'x', api_keys: canaries.providerKey } }) },
    ]
    for (const changes of bad) {
      expect(await run(['serve', '--port', '0'], changes), Object.keys(changes)[0]).not.toBe(0)
      await run(['config', 'check', '--json'], changes)
      await run(['config', 'explain'], changes)
    }
    const withFile = join(folder, 'with-file')
    await mkdir(withFile)
    await writeFile(
      join(withFile, 'headgate.yaml'),
      `admin_key: ${canaries.file}\nport: ${canaries.file}\nproviders: [ ${canaries.file}\n`,
    )
    await run(['config', 'check'], {}, withFile)
    await writeFile(
      join(withFile, 'headgate.yaml'),
      `admin_key: [${canaries.file}]\nroot_key: {a: ${canaries.file}}\nproviders: {up: {api_key: 1${canaries.file}, headers: {a b: ${canaries.file}}}}\n`,
    )
    await run(['config', 'check'], {}, withFile)
    for (const words of [
      ['config', 'explain', '--json'],
      ['providers', 'list'],
      ['providers', 'test', 'stored', '--json'],
      ['providers', 'test', 'up'],
      ['encryption', 'rotate'],
      ['keys', 'list', '--json'],
      ['ledger', 'verify'],
    ])
      await run(words)
  }, 300_000)

  it('are found nowhere', () => {
    expect(sinks.length).toBeGreaterThan(230)
    // Whoever makes a key is shown it once.
    const secrets = apiKeys.map((key) => key.slice(18))
    expect(leaksIn(sinks, secrets)).toEqual([])
  })
})
