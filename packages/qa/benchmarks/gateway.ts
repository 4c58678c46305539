import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Process, startProcess } from './processes.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const adminKey = 'bench-admin-key-0123456789abcdefghij'

/** A Headgate under measurement. */
export interface Gateway extends Process {
  readonly url: string
  readonly readyMs: number
  readonly admin: (path: string, body?: object) => Promise<Record<string, unknown>>
  /** A key with a budget, so that every call is reserved and settled against it. */
  readonly makeKey: () => Promise<string>
  /** Calls in the ledger, asked for until they no longer grow. */
  readonly drainedRows: () => Promise<number>
}

export interface GatewayOptions {
  /** Its own; holds the configuration and the data. */
  readonly folder: string
  readonly upstreamUrl: string
  readonly models: readonly string[]
  /** More of `headgate.yaml`. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  /** More flags of Node.js than `npm start` gives. */
  readonly nodeFlags?: readonly string[]
}

/** The flags that `npm start` gives to Node.js, which are part of what is measured. */
const startFlags = async (): Promise<string[]> => {
  const { scripts } = JSON.parse(await readFile(here('../../../package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

/** Starts one and waits until it is ready. */
export const startGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const { folder, upstreamUrl, models, config = {}, environment = {}, nodeFlags = [] } = options
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'headgate.yaml')
  const price = { price: { input: 0.15, output: 0.6 } }
  // JSON is YAML.
  await writeFile(
    file,
    JSON.stringify({
      profile: 'testing',
      log: { level: 'info' },
      providers: { up: { kind: 'openai', base_url: `${upstreamUrl}/v1`, api_key: 'x' } },
      models: Object.fromEntries(models.map((model) => [`up/${model}`, price])),
      ...config,
    }),
  )
  const started = await startProcess(
    here('../../server/src/cli.ts'),
    ['serve', '--config', file, '--port', '0', '--data-dir', join(folder, 'data')],
    /"port":(\d+)/,
    { env: { HEADGATE_ADMIN_KEY: adminKey, ...environment }, nodeFlags: [...(await startFlags()), ...nodeFlags] },
  )
  const url = `http://127.0.0.1:${started.match[1]}`
  const admin: Gateway['admin'] = async (path, body) => {
    const answer = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as Record<string, unknown>
  }
  return {
    ...started,
    url,
    admin,
    makeKey: async () => {
      const budget = { limit_usd: '1000000', window: 'month' }
      return String((await admin('/admin/v1/keys', { name: 'bench', tier: 'internal', budget })).key)
    },
    drainedRows: async () => {
      for (let rows = -1; ; ) {
        const usage = (await admin('/admin/v1/usage?group_by=key')) as { data: { requests: number }[] }
        const now = usage.data.reduce((sum, row) => sum + row.requests, 0)
        if (now === rows) return rows
        rows = now
        await new Promise((resolve) => setTimeout(resolve, 3_000))
      }
    },
  }
}
