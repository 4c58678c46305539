import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createClient } from 'redis'
import { chooseAccount, type PostgresAccount } from '../../src/kernel/embedded-account.ts'
import { locateBinaries } from '../../src/kernel/embedded-binaries.ts'
import { ensureCluster, launchPostgres, type PostgresProcess } from '../../src/kernel/embedded-cluster.ts'
import { locateRedis } from './redis-binaries.ts'

const PREFIX = 'headgate-test-'

/** A real server for one test file: kill it, freeze it, start it again on the same port. */
export interface TestService {
  readonly url: string
  readonly port: number
  readonly pid: () => number
  /** Sends a signal, SIGKILL to its whole process tree. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** kill -9, and waits for the end. */
  readonly kill: () => Promise<void>
  /** Starts it again after `kill`, on the same data and port. */
  readonly restart: () => Promise<void>
  /** Ends it and removes its data. */
  readonly stop: () => Promise<void>
}

/** A port of 127.0.0.1 that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const running = new Map<number, string>()

const tryKill = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself.
  }
}

// The last resort: a test run that ends without stopping its services takes them along.
process.on('exit', () => {
  for (const [pid, directory] of running) {
    tryKill(-pid, 'SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
})

/** Removes the folders of test runs that were killed before they could. */
export const removeLeftovers = (): void => {
  for (const entry of readdirSync(tmpdir())) {
    const owner = entry.startsWith(PREFIX) ? Number(entry.slice(PREFIX.length).split('-')[0]) : 0
    if (!owner) continue
    try {
      process.kill(owner, 0)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') continue
      try {
        rmSync(join(tmpdir(), entry), { recursive: true, force: true })
      } catch {
        // A disk that such a run had mounted there keeps its folder; this run needs it not.
      }
    }
  }
}

/** An empty folder that goes when the run is over. */
export const temporaryDirectory = async (name: string): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-${name}-`))
  await chmod(directory, 0o711)
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

// A killed test worker runs no exit handler: where the system can, it ends the services with their parent.
const parentDeathSignal =
  process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
    ? (['setpriv', '--pdeathsig', 'KILL', '--'] as const)
    : []

const boundToParent = (account: PostgresAccount): PostgresAccount => ({
  ...account,
  spawn: (program, args, options) => {
    const [command, ...rest] = [...parentDeathSignal, program, ...args] as [string, ...string[]]
    return account.spawn(command, rest, options)
  },
})

/** Starts a PostgreSQL of its own on 127.0.0.1: without fsync unless `durable`. */
export const startPostgres = async (
  options: { durable?: boolean; maximumConnections?: number } = {},
): Promise<TestService> => {
  const base = await temporaryDirectory('postgres')
  const account = boundToParent(await chooseAccount())
  const binaries = await locateBinaries({ runtimeDirectory: join(base, 'runtime') })
  const directory = join(base, 'data')
  const port = await freePort()
  await account.own(base)
  const passwordFile = join(base, 'password')
  await writeFile(passwordFile, 'headgate')
  await account.own(passwordFile)
  await ensureCluster({ binaries, account, directory, user: 'headgate', passwordFile, durable: false })
  const durability: Record<string, string> = options.durable
    ? {}
    : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const settings = {
    ...durability,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: String(options.maximumConnections ?? 200),
    shared_buffers: '64MB',
    autovacuum: 'off',
    jit: 'off',
    log_min_messages: 'fatal',
  }
  let child: PostgresProcess
  const launch = async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        child = await launchPostgres({
          binaries,
          account,
          directory,
          settings,
          onLine: () => {},
          startTimeoutMs: 60_000,
        })
        break
      } catch (cause) {
        // After kill -9 the orphaned backends hold the shared memory for a moment.
        if (attempt >= 20) throw cause
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    running.set(child.pid, base)
  }
  await launch()
  const signal = (name: NodeJS.Signals) => {
    const families = name === 'SIGINT' ? [child.pid] : [-child.pid, child.pid]
    // Every backend is the leader of a session of its own, so that the group alone would spare them.
    if (name !== 'SIGINT') for (const pid of childrenOf(child.pid)) tryKill(pid, name)
    for (const pid of families) tryKill(pid, name)
  }
  const end = async (name: NodeJS.Signals) => {
    signal(name)
    await child.ended
    running.delete(child.pid)
  }
  return {
    url: `postgres://headgate:headgate@127.0.0.1:${port}/postgres`,
    port,
    pid: () => child.pid,
    signal,
    kill: () => end('SIGKILL'),
    restart: launch,
    stop: async () => {
      tryKill(child.pid, 'SIGCONT')
      await end('SIGKILL')
      rmSync(base, { recursive: true, force: true })
    },
  }
}

const childrenOf = (pid: number): number[] => {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return (stdout ?? '').split('\n').map(Number).filter(Boolean)
}

/** One PING over a new connection. The client bounds neither its greeting nor its connect to a frozen server itself. */
export const pingRedis = async (url: string, milliseconds = 500): Promise<string> => {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([client.connect().then(() => client.ping()), limit])
  } finally {
    clearTimeout(timer)
    client.destroy()
  }
}

const answers = (url: string): Promise<boolean> =>
  pingRedis(url).then(
    () => true,
    () => false,
  )

/** Starts a Redis server of its own on 127.0.0.1 without persistence. */
export const startRedis = async (): Promise<TestService> => {
  const redis = await locateRedis()
  const base = await temporaryDirectory('redis')
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', base, '--save', '', '--appendonly', 'no']
  let child: ChildProcess
  let ended: Promise<unknown>
  const launch = async () => {
    const [command, ...rest] = [...parentDeathSignal, redis.program, ...args] as [string, ...string[]]
    child = spawn(command, rest, { detached: true, stdio: 'ignore', env: { ...process.env, ...redis.environment } })
    ended = new Promise((resolve) => child.once('exit', resolve))
    running.set(child.pid as number, base)
    for (let attempt = 0; !(await answers(url)); attempt += 1) {
      if (child.exitCode !== null || attempt > 100)
        throw new Error(`redis-server did not start (exit code ${child.exitCode})`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  await launch()
  const pid = () => child.pid as number
  const kill = async () => {
    tryKill(pid(), 'SIGKILL')
    await ended
    running.delete(pid())
  }
  return {
    url,
    port,
    pid,
    signal: (name) => tryKill(pid(), name),
    kill,
    restart: launch,
    stop: async () => {
      await kill()
      if (existsSync(base)) rmSync(base, { recursive: true, force: true })
    },
  }
}

/** Runs one statement as the administrator of a test server. */
export const administer = async (url: string, ...statements: string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
