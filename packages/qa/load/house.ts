import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Process, startProcess } from '../benchmarks/processes.ts'
import type { TruthRow } from '../upstream/truth.ts'
import { type Caller, createCaller } from './caller.ts'
import { pause, until } from './pace.ts'
import { type Service, startService } from './services.ts'

/** Where limits are counted. */
export type Backend = 'redis' | 'postgres'

/** What of `headgate.yaml` a drill sets. */
export type Settings = Readonly<Record<string, unknown>>

export interface HouseOptions {
  readonly backend: Backend
  readonly replicas: number
  readonly config: Settings
  /** Waits for nothing that only faults of the store make matter: for a smoke test. */
  readonly hasty?: boolean
}

/** Several replicas of Headgate on one PostgreSQL, and one Redis, before a scripted upstream: each a process of its own. */
export interface House {
  readonly replicas: number
  readonly backend: Backend
  readonly postgres: Service
  /** Counts where `backend` says so. */
  readonly redis: Service
  readonly caller: Caller
  readonly urlOf: (replica: number) => string
  /** Calls a path of a replica as the operator. */
  readonly request: (
    path: string,
    options?: { body?: unknown; replica?: number; method?: string; key?: string },
  ) => Promise<Response>
  readonly makeKey: (fields?: Settings) => Promise<{ readonly id: string; readonly key: string }>
  /** The state that `/readyz` gives of a part; of the whole where none is named. */
  readonly stateOf: (replica: number, part?: string) => Promise<string>
  /** Until every replica counts in the shared store, and knows how many they are. */
  readonly settleCounters: () => Promise<void>
  readonly processOf: (replica: number) => Process
  /** How often a replica gave the shared store up and counted by itself: its log tells. */
  readonly givenUp: () => number
  /** kill -9. */
  readonly kill: (replica: number) => Promise<void>
  /** Starts a killed one again, on its data folder. */
  readonly restart: (replica: number) => Promise<void>
  /** What the upstream did for calls, oldest first. */
  readonly truth: () => Promise<readonly TruthRow[]>
  readonly forgetTruth: () => Promise<void>
  /** `headgate ledger verify`: whether it found nothing, and what it printed. */
  readonly verifyLedger: () => Promise<{ readonly ok: boolean; readonly text: string }>
  readonly stop: () => Promise<void>
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const program = here('../../server/src/cli.ts')
const adminKey = 'drill-admin-key-0123456789abcdefghij'
const rootKey = 'drill-root-key-Tn4vK8rYb2Wq7ZsHc5Lx9Jd'
/** Replicas tell the store of themselves every 5 s. */
const PRESENCE_MS = 5_500

/** Prices of the scripted upstream: USD per million tokens. */
export const price = { input: '1', output: '2' }

const configOf = (upstreamUrl: string, { providers, models, ...more }: Settings): Settings => ({
  providers: {
    up: {
      kind: 'openai',
      base_url: `${upstreamUrl}/v1`,
      api_key: 'provider-key',
      ...((providers as Settings)?.['up'] as object),
    },
  },
  models: { 'up/gpt-4o-mini': { price, max_output_tokens: 4096 }, ...(models as Settings) },
  ...more,
})

/** Starts everything; end it with `stop`. */
export const startHouse = async (options: HouseOptions): Promise<House> => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-drill-'))
  const [postgres, redis, upstream] = await Promise.all([
    startService('postgres'),
    startService('redis'),
    startProcess(here('../upstream/cli.ts'), ['--port', '0'], /listening on (http:\S+)/),
  ])
  const upstreamUrl = upstream.match[1] as string
  const config = join(folder, 'headgate.yaml')
  // JSON is YAML.
  await writeFile(config, JSON.stringify(configOf(upstreamUrl, options.config)))
  const environment = {
    HEADGATE_PROFILE: 'testing',
    HEADGATE_LOG_LEVEL: 'warn',
    HEADGATE_ADMIN_KEY: adminKey,
    HEADGATE_ROOT_KEY: rootKey,
    HEADGATE_DATABASE_URL: postgres.url,
    HEADGATE_COUNTERS: options.backend,
    ...(options.backend === 'redis' && { HEADGATE_REDIS_URL: redis.url }),
  }
  const running: { url: string; process: Process }[] = []
  const start = async (replica: number) => {
    const data = join(folder, `replica-${replica}`)
    await mkdir(data, { recursive: true, mode: 0o700 })
    const flags = ['serve', '--config', config, '--port', '0', '--data-dir', data]
    const started = await startProcess(program, flags, /Headgate {3}(http:\S+)/, {
      env: environment,
      nodeFlags: ['--max-semi-space-size=4'],
      cwd: folder,
    })
    running[replica] = { url: started.match[1] as string, process: started }
  }
  const urlOf = (replica: number) => (running[replica] as { url: string }).url
  const processOf = (replica: number) => (running[replica] as { process: Process }).process
  // The first one migrates.
  await start(0)
  await Promise.all(Array.from({ length: options.replicas - 1 }, (_, index) => start(index + 1)))

  const request: House['request'] = (path, { body, replica = 0, method, key = adminKey } = {}) =>
    fetch(urlOf(replica) + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const stateOf: House['stateOf'] = async (replica, part) => {
    const report = (await (await request('/readyz', { replica })).json()) as {
      status: string
      parts: Record<string, string>
    }
    return part === undefined ? report.status : (report.parts[part] ?? 'unknown')
  }
  const caller = createCaller(urlOf)
  return {
    replicas: options.replicas,
    backend: options.backend,
    postgres,
    redis,
    caller,
    urlOf,
    request,
    makeKey: async (fields = {}) => {
      const answer = await request('/admin/v1/keys', { body: { name: 'drill', tier: 'internal', ...fields } })
      if (answer.status !== 201) throw new Error(`no key: ${await answer.text()}`)
      return (await answer.json()) as { id: string; key: string }
    },
    stateOf,
    settleCounters: async () => {
      for (let replica = 0; replica < options.replicas; replica++)
        await until('the shared store counts', async () => (await stateOf(replica, 'admission')) === 'ok')
      if (!options.hasty) await pause(PRESENCE_MS)
    },
    processOf,
    givenUp: () =>
      running.reduce(
        (sum, { process }) => sum + process.output().split('limits are counted in this process').length - 1,
        0,
      ),
    kill: async (replica) => {
      processOf(replica).kill('SIGKILL')
      await processOf(replica).exited
    },
    restart: start,
    truth: async () => {
      const rows = (await (await fetch(`${upstreamUrl}/__truth`)).json()) as TruthRow[]
      return rows.filter(({ path }) => path === '/v1/chat/completions')
    },
    forgetTruth: async () => void (await fetch(`${upstreamUrl}/__truth`, { method: 'DELETE' })),
    verifyLedger: () =>
      new Promise((resolve) => {
        const words = [
          program,
          'ledger',
          'verify',
          '--database-url',
          postgres.url,
          '--data-dir',
          join(folder, 'verify'),
        ]
        const env = { ...process.env, HEADGATE_PROFILE: 'testing', HEADGATE_ROOT_KEY: rootKey }
        execFile(process.execPath, words, { env, cwd: folder }, (fault, stdout, stderr) =>
          resolve({ ok: fault === null, text: `${stdout}${stderr}`.trim() }),
        )
      }),
    stop: async () => {
      await caller.close()
      // What a drill left frozen must wake to end.
      await Promise.all(
        [postgres.signal('SIGCONT'), redis.signal('SIGCONT')].map((woken) => woken.catch(() => undefined)),
      )
      await Promise.all([...running.map(({ process }) => process.stop()), upstream.stop()])
      await Promise.all([postgres.stop(), redis.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
