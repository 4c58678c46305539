import pg from 'pg'
import { clientConfig, type DatabaseConnection, type KernelLog } from './db.ts'
import { DatabaseUnavailable, errorCode, isConnectionFault } from './db-errors.ts'
import { bootstrap } from './migrate-bootstrap.ts'
import { type Migration, nextMigration, readMigrations, shippedMigrations } from './migrate-files.ts'

// Any number that no one else uses: "headgate" in ASCII.
const LOCK = '7522524005862142053'
const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK = '40P01'

export interface MigrateOptions {
  /** A user who owns the schema, which may be another one than the server's own. */
  readonly connection: DatabaseConnection
  readonly log: KernelLog
  readonly directory?: string
  /** How often a migration that waits for a lock is tried; each wait is at most 3 s. */
  readonly attempts?: number
}

const applied = async (client: pg.Client) =>
  (
    await client.query<{ version: number; name: string; checksum: string }>(
      'SELECT version, name, checksum FROM headgate.migrations ORDER BY version',
    )
  ).rows

/** One migration in one transaction under a transaction's lock: two starters at once take turns, a killed one leaves nothing. */
const step = async (client: pg.Client, migrations: readonly Migration[]): Promise<Migration | undefined> => {
  await client.query("BEGIN; SET LOCAL lock_timeout = '3s'; SET LOCAL headgate.scope = '*'")
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
    const next = nextMigration(migrations, await applied(client))
    if (next) {
      await client.query(next.sql)
      await client.query('INSERT INTO headgate.migrations (version, name, checksum) VALUES ($1, $2, $3)', [
        next.version,
        next.name,
        next.checksum,
      ])
    }
    await client.query('COMMIT')
    return next
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw cause
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Brings the database to this Headgate's schema and returns the names of what was applied.
 * @throws {MigrationRefused} when its history does not fit, {DatabaseRefused} when the user lacks rights,
 * {DatabaseUnavailable} when it does not answer.
 */
export const migrate = async (options: MigrateOptions): Promise<string[]> => {
  const { log, attempts = 10 } = options
  const migrations = await readMigrations(options.directory ?? shippedMigrations)
  const client = new pg.Client({
    ...clientConfig(options.connection),
    application_name: 'headgate-migrate',
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => undefined)
  const names: string[] = []
  try {
    await client.connect()
    await bootstrap(client)
    for (let attempt = 1; ; ) {
      try {
        const done = await step(client, migrations)
        if (!done) return names
        names.push(done.name)
        attempt = 1
        log.info({ migration: done.name }, 'Migration applied')
      } catch (cause) {
        if (![LOCK_NOT_AVAILABLE, DEADLOCK].includes(errorCode(cause)) || attempt >= attempts) throw cause
        log.warn({ attempt }, 'A migration waits for a lock and is tried again')
        await pause(Math.random() * 500 * attempt)
        attempt += 1
      }
    }
  } catch (cause) {
    if (isConnectionFault(cause)) throw new DatabaseUnavailable('The database does not answer', { cause })
    throw cause
  } finally {
    await client.end().catch(() => undefined)
  }
}
