import pg from 'pg'
import { proveBoundary } from './db-boundary.ts'
import { columnTypes } from './db-columns.ts'
import {
  CommitOutcomeUnknown,
  DatabaseRefused,
  DatabaseUnavailable,
  errorCode,
  isConnectionFault,
  TransactionAborted,
} from './db-errors.ts'
import type { Log } from './log.ts'

/** The few log calls the kernel makes. */
export type KernelLog = Pick<Log, 'info' | 'warn' | 'error'>

/** Where a database is: a URL, or the parts (an absolute path as `host` is the folder of a Unix socket). */
export type DatabaseConnection =
  | { readonly url: string }
  | {
      readonly host: string
      readonly port?: number
      readonly user: string
      readonly database: string
      readonly password?: string
    }

/** On whose behalf: one project's rows, or all rows for the house's own work. */
export type Scope = { readonly project: string } | 'system'

export interface Result<R> {
  readonly rows: R[]
  readonly rowCount: number
}

/** What may be asked in a read: runs in a READ ONLY transaction, so a write fails in the database. */
export interface Read {
  readonly query: <R extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<Result<R>>
}

/** A write exists only here. Everything is kept together or not at all. */
export interface Transaction extends Read {
  /** Runs a statement and returns how many rows it touched. */
  readonly execute: (text: string, values?: readonly unknown[]) => Promise<number>
}

export interface Database {
  /** Runs `work` in a read-only transaction under the scope. */
  readonly read: <T>(scope: Scope, work: (read: Read) => Promise<T>) => Promise<T>
  /**
   * Runs `work` in a transaction under the scope: kept when it resolves, undone when it throws.
   * @throws {CommitOutcomeUnknown} when the connection was lost during COMMIT.
   */
  readonly transaction: <T>(scope: Scope, work: (transaction: Transaction) => Promise<T>) => Promise<T>
  /**
   * Runs one statement by itself, in one round trip and under no scope: for functions of the house that touch no tenant's
   * rows. @throws {DatabaseUnavailable}
   */
  readonly statement: <R extends object>(text: string, values: readonly unknown[]) => Promise<Result<R>>
  /** Milliseconds of one round trip. @throws {DatabaseUnavailable} */
  readonly ping: () => Promise<number>
  /** Opens connections until so many stand, or the pool is full; resolves to how many do. @throws {DatabaseUnavailable} */
  readonly warm: (connections: number) => Promise<number>
  /** Proves on a live connection that tenants are kept apart. @throws {DatabaseRefused} with the fix. */
  readonly assertRuntimeRole: () => Promise<void>
  /** Connections in use, idle and waited for. */
  readonly load: () => { readonly total: number; readonly idle: number; readonly waiting: number }
  readonly close: () => Promise<void>
}

export interface DatabaseOptions {
  readonly connection: DatabaseConnection
  readonly log: KernelLog
  readonly poolSize?: number
  /** Longest run of one statement. */
  readonly statementTimeoutMs?: number
  /** Longest wait until the first statement can run: free connection, connect and BEGIN together. */
  readonly acquireTimeoutMs?: number
  /** Most callers that may wait for a connection at once; more are refused at once. */
  readonly maximumWaiting?: number
  readonly applicationName?: string
}

/** The connection's part of a pg configuration. */
export const clientConfig = (connection: DatabaseConnection): pg.ClientConfig =>
  'url' in connection ? { connectionString: connection.url } : { port: 5432, ...connection }

const PROJECT_ID = /^[A-Za-z0-9_-]{1,128}$/

const scopeText = (scope: Scope): string => {
  if (scope === 'system') return '*'
  if (!PROJECT_ID.test(scope.project)) throw new TypeError('A project id has letters, digits, - and _ only')
  return scope.project
}

/** Opens a pool. Connects lazily; nothing is kept in a session, so a pooler in transaction mode may stand between. */
export const openDatabase = (options: DatabaseOptions): Database => {
  const { log, statementTimeoutMs = 10_000, acquireTimeoutMs = 2_000, poolSize = 10, maximumWaiting = 1_000 } = options
  const pool = new pg.Pool({
    ...clientConfig(options.connection),
    max: poolSize,
    connectionTimeoutMillis: acquireTimeoutMs,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1_800,
    keepAlive: true,
    application_name: options.applicationName ?? 'headgate',
    types: columnTypes,
    // A frozen server enforces no statement timeout: the client must give up by itself, a little later.
    query_timeout: statementTimeoutMs + 1_000,
  })
  pool.on('error', (cause) => log.warn({ error: cause }, 'An idle database connection was lost'))
  // A connection that dies between two statements of its user must not end the process: the next statement fails.
  pool.on('connect', (client) => client.on('error', () => undefined))

  const unavailable = (cause: unknown) =>
    new DatabaseUnavailable('The database does not answer', cause === undefined ? undefined : { cause })

  /** The pool's own limit counts from each call; a second try must fit into what the first has left. */
  const connect = (milliseconds: number): Promise<pg.PoolClient> =>
    new Promise((resolve, reject) => {
      let late = false
      const timer = setTimeout(() => {
        late = true
        reject(unavailable(new Error('No connection became free in time')))
      }, milliseconds)
      pool.connect().then(
        (client) => {
          clearTimeout(timer)
          if (late) client.release()
          else resolve(client)
        },
        (cause) => {
          clearTimeout(timer)
          reject(isConnectionFault(cause) ? unavailable(cause) : cause)
        },
      )
    })

  const begin = async (scope: Scope, mode: string): Promise<pg.PoolClient> => {
    if (pool.waitingCount >= maximumWaiting) throw unavailable(undefined)
    const preamble =
      `BEGIN ${mode}; SET LOCAL ROLE headgate_runtime; SET LOCAL headgate.scope = '${scopeText(scope)}'; ` +
      `SET LOCAL statement_timeout = ${statementTimeoutMs}`
    const deadline = performance.now() + acquireTimeoutMs
    const left = () => Math.max(50, Math.ceil(deadline - performance.now()))
    for (;;) {
      const client = await connect(left())
      try {
        await client.query({ text: preamble, query_timeout: left() } as pg.QueryConfig)
        return client
      } catch (cause) {
        client.release(true)
        if (!isConnectionFault(cause)) throw cause
        // The server may have been restarted while the connection lay idle: nothing ran yet, so take another one.
        if (performance.now() >= deadline) throw unavailable(cause)
      }
    }
  }

  const reader = (client: pg.PoolClient): Read => ({
    query: async (text, values) => {
      const result = await client.query(text, values as unknown[]).catch((cause) => {
        throw isConnectionFault(cause) ? unavailable(cause) : cause
      })
      return { rows: result.rows, rowCount: result.rowCount ?? 0 }
    },
  })

  const undo = async (client: pg.PoolClient, cause: unknown): Promise<void> => {
    if (isConnectionFault(cause)) return client.release(true)
    await client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    )
  }

  const read: Database['read'] = async (scope, work) => {
    const client = await begin(scope, 'READ ONLY')
    try {
      const value = await work(reader(client))
      // Nothing was written: the answer need not wait for COMMIT, only the next user of the connection must.
      void client.query('COMMIT').then(
        () => client.release(),
        () => client.release(true),
      )
      return value
    } catch (cause) {
      await undo(client, cause)
      throw cause
    }
  }

  const commit = async (client: pg.PoolClient): Promise<void> => {
    let result: pg.QueryResult
    try {
      result = await client.query('COMMIT')
    } catch (cause) {
      client.release(true)
      if (!isConnectionFault(cause)) throw cause
      throw new CommitOutcomeUnknown('The connection was lost during COMMIT', { cause })
    }
    client.release()
    if (result.command === 'ROLLBACK') throw new TransactionAborted('A failed statement undid the transaction')
  }

  const transaction: Database['transaction'] = async (scope, work) => {
    const client = await begin(scope, 'READ WRITE')
    const { query } = reader(client)
    const execute = async (text: string, values?: readonly unknown[]) => (await query(text, values)).rowCount
    let value: Awaited<ReturnType<typeof work>>
    try {
      value = await work({ query, execute })
    } catch (cause) {
      await undo(client, cause)
      throw cause
    }
    await commit(client)
    return value
  }

  const statement: Database['statement'] = async (text, values) => {
    if (pool.waitingCount >= maximumWaiting) throw unavailable(undefined)
    const client = await connect(acquireTimeoutMs)
    try {
      const result = await reader(client).query<never>(text, values)
      client.release()
      return result
    } catch (cause) {
      client.release(cause instanceof DatabaseUnavailable)
      throw cause
    }
  }

  const ping = async () => {
    const start = performance.now()
    await read('system', ({ query }) => query('SELECT 1'))
    return performance.now() - start
  }

  const warm = async (connections: number): Promise<number> => {
    // Taken all at once: what is given back would be taken a second time.
    const clients = await Promise.allSettled(
      Array.from({ length: Math.min(connections, poolSize) }, () => connect(acquireTimeoutMs)),
    )
    const standing = clients.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    for (const client of standing) client.release()
    const lost = clients.find((one) => one.status === 'rejected')
    if (standing.length === 0 && lost !== undefined) throw lost.reason
    return standing.length
  }

  const assertRuntimeRole = async () => {
    try {
      await read('system', proveBoundary)
    } catch (cause) {
      // 42704: no such role; 42501: not a member of it; 22023: SET ROLE to a role that does not exist.
      if (!['42704', '42501', '22023'].includes(errorCode(cause))) throw cause
      throw new DatabaseRefused(
        `The database user cannot become headgate_runtime (${(cause as Error).message}). An administrator must run:\n` +
          '  GRANT headgate_runtime TO "<the user of DATABASE_URL>";\nafter `headgate migrate` has made the role.',
        { cause },
      )
    }
  }

  return {
    read,
    transaction,
    statement,
    ping,
    warm,
    assertRuntimeRole,
    load: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  }
}
