import pg from 'pg'
import { clientConfig, type DatabaseConnection } from './db.ts'

/** What a database says of itself, read without changing or locking anything. */
export interface DatabaseProbe {
  /** Major version. */
  readonly version: number
  readonly login: string
  /** The role of its tenants' rows exists, and the login may act as it. */
  readonly hasRuntimeRole: boolean
  /** The login may make what is missing: role, schema, tables. */
  readonly mayPrepare: boolean
  /** Number of the newest migration applied; 0 for none. */
  readonly schemaVersion: number
  /** Its clock, milliseconds since the epoch, and how long the question took. */
  readonly now: number
  readonly tookMs: number
}

const QUESTION = `
SELECT current_setting('server_version_num')::int / 10000 AS version, current_user AS login,
       coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = 'headgate_runtime'), false) AS runtime,
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
         AND has_database_privilege(current_database(), 'CREATE') AS prepare,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'headgate' AND c.relname = 'migrations'
                  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) AS migrated,
       extract(epoch FROM clock_timestamp()) * 1000 AS now`

/** Asks a database once, on a connection of its own. @throws what the driver throws: refused, unreachable, no such user. */
export const probeDatabase = async (connection: DatabaseConnection, timeoutMs: number): Promise<DatabaseProbe> => {
  const client = new pg.Client({
    ...clientConfig(connection),
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    application_name: 'headgate-doctor',
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('BEGIN READ ONLY')
    const begun = performance.now()
    const { rows } = await client.query<{
      version: number
      login: string
      runtime: boolean
      prepare: boolean
      migrated: boolean
      now: string
    }>(QUESTION)
    const tookMs = performance.now() - begun
    const [row] = rows
    if (row === undefined) throw new Error('The database answered nothing')
    const applied = row.migrated
      ? await client.query<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM headgate.migrations')
      : { rows: [] }
    return {
      version: row.version,
      login: row.login,
      hasRuntimeRole: row.runtime,
      mayPrepare: row.prepare,
      schemaVersion: Number(applied.rows[0]?.version ?? 0),
      now: Number(row.now),
      tookMs,
    }
  } finally {
    await client.end().catch(() => undefined)
  }
}
