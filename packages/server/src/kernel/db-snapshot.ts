import pg from 'pg'
import { clientConfig, type DatabaseConnection } from './db.ts'
import { copyIn, copyOut } from './db-copy.ts'
import { DatabaseRefused, DatabaseUnavailable, isConnectionFault } from './db-errors.ts'

/** A table as it is named in the database. */
export interface SnapshotTable {
  readonly schema: string
  readonly name: string
  /** Without generated ones. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

/** A database as it stands at one moment. */
export interface Snapshot {
  readonly database: string
  /** Tables by their names, `schema.table` or as the search path finds them; those that others refer to first. @throws {DatabaseRefused} */
  readonly find: (names: readonly string[]) => Promise<readonly SnapshotTable[]>
  /** The rows of tables as a dump in SQL; the same each time it is asked for. */
  readonly dump: (tables: readonly SnapshotTable[]) => AsyncIterable<string>
  /** Puts other rows in the place of those that are there; only in a snapshot that was opened for that. */
  readonly replace: (table: SnapshotTable, lines: AsyncIterable<string>) => Promise<number>
  /** Takes all rows away from tables. */
  readonly clear: (tables: readonly SnapshotTable[]) => Promise<void>
}

const quoted = ({ schema, name }: SnapshotTable): string =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`
const columnList = ({ columns }: SnapshotTable): string =>
  columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ')

const TABLE = `
SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid,
       (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL)) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`

const find = async (client: pg.Client, names: readonly string[]): Promise<readonly SnapshotTable[]> => {
  const found = new Map<string, SnapshotTable>()
  for (const name of names) {
    const { rows } = await client.query<SnapshotTable & { oid: string }>(TABLE, [name])
    const [table] = rows
    if (table === undefined) throw new DatabaseRefused(`The database has no table ${name}.`)
    found.set(table.oid, table)
  }
  const { rows: references } = await client.query<{ child: string; parent: string }>(
    `SELECT DISTINCT conrelid::text AS child, confrelid::text AS parent FROM (
       SELECT conrelid::oid, confrelid::oid FROM pg_constraint
        WHERE contype = 'f' AND conrelid <> confrelid AND conrelid = ANY($1::oid[]) AND confrelid = ANY($1::oid[])) pairs`,
    [[...found.keys()]],
  )
  const ordered: SnapshotTable[] = []
  let waiting = [...found]
  while (waiting.length > 0) {
    const isFree = ([oid]: [string, SnapshotTable]) =>
      references.every(({ child, parent }) => child !== oid || !waiting.some(([other]) => other === parent))
    const free = waiting.filter(isFree)
    // Tables that refer to one another in a ring come as they were named.
    const next = free.length > 0 ? free : waiting
    ordered.push(...next.map(([, table]) => table))
    waiting = waiting.filter((one) => !next.includes(one))
  }
  return ordered
}

async function* dump(client: pg.Client, tables: readonly SnapshotTable[]): AsyncGenerator<string> {
  for (const table of tables) {
    const what = `${quoted(table)} (${columnList(table)})`
    yield `COPY ${what} FROM stdin;\n`
    const decoder = new TextDecoder()
    for await (const chunk of copyOut(client, `COPY (SELECT ${columnList(table)} FROM ${quoted(table)}) TO STDOUT`))
      yield decoder.decode(chunk, { stream: true })
    yield `${decoder.decode()}\\.\n`
  }
}

async function* bytesOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let buffer = ''
  for await (const line of lines) {
    buffer += line
    if (buffer.length < 65_536) continue
    yield Buffer.from(buffer)
    buffer = ''
  }
  if (buffer !== '') yield Buffer.from(buffer)
}

/**
 * Works on a database as it stands at one moment. With `write` its tables are locked against everybody else from when they are found, and what
 * the work changed is kept when it resolves; else nothing can be changed.
 * @throws {DatabaseRefused}, {DatabaseUnavailable}.
 */
export const withSnapshot = async <T>(
  connection: DatabaseConnection,
  mode: 'read' | 'write',
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> => {
  const client = new pg.Client({
    ...clientConfig(connection),
    application_name: 'headgate-anonymise',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(
      "SET client_encoding = 'UTF8'; SET datestyle = 'ISO'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
    )
    await client.query(
      mode === 'read'
        ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL headgate.scope = '*'"
        : 'BEGIN; SET CONSTRAINTS ALL DEFERRED',
    )
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
    const value = await work({
      database: rows[0]?.name ?? '',
      find: async (names) => {
        const tables = await find(client, names)
        if (mode === 'write' && tables.length > 0)
          await client.query(`LOCK TABLE ${tables.map(quoted).join(', ')} IN ACCESS EXCLUSIVE MODE`)
        return tables
      },
      dump: (tables) => dump(client, tables),
      clear: async (tables) => {
        for (const table of [...tables].reverse()) await client.query(`DELETE FROM ${quoted(table)}`)
      },
      replace: async (table, lines) => {
        await copyIn(client, `COPY ${quoted(table)} (${columnList(table)}) FROM STDIN`, bytesOf(lines))
        const counted = await client.query<{ rows: string }>(`SELECT count(*)::text AS rows FROM ${quoted(table)}`)
        return Number(counted.rows[0]?.rows)
      },
    })
    await client.query('COMMIT')
    return value
  } catch (cause) {
    if (isConnectionFault(cause)) throw new DatabaseUnavailable('The database does not answer', { cause })
    throw cause
  } finally {
    await client.end().catch(() => undefined)
  }
}
