import type pg from 'pg'
import { DatabaseRefused } from './db-errors.ts'
import { tablesOf } from './db-move-tables.ts'
import { nextMigration, readMigrations, shippedMigrations } from './migrate-files.ts'

const oldest = 150_000
const begun = 'headgate move: begun'

const rowsThere = async (client: pg.Client): Promise<number> => {
  let rows = 0
  for (const { name } of await tablesOf(client)) {
    const counted = await client.query<{ rows: string }>(`SELECT count(*)::text AS rows FROM headgate."${name}"`)
    rows += Number(counted.rows[0]?.rows)
  }
  return rows
}

const whole = async (client: pg.Client): Promise<boolean> => {
  const applied = await client
    .query<{ version: number; name: string; checksum: string }>(
      'SELECT version, name, checksum FROM headgate.migrations',
    )
    .catch(() => ({ rows: [] }))
  return nextMigration(await readMigrations(shippedMigrations), applied.rows) === undefined
}

const judge = async (client: pg.Client): Promise<void> => {
  const { rows } = await client.query<{ version: number; encoding: string; follows: boolean; shown: string }>(
    `SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS shown,
            pg_encoding_to_char(encoding) AS encoding, pg_is_in_recovery() AS follows
       FROM pg_database WHERE datname = current_database()`,
  )
  const [target] = rows
  if (target === undefined || target.version < oldest)
    throw new DatabaseRefused(`The target is PostgreSQL ${target?.shown}; Headgate needs version 15 or newer.`)
  if (target.encoding !== 'UTF8')
    throw new DatabaseRefused(
      `The target database has the encoding ${target.encoding}; make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
    )
  if (target.follows) throw new DatabaseRefused('The target is a standby, which takes no writes. Name its primary.')
}

/**
 * Takes an empty database for a move, and notes that on its schema: a move that was broken off is known by it and may begin again, and what
 * anybody wrote there since then is not overwritten.
 * @throws {DatabaseRefused} when the server is too old, or the schema `headgate` holds anything.
 */
export const claimTarget = async (client: pg.Client) => {
  await judge(client)
  const { rows } = await client.query<{ tables: number; note: string | null }>(
    `SELECT (SELECT count(*)::integer FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')) AS tables,
            obj_description(n.oid, 'pg_namespace') AS note
       FROM pg_namespace n WHERE n.nspname = 'headgate'`,
  )
  const [schema] = rows
  if (schema !== undefined && schema.tables > 0) {
    const [, count] = /^headgate move: begun(?:, (\d+) rows)?$/.exec(schema.note ?? '') ?? [undefined, null]
    const isOurs =
      count !== null && (count === undefined ? !(await whole(client)) : (await rowsThere(client)) === Number(count))
    if (!isOurs)
      throw new DatabaseRefused(
        'The target is not empty: its schema headgate has tables. Name an empty database; nothing is written over.',
      )
  }
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS headgate; COMMENT ON SCHEMA headgate IS '${begun}'`)
  } catch (cause) {
    throw new DatabaseRefused(
      `The user of the target may not make the schema headgate there: ${(cause as Error).message}`,
      { cause },
    )
  }
  return {
    /** Notes how many rows the migrations themselves brought. */
    migrated: async () => {
      await client.query(`COMMENT ON SCHEMA headgate IS '${begun}, ${await rowsThere(client)} rows'`)
    },
    /** Takes the note away, in the transaction of the move. */
    done: () => client.query('COMMENT ON SCHEMA headgate IS NULL'),
  }
}
