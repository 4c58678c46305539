import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Secrets } from '../config/secrets.ts'
import { listLeftJournals } from '../features/ledger/journal-folders.ts'
import { type Database, type DatabaseConnection, openDatabase } from '../kernel/db.ts'
import { startEmbedded } from '../kernel/embedded.ts'
import { lockFolder } from '../kernel/embedded-lock.ts'
import type { Log } from '../kernel/log.ts'
import { migrate } from '../kernel/migrate.ts'
import { alone, type Crew } from './crew.ts'

/** The storey that everything stands on: a migrated PostgreSQL, and a data folder that no other process uses. */
export interface Storage {
  readonly database: Database
  readonly connection: DatabaseConnection
  readonly journalDirectory: string
  /** Journals of processes that are no longer of the crew; this process settles them. */
  readonly leftJournals: () => readonly string[]
  /** What the store promises, in words for the start-up lines. */
  readonly promise: string
  readonly stop: () => Promise<void>
}

/** A migrated PostgreSQL, and a data folder that no other process uses. */
export interface StorageGround {
  readonly connection: DatabaseConnection
  readonly promise: string
  readonly stop: () => Promise<void>
}

/** Folder of the journal of one of the processes that share a data folder, by its number from 1. */
const journalOf = (dataDirectory: string, number: number): string =>
  join(dataDirectory, number === 1 ? 'journal' : `journal-${number}`)

/**
 * Locks the data folder, starts PostgreSQL unless a URL is configured, and brings it to this version's schema. `processes`:
 * how many will connect.
 * @throws FolderInUse, MigrationRefused, DatabaseRefused or DatabaseUnavailable.
 */
export const openGround = async (
  config: Config,
  secrets: Secrets,
  log: Log,
  processes: number,
): Promise<StorageGround> => {
  const url = secrets.database_url?.reveal()
  const lock = url === undefined ? { release: () => {} } : await lockFolder(config.data_dir)
  try {
    const ground =
      url === undefined
        ? await startEmbedded({
            ...{ dataDirectory: config.data_dir, log, processes },
            archives: config.backups.directory !== undefined,
          })
        : { connection: { url }, stop: async () => lock.release() }
    try {
      await migrate({ connection: ground.connection, log })
    } catch (cause) {
      await ground.stop()
      throw cause
    }
    return {
      connection: ground.connection,
      promise:
        url === undefined
          ? 'embedded PostgreSQL: one machine, one disk; nothing acknowledged is lost when the process dies'
          : 'external PostgreSQL, schema "headgate"',
      stop: ground.stop,
    }
  } catch (cause) {
    lock.release()
    throw cause
  }
}

/**
 * Connects one process to a ground that stands, and proves that tenants are kept apart there. `stop` closes the connections alone.
 * @throws DatabaseRefused or DatabaseUnavailable.
 */
export const joinStorage = async (
  { connection, promise }: Pick<StorageGround, 'connection' | 'promise'>,
  config: Config,
  log: Log,
  { number, size }: Pick<Crew, 'number' | 'size'> = alone,
): Promise<Storage> => {
  const database = openDatabase({ connection, log, applicationName: 'headgate' })
  try {
    await database.assertRuntimeRole()
  } catch (cause) {
    await database.close()
    throw cause
  }
  return {
    database,
    connection,
    journalDirectory: journalOf(config.data_dir, number),
    // The first looks after what a larger crew left.
    leftJournals: () => (number === 1 ? listLeftJournals(config.data_dir, size) : []),
    promise,
    stop: database.close,
  }
}

/**
 * Opens everything for a process that serves alone.
 * @throws FolderInUse, MigrationRefused, DatabaseRefused or DatabaseUnavailable.
 */
export const openStorage = async (config: Config, secrets: Secrets, log: Log): Promise<Storage> => {
  const ground = await openGround(config, secrets, log, 1)
  try {
    const storage = await joinStorage(ground, config, log)
    return {
      ...storage,
      stop: async () => {
        await storage.stop()
        await ground.stop()
      },
    }
  } catch (cause) {
    await ground.stop()
    throw cause
  }
}
