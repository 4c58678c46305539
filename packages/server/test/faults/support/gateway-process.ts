import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adminKey } from '../../support/house.ts'
import { freePort, temporaryDirectory } from '../../support/services.ts'
import { until } from './load.ts'

const program = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))

/** A gateway in a process of its own: to be killed, stopped, and read. */
export interface GatewayProcess {
  readonly url: string
  readonly pid: number
  readonly dataDirectory: string
  /** Everything it wrote. */
  readonly output: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves to the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly kill: () => Promise<void>
  readonly makeKey: (fields?: Readonly<Record<string, unknown>>) => Promise<{ id: string; key: string }>
  readonly request: (path: string, options?: { body?: unknown; key?: string }) => Promise<Response>
}

export interface GatewayProcessOptions {
  readonly databaseUrl: string
  readonly upstreamUrl: string
  readonly providerKey?: string
  readonly dataDirectory?: string
  readonly environment?: Readonly<Record<string, string>>
}

const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** Starts `headgate serve` and waits until it is ready. */
export const startGateway = async (options: GatewayProcessOptions): Promise<GatewayProcess> => {
  const folder = await temporaryDirectory('gateway')
  const dataDirectory = options.dataDirectory ?? join(folder, 'data')
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { providerKey = 'provider-key' } = options
  const child = spawn(process.execPath, [program, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      HEADGATE_PROFILE: 'testing',
      HEADGATE_LOG_LEVEL: 'debug',
      HEADGATE_PORT: String(port),
      HEADGATE_ADMIN_KEY: adminKey,
      HEADGATE_DATA_DIR: dataDirectory,
      // Empty: the embedded one.
      ...(options.databaseUrl !== '' && { HEADGATE_DATABASE_URL: options.databaseUrl }),
      HEADGATE_PROVIDERS: JSON.stringify({
        up: { kind: 'openai', base_url: `${options.upstreamUrl}/v1`, api_key: providerKey },
      }),
      HEADGATE_MODELS: JSON.stringify({
        'up/gpt-4o-mini': { price: { input: '1', output: '2' }, max_output_tokens: 4096 },
      }),
      ...options.environment,
    },
  })
  living.add(child)
  const written: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => written.push(bytes))
  const output = () => Buffer.concat(written).toString()
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => {
      living.delete(child)
      resolve(code ?? (signal as NodeJS.Signals))
    })
  })
  const signal = (name: NodeJS.Signals) => void child.kill(name)
  const kill = async () => {
    signal('SIGKILL')
    await ended
  }
  const request: GatewayProcess['request'] = (path, { body, key = adminKey } = {}) =>
    fetch(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  try {
    await until(
      'the gateway is ready',
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${output().slice(-2_000)}`)
        return (await fetch(`${url}/startupz`)).ok
      },
      20_000,
    )
  } catch (cause) {
    await kill()
    throw new Error(`the gateway did not start: ${output().slice(-2_000)}`, { cause })
  }
  return {
    url,
    pid: child.pid as number,
    dataDirectory,
    output,
    signal,
    ended,
    kill,
    request,
    makeKey: async (fields = {}) => {
      const answer = await request('/admin/v1/keys', { body: { name: 'test', tier: 'internal', ...fields } })
      if (answer.status !== 201) throw new Error(`no key: ${await answer.text()}`)
      return (await answer.json()) as { id: string; key: string }
    },
  }
}

/** Lines of the log in what a process wrote: all but the words for people with which a start ends. */
export const logLines = (output: string): string[] =>
  output.split('\n').filter((line) => line !== '' && !line.startsWith('  ') && !line.startsWith('Headgate'))

/** Whether a process lives. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
