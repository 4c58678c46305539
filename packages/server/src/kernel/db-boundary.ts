import { DatabaseRefused } from './db-errors.ts'

/** A connection that answers. */
interface Asked {
  readonly query: <R extends object>(text: string) => Promise<{ readonly rows: R[] }>
}

/** Proves that tenants are kept apart on the connection that asks. @throws {DatabaseRefused} with the fix. */
export const proveBoundary = async ({ query }: Asked): Promise<void> => {
  const role = await query<{ name: string; free: boolean }>(
    'SELECT rolname AS name, rolsuper OR rolbypassrls AS free FROM pg_roles WHERE rolname = current_user',
  )
  const actual = role.rows[0]
  if (actual?.name !== 'headgate_runtime' || actual.free) {
    throw new DatabaseRefused(
      'The role headgate_runtime may pass row-level security. An administrator must run:\n' +
        '  ALTER ROLE headgate_runtime NOSUPERUSER NOBYPASSRLS;',
    )
  }
  const open = await query<{ name: string; owned: boolean }>(
    `SELECT c.oid::regclass::text AS name, pg_get_userbyid(c.relowner) = 'headgate_runtime' AS owned
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'headgate'::regnamespace AND c.relkind IN ('r', 'p')
        AND a.attname = 'project_id' AND NOT a.attisdropped
        AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR pg_get_userbyid(c.relowner) = 'headgate_runtime')
      ORDER BY 1`,
  )
  if (open.rows.length === 0) return
  const fixes = open.rows.map(({ name, owned }) =>
    owned
      ? `  ALTER TABLE ${name} OWNER TO "<the owner of the schema headgate>";`
      : `  SELECT headgate.protect_tenant_table('${name}');`,
  )
  throw new DatabaseRefused(`Tables of tenants stand open. Run as their owner:\n${fixes.join('\n')}`)
}
