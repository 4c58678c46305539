import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Database, type DatabaseConnection, openDatabase } from '../kernel/db.ts'
import { startEmbedded } from '../kernel/embedded.ts'
import { lockFolder } from '../kernel/embedded-lock.ts'
import type { Log } from '../kernel/log.ts'
import { migrate } from '../kernel/migrate.ts'

/** The storey that everything stands on: a migrated PostgreSQL, and a data folder that no other process uses. */
export interface Storage {
  readonly database: Database
  readonly connection: DatabaseConnection
  readonly journalDirectory: string
  /** What the store promises, in words for the start-up lines. */
  readonly promise: string
  readonly stop: () => Promise<void>
}

/**
 * Opens PostgreSQL, embedded unless a URL is configured, and brings it to this version's schema.
 * @throws FolderInUse, MigrationRefused, DatabaseRefused or DatabaseUnavailable.
 */
export const openStorage = async (config: Config, secrets: Secrets, log: Log): Promise<Storage> => {
  const url = secrets.database_url?.reveal()
  const ground =
    url === undefined
      ? await startEmbedded({ dataDirectory: config.data_dir, log })
      : { connection: { url }, stop: async () => lock.release() }
  const lock = url === undefined ? { release: () => {} } : await lockFolder(config.data_dir)
  try {
    await migrate({ connection: ground.connection, log })
    const database = openDatabase({ connection: ground.connection, log, applicationName: 'headgate' })
    await database.assertRuntimeRole()
    return {
      database,
      connection: ground.connection,
      journalDirectory: join(config.data_dir, 'journal'),
      promise:
        url === undefined
          ? 'embedded PostgreSQL: one machine, one disk; nothing acknowledged is lost when the process dies'
          : 'external PostgreSQL, schema "headgate"',
      stop: async () => {
        await database.close()
        await ground.stop()
      },
    }
  } catch (cause) {
    await ground.stop()
    throw cause
  }
}
