import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { runCli } from '../src/cli/program.ts'
import { openDatabase } from '../src/kernel/db.ts'
import { copyIn, copyOut } from '../src/kernel/db-copy.ts'
import { moveStore } from '../src/kernel/db-move.ts'
import { startEmbedded } from '../src/kernel/embedded.ts'
import { silentLog } from '../src/kernel/log.ts'
import { emptyDatabase, freshDatabase, type TestDatabase } from './support/database.ts'
import { administer } from './support/services.ts'

vi.setConfig({ testTimeout: 120_000 })

let folder: string
let target: TestDatabase
let owner: string
let address: string
const client = async (url: string) => {
  const opened = new pg.Client({ connectionString: url })
  await opened.connect()
  return opened
}
const only = async (url: string, text: string) => {
  const asked = await client(url)
  try {
    return (await asked.query(text)).rows
  } finally {
    await asked.end()
  }
}

const command = async (...words: string[]) => {
  const printed = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((printed.out += String(text))) || true)
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((printed.err += String(text))) || true)
  const code = await runCli([...words, '--data-dir', join(folder, 'data'), '--json'])
  vi.restoreAllMocks()
  return { code, json: JSON.parse((code === 0 ? printed.out : printed.err) || 'null') }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-move-'))
  target = await emptyDatabase()
  // As on a server that somebody else runs: the owner of the database, and no superuser.
  owner = `mover_${randomBytes(4).toString('hex')}`
  await only(
    target.url,
    `CREATE ROLE ${owner} LOGIN PASSWORD 'a-password'; GRANT headgate_runtime TO ${owner}; ALTER DATABASE ${target.name} OWNER TO ${owner}`,
  )
  const url = new URL(target.url)
  url.username = owner
  url.password = 'a-password'
  address = url.href
  await command('keys', 'create', 'app')
  await command('projects', 'create', 'second')
}, 120_000)
afterAll(async () => {
  await target.drop()
  await administer(inject('postgresUrl'), `DROP ROLE IF EXISTS ${owner}`)
  await rm(folder, { recursive: true, force: true })
})

test('a target that is not empty, or that a move begun before was written to since, is refused and left as it is', async () => {
  const used = await freshDatabase()
  const refused = await command('move', '--to', used.url)
  expect(refused).toMatchObject({ code: 4, json: { error: { message: expect.stringContaining('not empty') } } })
  await used.drop()
  const begun = await emptyDatabase()
  await only(
    begun.url,
    "CREATE SCHEMA headgate; CREATE TABLE headgate.migrations (version integer, name text, checksum text); COMMENT ON SCHEMA headgate IS 'headgate move: begun, 3 rows'",
  )
  expect((await command('move', '--to', begun.url)).json.error.message).toContain('not empty')
  await begun.drop()
  expect((await command('move', '--to', 'http://nowhere')).json.error.message).toContain('no address of PostgreSQL')
})

test('everything is moved and compared, the audit still fits, and the old store is marked and left', async () => {
  // A partition of a month that is over, which no new database has.
  const source = await startEmbedded({ dataDirectory: join(folder, 'data'), log: silentLog })
  const here = new pg.Client(source.connection)
  await here.connect()
  await here.query(
    "CREATE TABLE headgate.ledger_entries_y2024m01 PARTITION OF headgate.ledger_entries FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00'); SELECT headgate.protect_tenant_table('headgate.ledger_entries_y2024m01')",
  )
  const broken = (async function* () {
    yield Buffer.from('a\tb\n')
    throw new Error('the sender broke')
  })()
  await here.query('CREATE TEMP TABLE lines (one text, two text)')
  await expect(copyIn(here, 'COPY lines FROM STDIN', broken)).rejects.toThrow('the sender broke')
  await expect(copyOut(here, 'COPY nothing TO STDOUT').next()).rejects.toThrow('does not exist')
  expect((await here.query('SELECT count(*)::integer AS n FROM lines')).rows).toEqual([{ n: 0 }])
  await here.end()
  // Broken off in the middle: nothing is there, and it may begin again.
  await expect(
    moveStore({
      from: source.connection,
      to: { url: address },
      log: silentLog,
      onTable: ({ table }) => {
        if (table === 'projects') throw new Error('stopped')
      },
    }),
  ).rejects.toThrow('stopped')
  expect(await only(target.url, 'SELECT count(*)::integer AS n FROM headgate.api_keys')).toEqual([{ n: 0 }])
  await source.stop()

  await writeFile(join(folder, 'target'), `${address}\n`)
  const moved = await command('move', '--to-file', join(folder, 'target'))
  expect(moved).toMatchObject({
    code: 0,
    json: {
      tables: expect.arrayContaining([
        expect.objectContaining({ table: 'audit_entries' }),
        { table: 'ledger_entries_y2024m01', rows: 0, checksum: '0:0' },
      ]),
    },
  })
  expect(moved.json.tables.find(({ table }: { table: string }) => table === 'api_keys').rows).toBeGreaterThan(0)
  expect(JSON.stringify(moved.json)).not.toContain('a-password')
  const database = openDatabase({ connection: { url: address }, log: silentLog })
  await database.assertRuntimeRole()
  await database.close()
  expect(
    await only(
      target.url,
      "SELECT count(*)::integer AS n FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'headgate'::regnamespace AND NOT tgisinternal AND tgenabled <> 'O'",
    ),
  ).toEqual([{ n: 0 }])
  expect(await only(target.url, "SELECT obj_description('headgate'::regnamespace, 'pg_namespace') AS note")).toEqual([
    { note: null },
  ])

  // The moved one is worked on: new rows come behind the old ones.
  const flags = ['--database-url', address]
  expect((await command('keys', 'create', 'later', ...flags)).code).toBe(0)
  expect((await command('keys', 'list', ...flags)).json.data).toHaveLength(2)
  expect((await command('audit', 'verify', ...flags)).code).toBe(0)
  expect(await command('keys', 'list')).toMatchObject({
    code: 4,
    json: { error: { message: expect.stringContaining('was moved to') } },
  })
  await rm(join(folder, 'data', 'moved.json'))
  expect((await command('keys', 'list')).json.data).toHaveLength(1)
})

test('a store of another major version is refused with the command, and written anew by it', async () => {
  const data = join(folder, 'data')
  const version = (await readFile(join(data, 'postgres', 'PG_VERSION'), 'utf8')).trim()
  await writeFile(join(data, 'postgres', 'PG_VERSION'), '12\n')
  const refused = await command('keys', 'list')
  expect(refused).toMatchObject({
    code: 4,
    json: { error: { message: expect.stringMatching(/PostgreSQL 12.*headgate upgrade-store --old-package/s) } },
  })
  await writeFile(join(data, 'postgres', 'PG_VERSION'), `${version}\n`)

  expect((await command('upgrade-store')).json.error.message).toContain('--old-package')
  const upgraded = await command('upgrade-store', '--rewrite')
  expect(upgraded).toMatchObject({
    code: 0,
    json: { from_major: version, aside: expect.stringContaining(`postgres-${version}-`) },
  })
  expect((await command('keys', 'list')).json.data).toHaveLength(1)
  expect((await command('audit', 'verify')).code).toBe(0)

  // Killed between the two clusters: no empty one is made, and the command ends what was left.
  const [aside] = (await readdir(data)).filter((name) => name.startsWith('postgres-1'))
  await cp(join(data, aside ?? ''), join(data, 'upgrade', 'postgres'), { recursive: true })
  await rm(join(data, 'postgres'), { recursive: true })
  await writeFile(join(data, 'upgrade', 'finished'), join(data, 'postgres-old'))
  expect((await command('keys', 'list')).json.error.message).toContain('Run headgate upgrade-store again')
  expect((await command('upgrade-store', '--rewrite')).code).toBe(0)
  expect((await command('keys', 'list')).json.data).toHaveLength(1)
})
