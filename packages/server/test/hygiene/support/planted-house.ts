import { createConnection } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startFaultProxy } from '@headgate/qa/faults/tcp-proxy.ts'
import { startGateway } from '../../faults/support/gateway-process.ts'
import { queryDatabase } from '../../faults/support/ledger-rows.ts'
import { startTactlessProvider } from '../../faults/support/tactless-provider.ts'
import { startPostgres, startRedis, temporaryDirectory } from '../../support/services.ts'
import { canaries, type Sink } from './canaries.ts'

const saboteur = fileURLToPath(new URL('saboteur.ts', import.meta.url))

/** How a path is asked. */
interface Ask {
  readonly key?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** The address of a server with another password, and another port where one is given. */
export const withPassword = (url: string, password: string, port?: number): string => {
  const address = new URL(url)
  address.password = password
  if (port !== undefined) address.port = String(port)
  return address.href
}

/** A gateway whose every secret is a canary, with all that it stands on, and what was heard of it. */
export const openPlantedHouse = async () => {
  const [postgres, redis, provider] = await Promise.all([startPostgres(), startRedis(), startTactlessProvider()])
  const folder = await temporaryDirectory('canary')
  const sinks: Sink[] = []
  const codes = new Set<string>()
  const apiKeys: string[] = []
  let own = ''

  /** One command to the test's Redis, its password set first. */
  const redisSays = (...commands: string[]): Promise<void> =>
    new Promise((resolve) => {
      const socket = createConnection(redis.port, '127.0.0.1', () => {
        socket.end([`AUTH ${canaries.redisPassword}`, ...commands, 'QUIT'].map((one) => `${one}\r\n`).join(''))
      })
      socket.resume().once('close', () => resolve())
      socket.once('error', () => resolve())
    })

  const wire = () => startFaultProxy({ target: { host: '127.0.0.1', port: postgres.port } })
  const role = new URL(postgres.url).username
  await queryDatabase(postgres.url, `ALTER ROLE "${role}" PASSWORD '${canaries.databasePassword}'`)
  await redisSays(`CONFIG SET requirepass ${canaries.redisPassword}`)
  let databaseWire = await wire()

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

  const gateway = await start()

  const hear = async (place: string, answer: Response): Promise<void> => {
    const text = await answer.text().catch(() => '')
    // A description of the API holds examples of errors.
    const isAnswer =
      answer.status >= 400 || answer.headers.get('content-type')?.startsWith('text/event-stream') === true
    const found = /"code":\s*"([a-z_]+)"/.exec(text)?.[1]
    if (isAnswer && found !== undefined) codes.add(found)
    sinks.push({ place: `the answer of ${place}`, text, isCallers: true })
    sinks.push({ place: `the headers of ${place}`, text: JSON.stringify([...answer.headers]) })
  }

  /** Asks a path with planted query and headers. */
  const send = async (path: string, body?: unknown, { key = own, method, headers = {} }: Ask = {}): Promise<void> => {
    // Operators' routes refuse a query that they do not know before they do anything.
    const isOwn = path.startsWith('/admin')
    const query = isOwn ? '' : `${path.includes('?') ? '&' : '?'}token=${canaries.query}`
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

  const makeKey = async (fields: object): Promise<{ id: string; key: string }> => {
    const answer = await gateway.request('/admin/v1/keys', {
      key: canaries.adminKey,
      body: { name: 'k', tier: 'internal', ...fields },
    })
    const made = (await answer.json()) as { id: string; key: string }
    apiKeys.push(made.key)
    return made
  }

  own = (await makeKey({})).key

  return {
    provider,
    folder,
    sinks,
    codes,
    apiKeys,
    gateway,
    own,
    /** Past the wire that can be cut. */
    databaseUrl: withPassword(postgres.url, canaries.databasePassword),
    setting,
    start,
    hear,
    send,
    makeKey,
    /** Takes PostgreSQL away. */
    cutDatabase: () => databaseWire.close(),
    /** Takes Redis away. */
    killRedis: async () => {
      await redisSays('CLIENT KILL TYPE normal')
      await redis.kill()
    },
    /** Brings both back. */
    mend: async () => {
      databaseWire = await wire()
      await redis.restart()
      await redisSays(`CONFIG SET requirepass ${canaries.redisPassword}`)
    },
    close: async () => {
      await gateway.kill()
      await databaseWire.close()
      await provider.close()
      await redis.stop()
      await postgres.stop()
    },
  }
}

export type PlantedHouse = Awaited<ReturnType<typeof openPlantedHouse>>
