import pg from 'pg'
import { clientConfig, type DatabaseConnection, type KernelLog } from './db.ts'
import { copyIn, copyOut } from './db-copy.ts'
import { DatabaseRefused, DatabaseUnavailable, isConnectionFault } from './db-errors.ts'
import { partitionsLike, type StoredTable, tablesOf } from './db-move-tables.ts'
import { claimTarget } from './db-move-target.ts'
import { migrate } from './migrate.ts'

/** A table as it is on both sides. */
export interface MovedTable {
  readonly table: string
  readonly rows: number
  /** Of every row in any order: both halves of the sum of their MD5. */
  readonly checksum: string
}

const session =
  "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1; " +
  'SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET search_path = pg_catalog'

const connect = async (connection: DatabaseConnection): Promise<pg.Client> => {
  const client = new pg.Client({
    ...clientConfig(connection),
    application_name: 'headgate-move',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(session)
  } catch (cause) {
    await client.end().catch(() => undefined)
    if (isConnectionFault(cause)) throw new DatabaseUnavailable('The database does not answer', { cause })
    throw cause
  }
  return client
}

const columnsOf = ({ columns }: StoredTable): string => columns.map((name) => pg.escapeIdentifier(name)).join(', ')
const nameOf = (table: string): string => `headgate.${pg.escapeIdentifier(table)}`

const measure = async (client: pg.Client, table: StoredTable): Promise<MovedTable> => {
  const half = (from: number) => `coalesce(sum(('x' || substr(md5(line), ${from}, 16))::bit(64)::bigint), 0)`
  const { rows } = await client.query<{ rows: string; checksum: string }>(
    `SELECT count(*)::text AS rows, ${half(1)} || ':' || ${half(17)} AS checksum
       FROM (SELECT ROW(${columnsOf(table)})::text AS line FROM ${nameOf(table.name)}) lines`,
  )
  return { table: table.name, rows: Number(rows[0]?.rows), checksum: String(rows[0]?.checksum) }
}

/** Triggers are for what happens, and what is moved has happened; row security bars COPY, also for the owner where it is forced. */
const standAside = async (client: pg.Client, tables: readonly StoredTable[]): Promise<void> => {
  for (const { name, forced, triggers } of tables) {
    if (triggers.length > 0) await client.query(`ALTER TABLE ${nameOf(name)} DISABLE TRIGGER USER`)
    if (forced) await client.query(`ALTER TABLE ${nameOf(name)} NO FORCE ROW LEVEL SECURITY`)
  }
}

const standUp = async (client: pg.Client, tables: readonly StoredTable[]): Promise<void> => {
  for (const { name, forced, triggers } of tables) {
    for (const trigger of triggers) {
      const how = trigger.enabled === 'A' ? 'ENABLE ALWAYS' : trigger.enabled === 'R' ? 'ENABLE REPLICA' : 'ENABLE'
      if (trigger.enabled !== 'D')
        await client.query(`ALTER TABLE ${nameOf(name)} ${how} TRIGGER ${pg.escapeIdentifier(trigger.name)}`)
    }
    if (forced) await client.query(`ALTER TABLE ${nameOf(name)} FORCE ROW LEVEL SECURITY`)
  }
}

const moveSequences = async (from: pg.Client, to: pg.Client): Promise<void> => {
  const { rows } = await from.query<{ name: string }>(
    "SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'headgate'",
  )
  for (const { name } of rows) {
    const at = await from.query<{ last: string; called: boolean }>(
      `SELECT last_value::text AS last, is_called AS called FROM ${nameOf(name)}`,
    )
    await to.query('SELECT setval($1::regclass, $2::bigint, $3)', [nameOf(name), at.rows[0]?.last, at.rows[0]?.called])
  }
}

const history = async (client: pg.Client): Promise<string> =>
  JSON.stringify((await client.query('SELECT version, checksum FROM headgate.migrations ORDER BY version')).rows)

const moveTables = async (
  from: pg.Client,
  to: pg.Client,
  onTable: (moved: MovedTable) => void,
): Promise<readonly MovedTable[]> => {
  if ((await history(from)) !== (await history(to)))
    throw new DatabaseRefused('The two databases are not of the same version.')
  const tables = await tablesOf(from)
  await partitionsLike(to, tables)
  const there = await tablesOf(to)
  await standAside(to, there)
  await to.query(`TRUNCATE ${there.map(({ name }) => nameOf(name)).join(', ')}`)
  const moved: MovedTable[] = []
  for (const table of tables) {
    const what = `${nameOf(table.name)} (${columnsOf(table)})`
    await copyIn(to, `COPY ${what} FROM STDIN`, copyOut(from, `COPY ${what} TO STDOUT`))
    const [before, after] = [await measure(from, table), await measure(to, table)]
    if (before.rows !== after.rows || before.checksum !== after.checksum)
      throw new Error(
        `${table.name} differs: ${before.rows} rows with ${before.checksum} became ${after.rows} with ${after.checksum}. Nothing was moved.`,
      )
    moved.push(after)
    onTable(after)
  }
  await moveSequences(from, to)
  await standUp(to, there)
  return moved
}

/**
 * Copies everything of the schema `headgate` into another, empty database, in one transaction there and one snapshot here: either all of it is
 * there, each table with the same number of rows and the same checksum, or none of it. What is moved from is only read.
 * Broken off, it may be run again.
 * @throws {DatabaseRefused} when the target cannot take it, or is not empty; {DatabaseUnavailable} when one does not answer.
 */
export const moveStore = async (options: {
  readonly from: DatabaseConnection
  readonly to: DatabaseConnection
  readonly log: KernelLog
  readonly onTable?: (moved: MovedTable) => void
}): Promise<readonly MovedTable[]> => {
  const { log, onTable = () => {} } = options
  const from = await connect(options.from)
  try {
    const to = await connect(options.to)
    try {
      const begun = await claimTarget(to)
      await migrate({ connection: options.to, log })
      await begun.migrated()
      await from.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL headgate.scope = '*'")
      await to.query("BEGIN; SET LOCAL headgate.scope = '*'; SET CONSTRAINTS ALL DEFERRED")
      const moved = await moveTables(from, to, onTable)
      await begun.done()
      await to.query('COMMIT')
      // The new tables have no statistics yet, and the first plans would be bad ones.
      await to.query('ANALYZE').catch((cause) => log.warn({ error: cause }, 'The moved tables were not analysed'))
      return moved
    } finally {
      await to.end().catch(() => undefined)
    }
  } finally {
    await from.end().catch(() => undefined)
  }
}
