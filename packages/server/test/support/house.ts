import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import type { Overrides } from '../../src/compose/house.ts'
import { start } from '../../src/main.ts'
import { freshDatabase } from './database.ts'

export const adminKey = 'hK2vQ9xW4mZ7tB1nR6cY3pL8sD5fG0jA'

/** What a test may set; everything else is the product's default in the testing profile. */
export interface HouseOptions {
  /** More of `headgate.yaml`, as an object. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  /** Files of the folder it starts in: `headgate.yaml` (weaker than all of the above) and what it names. */
  readonly files?: Readonly<Record<string, string>>
  readonly databaseUrl?: string
  readonly dataDirectory?: string
  readonly upstream?: Upstream
  readonly overrides?: Overrides
}

/** A whole Headgate in this process, behind real sockets, in front of a scripted upstream. */
export interface House {
  readonly url: string
  readonly upstream: Upstream
  readonly dataDirectory: string
  readonly databaseUrl: string
  /** Writes a file beside `headgate.yaml`. */
  readonly write: (name: string, text: string) => Promise<void>
  /** Calls a path; the admin key is sent unless a key is given. */
  readonly request: (path: string, options?: { method?: string; body?: unknown; key?: string }) => Promise<Response>
  /** Makes an API key and gives its secret and id. */
  readonly makeKey: (fields?: Readonly<Record<string, unknown>>) => Promise<{ id: string; key: string }>
  /** Waits until every settled row is in PostgreSQL. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Model prices of the scripted upstream: USD per million tokens. */
export const prices = { input: '1', output: '2' }

/** Boots the house; end it with `stop()`. */
export const startHouse = async (options: HouseOptions = {}): Promise<House> => {
  const upstream = options.upstream ?? (await startUpstream())
  const database = options.databaseUrl === undefined ? await freshDatabase() : null
  const databaseUrl = options.databaseUrl ?? (database as { url: string }).url
  const folder = await mkdtemp(join(tmpdir(), 'headgate-house-'))
  const dataDirectory = options.dataDirectory ?? join(folder, 'data')
  const { providers, models, ...config } = (options.config ?? {}) as Record<string, Record<string, unknown>>
  const setting = (value: unknown) => JSON.stringify(value)
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  for (const [name, text] of Object.entries(options.files ?? {})) await write(name, text)
  const running = await start(
    {
      cwd: folder,
      environment: {
        HEADGATE_PROFILE: 'testing',
        HEADGATE_LOG_LEVEL: 'fatal',
        HEADGATE_PORT: '0',
        HEADGATE_ADMIN_KEY: adminKey,
        HEADGATE_DATA_DIR: dataDirectory,
        HEADGATE_DATABASE_URL: databaseUrl,
        // All tests come from one address, and many without a valid key.
        HEADGATE_LIMITS_PER_IP_RATE_PER_MINUTE: '1000000',
        HEADGATE_LIMITS_PER_IP_BURST: '100000',
        HEADGATE_PROVIDERS: setting({
          up: { kind: 'openai', base_url: `${upstream.url}/v1`, api_key: 'provider-key' },
          ...providers,
        }),
        HEADGATE_MODELS: setting({ 'up/gpt-4o-mini': { price: prices, max_output_tokens: 4096 }, ...models }),
        ...Object.fromEntries(
          Object.entries(config).map(([name, value]) => [
            `HEADGATE_${name.toUpperCase()}`,
            typeof value === 'string' ? value : setting(value),
          ]),
        ),
        ...options.environment,
      },
    },
    options.overrides,
  )
  const url = `http://127.0.0.1:${running.port}`
  const request: House['request'] = (path, { method, body, key = adminKey } = {}) =>
    fetch(url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  return {
    url,
    upstream,
    dataDirectory,
    databaseUrl,
    write,
    request,
    makeKey: async (fields = {}) => {
      const answer = await request('/admin/v1/keys', { body: { name: 'test', tier: 'internal', ...fields } })
      if (answer.status !== 201) throw new Error(`no key: ${await answer.text()}`)
      return (await answer.json()) as { id: string; key: string }
    },
    settled: () => running.settled(),
    stop: async () => {
      await running.stop('test')
      if (options.upstream === undefined) await upstream.close()
      await database?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
