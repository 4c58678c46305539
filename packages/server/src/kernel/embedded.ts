import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { KernelLog } from './db.ts'
import { chooseAccount, type PostgresAccount } from './embedded-account.ts'
import { locateBinaries, type PostgresBinaries } from './embedded-binaries.ts'
import { archiveSettings } from './embedded-archive.ts'
import { ensureCluster, launchPostgres, type PostgresProcess } from './embedded-cluster.ts'
import { lockFolder } from './embedded-lock.ts'
import { refuseMoved } from './embedded-moved.ts'
import { endOrphan, stopPostgres } from './embedded-orphan.ts'
import { refuseHalfUpgraded } from './embedded-upgrade-mark.ts'
import { prepareWayIn, type WayIn } from './embedded-way-in.ts'

export interface EmbeddedOptions {
  /** Headgate's data folder; made with mode 0700 if it is missing. */
  readonly dataDirectory: string
  readonly log: KernelLog
  /** Told each time PostgreSQL ended by itself; it is being started again then. */
  readonly onCrash?: () => void
  /** Whether it archives its WAL for backups, into the outbox of the data folder. */
  readonly archives?: boolean
  /** How many processes connect to it; 1 when not stated. */
  readonly processes?: number
  /** Crash recovery counts in. */
  readonly startTimeoutMs?: number
  /** Another folder of the platform package than the installed one. */
  readonly packageDirectory?: string
}

export interface EmbeddedPostgres {
  /** Fits `openDatabase`. `host` is the folder of the Unix socket. */
  readonly connection: { host: string; port: number; user: string; database: string; password?: string }
  /** Of the running server; another one after a crash. */
  readonly pid: () => number
  /** Fast shutdown, immediate when that takes too long; then frees the folder. */
  readonly stop: () => Promise<void>
}

const NAME = 'headgate'

/** How it runs wherever it is started. */
// A house of its own on a small machine: one owner, few connections, every acknowledged commit on the disk.
export const embeddedSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  superuser_reserved_connections: '3',
  shared_buffers: '24MB',
  wal_buffers: '1MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  // Backups by pg_backup_start need the WAL of a replica; replication itself is not offered.
  wal_level: 'replica',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_worker_processes: '4',
  max_parallel_workers: '2',
  max_parallel_workers_per_gather: '1',
  autovacuum_max_workers: '2',
  jit: 'off',
  huge_pages: 'off',
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '60s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Failed statements are told to their caller; the log would repeat them with personal data in it.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  logging_collector: 'off',
  log_line_prefix: '',
} as const

/** What the first process may need, its commands and the migration among it, and what each further one does. */
const MOST_CONNECTIONS = 40
const MORE_CONNECTIONS = 12

const ensureDatabase = async (wayIn: WayIn): Promise<void> => {
  const { host, port, password } = wayIn
  const client = new pg.Client({ host, port, user: NAME, database: 'postgres', ...(password && { password }) })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [NAME])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${NAME}`)
  } finally {
    await client.end()
  }
}

const speak = (log: KernelLog) => (line: string) => {
  const message = `PostgreSQL: ${line.replace(/^LOG:\s+/, '')}`
  if (/^(FATAL|PANIC):/.test(line)) log.warn({}, message)
  else log.info({}, message)
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Ground {
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount
  readonly directory: string
  readonly wayIn: WayIn
}

const prepare = async (dataDirectory: string, options: EmbeddedOptions): Promise<Ground> => {
  await refuseMoved(dataDirectory)
  await refuseHalfUpgraded(dataDirectory)
  const account = await chooseAccount()
  await account.admit(dataDirectory)
  const { packageDirectory } = options
  const runtimeDirectory = join(dataDirectory, 'runtime')
  const binaries = await locateBinaries({ runtimeDirectory, ...(packageDirectory && { packageDirectory }) })
  const directory = join(dataDirectory, 'postgres')
  const wayIn = await prepareWayIn(dataDirectory, account)
  const { passwordFile } = wayIn
  await endOrphan(directory, options.log)
  const made = await ensureCluster({ binaries, account, directory, user: NAME, ...(passwordFile && { passwordFile }) })
  options.log.info({ directory, made, account: account.description }, 'The embedded PostgreSQL has its folder')
  return { binaries, account, directory, wayIn }
}

/**
 * Starts Headgate's own PostgreSQL as a child process on the data folder and keeps it running.
 * @throws {FolderInUse} when another process has the folder, {EmbeddedUnavailable} when it cannot run here.
 */
export const startEmbedded = async (options: EmbeddedOptions): Promise<EmbeddedPostgres> => {
  const { log, startTimeoutMs = 120_000, processes = 1 } = options
  await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 })
  const dataDirectory = await realpath(options.dataDirectory)
  const lock = await lockFolder(dataDirectory)
  let server: PostgresProcess
  let stopping = false

  const launch = async (ground: Ground) =>
    launchPostgres({
      ...ground,
      settings: {
        ...embeddedSettings,
        ...(options.archives === true && (await archiveSettings(dataDirectory, ground.account))),
        max_connections: String(MOST_CONNECTIONS + MORE_CONNECTIONS * (processes - 1)),
        ...ground.wayIn.settings,
      },
      onLine: speak(log),
      startTimeoutMs,
    })

  /** Right after a kill the dead server's backends still hold its memory for a moment, so a start may fail first. */
  const launchAgain = async (ground: Ground, tries: number): Promise<PostgresProcess> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await launch(ground)
      } catch (cause) {
        if (stopping || attempt >= tries) throw cause
        if (attempt % 10 === 0) log.error({ error: cause, attempt }, 'The embedded PostgreSQL does not start')
        await pause(Math.min(5_000, 100 * 1.5 ** attempt))
      }
    }
  }

  const watch = async (ground: Ground): Promise<void> => {
    while (!stopping) {
      const { code, signal } = await server.ended
      if (stopping) return
      log.error({ code, signal }, 'The embedded PostgreSQL ended by itself and is started again')
      options.onCrash?.()
      await endOrphan(ground.directory, log)
      server = await launchAgain(ground, Number.POSITIVE_INFINITY)
      log.warn({ pid: server.pid }, 'The embedded PostgreSQL runs again')
    }
  }

  try {
    const ground = await prepare(dataDirectory, options)
    server = await launchAgain(ground, 12)
    await ensureDatabase(ground.wayIn).catch(async (cause) => {
      await stopPostgres(server.pid)
      throw cause
    })
    const watching = watch(ground).catch((cause) => {
      if (!stopping) log.error({ error: cause }, 'The embedded PostgreSQL cannot be kept running')
    })
    const { host, port, password } = ground.wayIn
    return {
      connection: { host, port, user: NAME, database: NAME, ...(password && { password }) },
      pid: () => server.pid,
      stop: async () => {
        if (stopping) return
        stopping = true
        if (!server.isOver()) await stopPostgres(server.pid)
        await watching
        // A restart was under way, and its server is a new one.
        if (!server.isOver()) await stopPostgres(server.pid)
        lock.release()
      },
    }
  } catch (cause) {
    stopping = true
    lock.release()
    throw cause
  }
}
