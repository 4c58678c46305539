import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One numbered SQL file. */
export interface Migration {
  readonly version: number
  readonly name: string
  /** The feature that owns the tables made here, from `-- owner: <feature>` in line 1. */
  readonly owner: string
  readonly sql: string
  readonly checksum: string
}

/** The migrations and the database do not fit together; the message says how. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
}

/** The folder of the migrations that this Headgate brings. */
export const shippedMigrations = fileURLToPath(new URL('../../migrations', import.meta.url))

/**
 * Reads a folder's migrations in order. Line ends do not count for the checksum: a checkout may change them.
 * @throws {MigrationRefused} on a wrong name, a missing owner or a number used twice.
 */
export const readMigrations = async (directory: string): Promise<Migration[]> => {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const file of files) {
    const number = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file)
    if (!number) throw new MigrationRefused(`${file} is not named NNNN-name.sql`)
    const sql = (await readFile(join(directory, file), 'utf8')).replaceAll('\r\n', '\n')
    const owner = /^-- owner: ([a-z-]+)$/.exec(sql.split('\n', 1)[0] ?? '')?.[1]
    if (!owner) throw new MigrationRefused(`${file}: line 1 must be "-- owner: <feature>"`)
    const version = Number(number[1])
    if (migrations.at(-1)?.version === version)
      throw new MigrationRefused(`Two migrations have the number ${number[1]}`)
    const checksum = createHash('sha256').update(sql).digest('hex')
    migrations.push({ version, name: file.slice(0, -4), owner, sql, checksum })
  }
  return migrations
}

/**
 * The next migration to run, or nothing when all are applied.
 * @throws {MigrationRefused} when the database's history is not a beginning of the files.
 */
export const nextMigration = (
  migrations: readonly Migration[],
  applied: readonly { version: number; name: string; checksum: string }[],
): Migration | undefined => {
  const known = new Map(migrations.map((migration) => [migration.version, migration]))
  const done = new Set(applied.map((row) => row.version))
  for (const row of applied) {
    const file = known.get(row.version)
    if (!file) {
      throw new MigrationRefused(
        `The database holds migration ${row.name}, which this Headgate does not know: it was used by a newer version. ` +
          'Start that version, or restore a backup from before.',
      )
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationRefused(
        `Migration ${row.name} differs from the one applied to the database. An applied migration is never edited: ` +
          'install an unchanged Headgate.',
      )
    }
  }
  const newest = Math.max(0, ...done)
  const next = migrations.find((migration) => !done.has(migration.version))
  if (next && next.version < newest) {
    throw new MigrationRefused(`Migration ${next.name} is missing in the database, though later ones were applied.`)
  }
  return next
}
