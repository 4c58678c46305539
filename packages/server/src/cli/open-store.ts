import { loadConfig, type Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Database, type DatabaseConnection, openDatabase } from '../kernel/db.ts'
import { startEmbedded } from '../kernel/embedded.ts'
import { FolderInUse } from '../kernel/embedded-lock.ts'
import { silentLog } from '../kernel/log.ts'
import { migrate } from '../kernel/migrate.ts'
import { findRunningStore } from './running-store.ts'

/** Configuration flags by their kebab-case names. */
export type Flags = Partial<Record<string, string>>

/** The store that a command works on, migrated to this version. */
export interface OpenStore {
  readonly settings: Settings
  readonly config: Config
  readonly secrets: Secrets
  readonly database: Database
  readonly connection: DatabaseConnection
  /** The migrations applied by opening it. */
  readonly migrated: readonly string[]
}

interface Ground {
  readonly connection: DatabaseConnection
  readonly stop: () => Promise<void>
}

const WAITS = 50
const WAIT_MS = 100

/** The embedded PostgreSQL: the running server's if there is one, else our own for the moment, under the folder's lock. */
const embedded = async (dataDirectory: string, archives: boolean): Promise<Ground> => {
  for (let attempt = 1; ; attempt++) {
    try {
      const server = await startEmbedded({ dataDirectory, log: silentLog, archives })
      return { connection: server.connection, stop: server.stop }
    } catch (cause) {
      if (!(cause instanceof FolderInUse)) throw cause
      const connection = await findRunningStore(dataDirectory)
      if (connection) return { connection, stop: async () => {} }
      // The other process is just starting or ending.
      if (attempt >= WAITS) throw cause
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }
}

/**
 * Reaches the configured store, migrated, for work that speaks to PostgreSQL itself.
 * @throws as `withStore`.
 */
export const withStoreConnection = async <T>(
  flags: Flags,
  work: (connection: DatabaseConnection) => Promise<T>,
): Promise<T> => {
  const { config, secrets } = await loadConfig({ flags })
  const url = secrets.database_url?.reveal()
  const ground: Ground =
    url === undefined
      ? await embedded(config.data_dir, config.backups.directory !== undefined)
      : { connection: { url }, stop: async () => {} }
  try {
    await migrate({ connection: ground.connection, log: silentLog })
    return await work(ground.connection)
  } finally {
    await ground.stop()
  }
}

/**
 * Opens the configured store, does the work and closes it again, whether a server runs on it or not.
 * @throws ConfigFaults, DatabaseRefused, DatabaseUnavailable, MigrationRefused, EmbeddedUnavailable.
 */
export const withStore = async <T>(
  flags: Flags,
  work: (store: OpenStore) => Promise<T>,
  options: { readonly statementTimeoutMs?: number } = {},
): Promise<T> => {
  const settings = await loadConfig({ flags })
  const { config, secrets } = settings
  const url = secrets.database_url?.reveal()
  const ground: Ground =
    url === undefined
      ? await embedded(config.data_dir, config.backups.directory !== undefined)
      : { connection: { url }, stop: async () => {} }
  try {
    const migrated = await migrate({ connection: ground.connection, log: silentLog })
    const database = openDatabase({
      connection: ground.connection,
      log: silentLog,
      poolSize: 2,
      applicationName: 'headgate-cli',
      ...options,
    })
    try {
      await database.assertRuntimeRole()
      return await work({ settings, config, secrets, database, connection: ground.connection, migrated })
    } finally {
      await database.close()
    }
  } finally {
    await ground.stop()
  }
}
