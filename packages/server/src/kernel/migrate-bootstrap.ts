import type pg from 'pg'
import { DatabaseRefused, errorCode } from './db-errors.ts'

// Roles belong to the whole cluster: another database's Headgate may make it at the same moment, and no lock of this
// database would keep the two apart.
const CREATE_ROLE = `
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'headgate_runtime') THEN
    CREATE ROLE headgate_runtime NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$`

const JOIN_ROLE = `
DO $$ BEGIN
  IF NOT pg_has_role(current_user, 'headgate_runtime', 'MEMBER')
     OR NOT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
                     WHERE r.rolname = 'headgate_runtime' AND u.rolname = current_user) THEN
    EXECUTE format('GRANT headgate_runtime TO %I', current_user);
  END IF;
END $$`

const MAKE_HOUSE = `
CREATE SCHEMA IF NOT EXISTS headgate;
GRANT USAGE ON SCHEMA headgate TO headgate_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA headgate GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO headgate_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA headgate GRANT USAGE, SELECT ON SEQUENCES TO headgate_runtime;
CREATE TABLE IF NOT EXISTS headgate.migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
REVOKE INSERT, UPDATE, DELETE ON headgate.migrations FROM headgate_runtime`

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`

const refusal = async (client: pg.Client, cause: unknown): Promise<DatabaseRefused> => {
  const { rows } = await client.query<{ login: string; database: string }>(
    'SELECT current_user AS login, current_database() AS database',
  )
  const login = quote(rows[0]?.login ?? '')
  return new DatabaseRefused(
    `The database user ${login} may not prepare the database (${(cause as Error).message}). An administrator must run:\n` +
      '  CREATE ROLE headgate_runtime NOLOGIN NOSUPERUSER NOBYPASSRLS;  -- unless it exists\n' +
      `  GRANT headgate_runtime TO ${login};\n` +
      `  CREATE SCHEMA IF NOT EXISTS headgate AUTHORIZATION ${login};\n` +
      `  GRANT CREATE ON DATABASE ${quote(rows[0]?.database ?? '')} TO ${login};`,
    { cause },
  )
}

// unique_violation and "tuple concurrently updated" (XX000): another starter did the same thing at the same moment.
const CONCURRENT = new Set(['23505', '42P06', '42P07', '42710', 'XX000', '40001', '55P03'])

/**
 * Makes, if missing, the runtime role, the schema `headgate`, its default rights and the table of migrations.
 * @throws {DatabaseRefused} with the SQL for an administrator when the user lacks the rights.
 */
export const bootstrap = async (client: pg.Client): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for (const text of [CREATE_ROLE, JOIN_ROLE]) await client.query(text)
      await client.query(`BEGIN; SET LOCAL lock_timeout = '3s'; ${MAKE_HOUSE}; COMMIT`)
      await client.query('BEGIN; SET LOCAL ROLE headgate_runtime; COMMIT')
      return
    } catch (cause) {
      await client.query('ROLLBACK')
      if (errorCode(cause) === '42501') throw await refusal(client, cause)
      if (!CONCURRENT.has(errorCode(cause)) || attempt >= 5) throw cause
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt))
    }
  }
}
