import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../test/support/database.ts'
import { administer, temporaryDirectory } from '../../test/support/services.ts'
import { DatabaseRefused } from './db-errors.ts'
import { migrate } from './migrate.ts'
import { MigrationRefused, readMigrations, shippedMigrations } from './migrate-files.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const databases: TestDatabase[] = []
let base: string
let counter = 0

const newDatabase = async (): Promise<TestDatabase> => {
  const database = await emptyDatabase()
  databases.push(database)
  return database
}

/** A folder with the house's own migration and the given further ones. */
const folder = async (files: Record<string, string> = {}): Promise<string> => {
  counter += 1
  const directory = join(base, String(counter))
  await mkdir(directory)
  await cp(join(shippedMigrations, '0001-house.sql'), join(directory, '0001-house.sql'))
  for (const [name, sql] of Object.entries(files)) await writeFile(join(directory, name), `-- owner: notes\n${sql}\n`)
  return directory
}

const ask = async <R extends object>(url: string, text: string): Promise<R[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

/** Everything the schema holds, as one text: equal texts are equal schemas. */
const schemaOf = async (url: string): Promise<string> => {
  const rows = await ask(
    url,
    `SELECT c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text AS rights,
            (SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull) ORDER BY attnum)
               FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
       FROM pg_class c WHERE relnamespace = 'headgate'::regnamespace ORDER BY 1, 2`,
  )
  return JSON.stringify(rows)
}

beforeAll(async () => {
  base = await temporaryDirectory('migrations')
})
afterAll(async () => {
  for (const database of databases) await database.drop()
})

test('the shipped migrations are numbered without a gap and name their owners', async () => {
  const migrations = await readMigrations(shippedMigrations)
  expect(migrations.map((migration) => migration.version)).toEqual(migrations.map((_, index) => index + 1))
})

test('many starters at once apply each migration once, a later start applies nothing', async () => {
  const { url } = await newDatabase()
  const directory = await folder({
    '0002-a.sql': 'CREATE TABLE headgate.a (n int); SELECT pg_sleep(0.2);',
    '0003-b.sql': 'CREATE TABLE headgate.b (n int);',
  })
  const runs = await Promise.all(Array.from({ length: 5 }, () => migrate({ connection: { url }, log, directory })))
  expect(runs.flat().sort()).toEqual(['0001-house', '0002-a', '0003-b'])
  expect(await migrate({ connection: { url }, log, directory })).toEqual([])
})

test('databases of one cluster may be prepared at once, though they share the role', async () => {
  const targets = await Promise.all([newDatabase(), newDatabase(), newDatabase()])
  const runs = await Promise.all(targets.map(({ url }) => migrate({ connection: { url }, log })))
  expect(new Set(runs.map((names) => names.join())).size).toBe(1)
})

test('an edited, an unknown and an overtaken migration are refused, and nothing is changed', async () => {
  const { url } = await newDatabase()
  const directory = await folder({ '0003-b.sql': 'CREATE TABLE headgate.b (n int);' })
  await migrate({ connection: { url }, log, directory })
  const before = await schemaOf(url)

  await writeFile(join(directory, '0003-b.sql'), '-- owner: notes\nCREATE TABLE headgate.b (n bigint);\n')
  await expect(migrate({ connection: { url }, log, directory })).rejects.toThrow(/0003-b differs/)
  await expect(migrate({ connection: { url }, log, directory: await folder() })).rejects.toThrow(/newer version/)
  const late = await folder({ '0002-a.sql': 'SELECT 1;', '0003-b.sql': 'CREATE TABLE headgate.b (n int);' })
  await expect(migrate({ connection: { url }, log, directory: late })).rejects.toThrow(/0002-a is missing/)
  await expect(migrate({ connection: { url }, log, directory: late })).rejects.toThrow(MigrationRefused)
  expect(await schemaOf(url)).toBe(before)
})

test('line ends changed by a checkout are no edit', async () => {
  const { url } = await newDatabase()
  const directory = await folder()
  await migrate({ connection: { url }, log, directory })
  const file = join(directory, '0001-house.sql')
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('\n', '\r\n'))
  expect(await migrate({ connection: { url }, log, directory })).toEqual([])
})

test('a migration killed after any of its statements leaves nothing; run again it reaches the clean schema', async () => {
  const clean = await newDatabase()
  const statements = [
    'CREATE TABLE headgate.a (project_id text NOT NULL, n int)',
    "SELECT headgate.protect_tenant_table('headgate.a')",
    'ALTER TABLE headgate.a ADD COLUMN m bigint',
    'CREATE INDEX a_m ON headgate.a (m)',
  ]
  const directory = await folder({ '0002-a.sql': statements.join(';\n') })
  await migrate({ connection: { url: clean.url }, log, directory })
  const wanted = await schemaOf(clean.url)
  for (let cut = 0; cut <= statements.length; cut += 1) {
    const { url } = await newDatabase()
    const killing = [
      ...statements.slice(0, cut),
      'SELECT pg_terminate_backend(pg_backend_pid())',
      ...statements.slice(cut),
    ]
    await expect(
      migrate({ connection: { url }, log, directory: await folder({ '0002-a.sql': killing.join(';\n') }) }),
    ).rejects.toThrow()
    expect(await ask(url, "SELECT 1 FROM pg_class WHERE oid = to_regclass('headgate.a')")).toEqual([])
    expect(await migrate({ connection: { url }, log, directory })).toEqual(['0002-a'])
    expect(await schemaOf(url)).toBe(wanted)
  }
})

test('behind a long transaction it waits in bounded steps, and goes on when that ends', async () => {
  const { url } = await newDatabase()
  await migrate({
    connection: { url },
    log,
    directory: await folder({ '0002-a.sql': 'CREATE TABLE headgate.a (n int);' }),
  })
  const reader = new pg.Client({ connectionString: url })
  await reader.connect()
  await reader.query('BEGIN; SELECT * FROM headgate.a')
  const directory = await folder({
    '0002-a.sql': 'CREATE TABLE headgate.a (n int);',
    '0003-b.sql': 'ALTER TABLE headgate.a ADD COLUMN m int;',
  })
  await expect(migrate({ connection: { url }, log, directory, attempts: 1 })).rejects.toMatchObject({ code: '55P03' })
  const patient = migrate({ connection: { url }, log, directory })
  setTimeout(() => void reader.query('COMMIT').then(() => reader.end()), 3_500)
  expect(await patient).toEqual(['0003-b'])
})

test('partitions: this month and the next ones, once, and the rights of the parent', async () => {
  const { url } = await newDatabase()
  await migrate({ connection: { url }, log })
  await administer(
    url,
    'CREATE TABLE headgate.entries (project_id text NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at)',
    'REVOKE UPDATE, DELETE ON headgate.entries FROM headgate_runtime',
    "SELECT headgate.protect_tenant_table('headgate.entries')",
  )
  const make = "SELECT headgate.ensure_monthly_partitions('headgate.entries', 2) AS made"
  const made = await Promise.all([ask<{ made: number }>(url, make), ask<{ made: number }>(url, make)])
  expect(
    made
      .flat()
      .map((row) => row.made)
      .sort((left, right) => left - right),
  ).toEqual([0, 3])
  const rows = await ask<{ ok: boolean }>(
    url,
    `SELECT relrowsecurity AND relforcerowsecurity AND has_table_privilege('headgate_runtime', oid, 'INSERT')
            AND NOT has_table_privilege('headgate_runtime', oid, 'DELETE') AS ok
       FROM pg_class WHERE relispartition AND relnamespace = 'headgate'::regnamespace AND relname LIKE 'entries%'`,
  )
  expect(rows).toEqual([{ ok: true }, { ok: true }, { ok: true }])
  await administer(
    url,
    "INSERT INTO headgate.entries VALUES ('p', date_trunc('month', now(), 'UTC')), ('p', date_trunc('month', now(), 'UTC') + interval '3 months' - interval '1 second')",
  )
  // The runtime role, which may create nothing itself, keeps them coming.
  await administer(
    url,
    "BEGIN; SET LOCAL ROLE headgate_runtime; SELECT headgate.ensure_monthly_partitions('headgate.entries', 4); COMMIT",
  )
  await expect(administer(url, "SELECT headgate.ensure_monthly_partitions('headgate.migrations', 2)")).rejects.toThrow(
    /not a partitioned/,
  )
})

test('a user without the rights is refused with the SQL for an administrator, and that SQL is enough', async () => {
  const home = await newDatabase()
  const login = `plain_${process.pid}_${counter}`
  await administer(home.url, `CREATE ROLE ${login} LOGIN PASSWORD 'plain'`)
  const url = new URL(home.url)
  url.username = login
  url.password = 'plain'
  const refused = await migrate({ connection: { url: url.href }, log }).catch((cause: unknown) => cause)
  expect(refused).toBeInstanceOf(DatabaseRefused)
  const advice = (refused as Error).message
    .split('\n')
    .slice(1)
    .filter((line) => !line.includes('CREATE ROLE'))
  expect(advice.length).toBe(3)
  await administer(home.url, ...advice)
  expect((await migrate({ connection: { url: url.href }, log })).length).toBe((await readdir(shippedMigrations)).length)
  await administer(home.url, `DROP OWNED BY ${login} CASCADE`, `DROP ROLE ${login}`)
})
