import pg from 'pg'
import { DatabaseRefused } from './db-errors.ts'

/** A table that holds rows, with what has to stand aside while rows come into it. */
export interface StoredTable {
  readonly name: string
  /** Without generated ones. */
  readonly columns: readonly string[]
  readonly forced: boolean
  readonly triggers: readonly { readonly name: string; readonly enabled: string }[]
  /** The partitioned table above it, and its bounds. */
  readonly parent: string | null
  readonly bounds: string | null
}

/** Its own history stands on each side. */
const notMoved = 'migrations'

const TABLES = `
SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
       p.relname AS parent, pg_get_expr(c.relpartbound, c.oid) AS bounds,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              ORDER BY a.attname) AS columns,
       coalesce((SELECT json_agg(json_build_object('name', t.tgname, 'enabled', t.tgenabled))
                   FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), '[]') AS triggers
  FROM pg_class c
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
  LEFT JOIN pg_class p ON p.oid = i.inhparent
 WHERE c.relnamespace = 'headgate'::regnamespace AND c.relkind = 'r' AND c.relname <> '${notMoved}'
 ORDER BY c.relname`

/** By whole tables: which has to be there before which. */
const REFERENCES = `
SELECT DISTINCT coalesce(cp.relname, c.relname) AS child, coalesce(rp.relname, r.relname) AS parent
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_inherits ci ON ci.inhrelid = c.oid LEFT JOIN pg_class cp ON cp.oid = ci.inhparent
  JOIN pg_class r ON r.oid = k.confrelid LEFT JOIN pg_inherits ri ON ri.inhrelid = r.oid LEFT JOIN pg_class rp ON rp.oid = ri.inhparent
 WHERE k.contype = 'f' AND k.connamespace = 'headgate'::regnamespace AND NOT k.condeferrable`

/** The tables of the schema, those that others refer to before them. */
export const tablesOf = async (client: pg.Client): Promise<readonly StoredTable[]> => {
  const { rows: tables } = await client.query<StoredTable>(TABLES)
  const { rows: references } = await client.query<{ child: string; parent: string }>(REFERENCES)
  const ordered: StoredTable[] = []
  let waiting = tables
  while (waiting.length > 0) {
    const left = new Set(waiting.map(({ name, parent }) => parent ?? name))
    const isFree = ({ name, parent }: StoredTable) =>
      references.every((one) => one.child !== (parent ?? name) || one.parent === one.child || !left.has(one.parent))
    const free = waiting.filter(isFree)
    if (free.length === 0) throw new DatabaseRefused(`Tables refer to one another in a ring: ${[...left].join(', ')}.`)
    ordered.push(...free)
    waiting = waiting.filter((table) => !free.includes(table))
  }
  return ordered
}

/** Makes the partitions that are missing, as the house makes its own: with the rights and the protection of their parents. */
export const partitionsLike = async (client: pg.Client, tables: readonly StoredTable[]): Promise<void> => {
  const there = new Set((await tablesOf(client)).map(({ name }) => name))
  for (const { name, parent, bounds } of tables) {
    if (parent === null || bounds === null || there.has(name)) continue
    const [own, above] = [name, parent].map((part) => `headgate.${pg.escapeIdentifier(part)}`) as [string, string]
    await client.query(
      `CREATE TABLE ${own} PARTITION OF ${above} ${bounds}; REVOKE ALL ON ${own} FROM headgate_runtime`,
    )
    const { rows } = await client.query<{ privilege: string }>(
      `SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
        WHERE has_table_privilege('headgate_runtime', $1::regclass, privilege)`,
      [above],
    )
    for (const { privilege } of rows) await client.query(`GRANT ${privilege} ON ${own} TO headgate_runtime`)
    await client.query(
      `SELECT headgate.protect_tenant_table($1::regclass) FROM pg_class
        WHERE oid = $2::regclass AND relrowsecurity AND relforcerowsecurity`,
      [own, above],
    )
  }
}
