import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'
import { administer, startPostgres, type TestService } from '../../test/support/services.ts'
import { type Database, openDatabase, type Scope } from './db.ts'
import { CommitOutcomeUnknown, DatabaseRefused, DatabaseUnavailable, TransactionAborted } from './db-errors.ts'
import { migrate } from './migrate.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const one = { project: 'one' }
const two = { project: 'two' }

describe('on the shared server', () => {
  let home: TestDatabase
  let database: Database

  beforeAll(async () => {
    home = await freshDatabase()
    await administer(
      home.url,
      'CREATE TABLE headgate.notes (project_id text NOT NULL, body text NOT NULL, at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (at)',
      "SELECT headgate.protect_tenant_table('headgate.notes')",
      "SELECT headgate.ensure_monthly_partitions('headgate.notes', 2)",
    )
    database = openDatabase({ connection: { url: home.url }, log, poolSize: 2 })
    for (const scope of [one, two]) {
      await database.transaction(scope, ({ execute }) =>
        execute('INSERT INTO headgate.notes (project_id, body) SELECT $1, i::text FROM generate_series(1, 1000) i', [
          scope.project,
        ]),
      )
    }
  })
  afterAll(async () => {
    await database.close()
    await home.drop()
  })

  const count = async (scope: Scope, table = 'headgate.notes', preamble = 'SELECT 1') =>
    database.read(scope, async ({ query }) => {
      await query(preamble)
      return (await query<{ n: bigint }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n
    })

  test('a query without a WHERE sees its own project only; without a scope it sees nothing', async () => {
    expect(await count(one)).toBe(1000n)
    expect(await count({ project: 'three' })).toBe(0n)
    expect(await count('system')).toBe(2000n)
    expect(await count('system', 'headgate.notes', 'RESET headgate.scope')).toBe(0n)
    expect(await count(one, 'headgate.notes', "SET LOCAL headgate.scope = ''")).toBe(0n)
  })

  test('a partition asked by its own name is closed as well', async () => {
    const name = await database.read(
      'system',
      async ({ query }) =>
        (await query<{ name: string }>('SELECT tableoid::regclass::text AS name FROM headgate.notes LIMIT 1')).rows[0]
          ?.name,
    )
    expect(name).toMatch(/^headgate\.notes_y\d{4}m\d{2}$/)
    expect(await count({ project: 'three' }, name)).toBe(0n)
    expect(await count(two, name)).toBe(1000n)
  })

  test('a row of another project can be neither written, changed nor removed', async () => {
    const asOne = (text: string) => database.transaction(one, ({ execute }) => execute(text))
    await expect(asOne("INSERT INTO headgate.notes (project_id, body) VALUES ('two', 'x')")).rejects.toThrow(
      /row-level/,
    )
    await expect(asOne("UPDATE headgate.notes SET project_id = 'two'")).rejects.toThrow(/row-level/)
    expect(await asOne("DELETE FROM headgate.notes WHERE project_id = 'two'")).toBe(0)
  })

  test('two tenants in turn over one connection never see each other', async () => {
    const single = openDatabase({ connection: { url: home.url }, log, poolSize: 1 })
    const seen = await Promise.all(
      Array.from({ length: 400 }, (_, index) => {
        const scope = index % 2 === 0 ? one : two
        return single.read(scope, async ({ query }) => {
          const { rows } = await query<{ project_id: string }>('SELECT DISTINCT project_id FROM headgate.notes')
          return rows.map((row) => row.project_id).join() === scope.project
        })
      }),
    )
    await single.close()
    expect(seen.filter((own) => !own).length).toBe(0)
  })

  test('the scope leaves the connection with the transaction', async () => {
    const client = new pg.Client({ connectionString: home.url })
    await client.connect()
    await client.query("BEGIN; SET LOCAL ROLE headgate_runtime; SET LOCAL headgate.scope = 'one'; COMMIT")
    const { rows } = await client.query("SELECT current_user <> 'headgate_runtime' AS back, headgate.scope() AS scope")
    await client.end()
    expect(rows[0]).toEqual({ back: true, scope: '' })
  })

  test('a project id that could leave its quotes is refused before it reaches the database', async () => {
    await expect(count({ project: "x'; RESET ROLE; --" })).rejects.toThrow(TypeError)
    await expect(count({ project: '*' })).rejects.toThrow(TypeError)
    await expect(count({ project: '' })).rejects.toThrow(TypeError)
    expect(database.load().waiting).toBe(0)
  })

  test('a read cannot write, a failed transaction leaves nothing, a swallowed failure is told', async () => {
    const insert = "INSERT INTO headgate.notes (project_id, body) VALUES ('one', 'late')"
    await expect(database.read(one, ({ query }) => query(insert))).rejects.toThrow(/read-only/)
    const failing = database.transaction(one, async ({ execute }) => {
      await execute(insert)
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    const swallowed = database.transaction(one, async ({ execute }) => {
      await execute(insert)
      await execute('SELECT 1/0').catch(() => undefined)
    })
    await expect(swallowed).rejects.toThrow(TransactionAborted)
    expect(await count(one)).toBe(1000n)
  })

  test('int8 comes as bigint, numeric as text, dates without a zone as text', async () => {
    const row = await database.read(one, async ({ query }) => {
      const text = `SELECT $1::int8 AS big, ARRAY[1, NULL]::int8[] AS many, 0.10::numeric AS exact,
                           '2026-01-01'::date AS day, $2::int8[] AS back`
      return (await query(text, [9007199254740993n, [5n]])).rows[0]
    })
    expect(row).toEqual({ big: 9007199254740993n, many: [1n, null], exact: '0.10', day: '2026-01-01', back: [5n] })
  })

  test('a full pool refuses after the bounded wait and serves again when free', async () => {
    const small = openDatabase({
      connection: { url: home.url },
      log,
      poolSize: 1,
      acquireTimeoutMs: 500,
      maximumWaiting: 3,
    })
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const holder = small.read(one, () => held)
    await small.read(one, async () => {}).catch(() => {})
    const started = performance.now()
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => small.read(one, async () => {})))
    expect(performance.now() - started).toBeLessThan(2_000)
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(DatabaseUnavailable)
    }
    release()
    await holder
    expect(await small.ping()).toBeGreaterThan(0)
    await small.close()
  })

  test('a statement longer than its limit is ended by the server, the connection goes on', async () => {
    const brisk = openDatabase({ connection: { url: home.url }, log, poolSize: 1, statementTimeoutMs: 200 })
    await expect(brisk.read(one, ({ query }) => query('SELECT pg_sleep(5)'))).rejects.toMatchObject({ code: '57014' })
    expect(await brisk.ping()).toBeGreaterThan(0)
    await brisk.close()
  })

  test('the runtime role is proved on the live connection, and each hole is refused with its fix', async () => {
    await database.assertRuntimeRole()
    await administer(home.url, 'CREATE TABLE headgate.gap (project_id text NOT NULL)')
    await expect(database.assertRuntimeRole()).rejects.toThrow("SELECT headgate.protect_tenant_table('headgate.gap');")
    await administer(home.url, 'ALTER TABLE headgate.gap ENABLE ROW LEVEL SECURITY')
    await expect(database.assertRuntimeRole()).rejects.toThrow(DatabaseRefused)
    await administer(home.url, "SELECT headgate.protect_tenant_table('headgate.gap')")
    await database.assertRuntimeRole()
  })

  test('the runtime role can create nothing and not touch the history of migrations', async () => {
    const asSystem = (text: string) => database.transaction('system', ({ execute }) => execute(text))
    await expect(asSystem('CREATE TABLE headgate.mine ()')).rejects.toThrow(/permission denied/)
    await expect(asSystem('DELETE FROM headgate.migrations')).rejects.toThrow(/permission denied/)
    await expect(asSystem('ALTER TABLE headgate.notes DISABLE ROW LEVEL SECURITY')).rejects.toThrow(/must be owner/)
  })
})

describe('on a server that fails', () => {
  let service: TestService
  let database: Database

  beforeAll(async () => {
    service = await startPostgres()
    await migrate({ connection: { url: service.url }, log })
    database = openDatabase({
      connection: { url: service.url },
      log,
      poolSize: 2,
      statementTimeoutMs: 1_000,
      acquireTimeoutMs: 1_000,
    })
  })
  afterAll(async () => {
    await database.close()
    await service.stop()
  })

  test('a frozen server is given up within the bound and used again when it thaws', async () => {
    await database.ping()
    service.signal('SIGSTOP')
    const started = performance.now()
    const outcomes = await Promise.allSettled([database.ping(), database.ping(), database.ping(), database.ping()])
    expect(performance.now() - started).toBeLessThan(4_000)
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(DatabaseUnavailable)
    }
    service.signal('SIGCONT')
    await expect.poll(() => database.ping().then(() => 'up'), { timeout: 5_000 }).toBe('up')
  })

  test('a killed and restarted server is used again without a failed request', async () => {
    await Promise.all([database.ping(), database.ping()])
    await service.kill()
    await expect(database.ping()).rejects.toThrow(DatabaseUnavailable)
    await service.restart()
    await expect.poll(() => database.ping().then(() => 'up'), { timeout: 5_000 }).toBe('up')
  })

  test('a connection lost inside COMMIT is told apart from a failure', async () => {
    // A deferred trigger that never ends: COMMIT itself is what hangs when the backend is killed.
    await administer(
      service.url,
      'CREATE TABLE headgate.slow (n int)',
      'CREATE FUNCTION headgate.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$',
      'CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON headgate.slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION headgate.wait()',
    )
    const patient = openDatabase({ connection: { url: service.url }, log, poolSize: 1, statementTimeoutMs: 20_000 })
    const outcome = patient
      .transaction('system', ({ execute }) => execute('INSERT INTO headgate.slow VALUES (1)'))
      .catch((cause: unknown) => cause)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await administer(
      service.url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'",
    )
    expect(await outcome).toBeInstanceOf(CommitOutcomeUnknown)
    await patient.close()
  })
})
