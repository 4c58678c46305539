import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TruthRow } from '@headgate/qa/upstream/truth.ts'
import { adminKey } from '../../support/house.ts'

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))
const upstreamCli = fileURLToPath(new URL('../../../../qa/upstream/cli.ts', import.meta.url))
/** Shared by all replicas, so that they know each other's keys. */
const rootKey = 'Tn4vK8rYb2Wq7ZsHc5Lx9JdPf3Gm6QaE'
const READY_MS = 30_000
const OUTPUT_CHARACTERS = 20_000

/** A Node.js process under test. */
export interface TestProcess {
  readonly pid: number
  /** The end of what it printed. */
  readonly output: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves to its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a script and waits until it prints what matches `ready`. */
const startScript = (
  script: string,
  flags: readonly string[],
  ready: RegExp,
  options: { readonly cwd?: string; readonly environment?: NodeJS.ProcessEnv; readonly killAfterMs?: number } = {},
): Promise<TestProcess & { readonly match: RegExpExecArray }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.environment ?? process.env,
      cwd: options.cwd,
    })
    running.add(child)
    if (options.killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), options.killAfterMs)
    let output = ''
    const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
    const fail = (why: string) => {
      child.kill('SIGKILL')
      reject(new Error(`${script} ${why}:\n${output}`))
    }
    const patience = setTimeout(fail, READY_MS, `was not ready after ${READY_MS} ms`)
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS)
      const match = ready.exec(output)
      if (!match) return
      clearTimeout(patience)
      resolve({
        pid: child.pid as number,
        output: () => output,
        kill: (signal) => void child.kill(signal),
        exited,
        match,
      })
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    void exited.then((code) => {
      running.delete(child)
      clearTimeout(patience)
      fail(`ended with ${code} before it was ready`)
    })
  })

/** The scripted upstream as a process of its own. */
export interface UpstreamProcess {
  readonly url: string
  /** Rows of inference calls, oldest first. */
  readonly truth: () => Promise<TruthRow[]>
  readonly stop: () => Promise<void>
}

export const startUpstreamProcess = async (): Promise<UpstreamProcess> => {
  const upstream = await startScript(upstreamCli, ['--port', '0'], /listening on (\S+)/)
  const url = upstream.match[1] as string
  return {
    url,
    truth: async () => {
      const rows = (await (await fetch(`${url}/__truth`)).json()) as TruthRow[]
      return rows.filter(({ path }) => /\/(chat\/completions|embeddings|messages)$/.test(path))
    },
    stop: async () => {
      upstream.kill('SIGTERM')
      await upstream.exited
    },
  }
}

/** USD per million tokens, and per call. */
export interface ModelPrice {
  readonly input: string
  readonly output: string
  readonly cached_input?: string
  readonly cache_write?: string
  readonly per_request?: string
}

/** Where a Headgate process runs and what it is told. */
export interface HeadgateOptions {
  /** Made if missing; holds `headgate.yaml` and the data folder. */
  readonly folder: string
  readonly upstreamUrl: string
  /** External PostgreSQL; absent: the embedded one. */
  readonly databaseUrl?: string
  /** By the name that the upstream sees. */
  readonly prices: Readonly<Record<string, ModelPrice>>
  /** kill -9 so long after its start, ready or not. */
  readonly killAfterMs?: number
  /** More of `headgate.yaml`. */
  readonly config?: Readonly<Record<string, unknown>>
}

/** A whole Headgate as a process of its own. */
export interface HeadgateProcess extends TestProcess {
  readonly url: string
  readonly dataDirectory: string
  /** Calls a path; the admin key is sent unless a key is given. */
  readonly request: (path: string, options?: { body?: unknown; key?: string }) => Promise<Response>
  readonly makeKey: (fields?: Readonly<Record<string, unknown>>) => Promise<{ id: string; key: string }>
  /** SIGTERM; resolves to its exit code. */
  readonly stop: () => Promise<number | null>
}

/** Starts `headgate serve` and waits until it takes calls. */
export const startHeadgateProcess = async (options: HeadgateOptions): Promise<HeadgateProcess> => {
  mkdirSync(options.folder, { recursive: true })
  const dataDirectory = join(options.folder, 'data')
  const config = {
    providers: {
      up: { kind: 'openai', base_url: `${options.upstreamUrl}/v1`, api_key: 'provider-key' },
      claude: { kind: 'anthropic', base_url: options.upstreamUrl, api_key: 'provider-key' },
    },
    models: Object.fromEntries(
      ['up', 'claude'].flatMap((provider) =>
        Object.entries(options.prices).map(([model, price]) => [
          `${provider}/${model}`,
          { price, max_output_tokens: 4096 },
        ]),
      ),
    ),
    ...options.config,
  }
  // JSON is YAML.
  writeFileSync(join(options.folder, 'headgate.yaml'), JSON.stringify(config))
  const { PATH, HOME } = process.env
  const headgate = await startScript(cli, ['serve'], /Headgate {3}(http:\S+)/, {
    cwd: options.folder,
    ...(options.killAfterMs !== undefined && { killAfterMs: options.killAfterMs }),
    environment: {
      PATH,
      HOME,
      HEADGATE_PROFILE: 'testing',
      HEADGATE_LOG_LEVEL: 'warn',
      HEADGATE_PORT: '0',
      HEADGATE_ADMIN_KEY: adminKey,
      HEADGATE_ROOT_KEY: rootKey,
      HEADGATE_DATA_DIR: dataDirectory,
      ...(options.databaseUrl !== undefined && { HEADGATE_DATABASE_URL: options.databaseUrl }),
    },
  })
  const url = headgate.match[1] as string
  const request: HeadgateProcess['request'] = (path, { body, key = adminKey } = {}) =>
    fetch(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  return {
    ...headgate,
    url,
    dataDirectory,
    request,
    makeKey: async (fields = {}) => {
      const answer = await request('/admin/v1/keys', { body: { name: 'test', tier: 'internal', ...fields } })
      if (answer.status !== 201) throw new Error(`no key: ${await answer.text()}`)
      return (await answer.json()) as { id: string; key: string }
    },
    stop: async () => {
      headgate.kill('SIGTERM')
      return await headgate.exited
    },
  }
}

/** kill -9 of the embedded PostgreSQL of a data folder; false when none runs. */
export const killEmbeddedPostgres = (dataDirectory: string): boolean => {
  try {
    const pid = Number(readFileSync(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
