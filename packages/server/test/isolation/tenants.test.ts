import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../src/kernel/db.ts'
import { type House, startHouse } from '../support/house.ts'

let house: House
let database: Database
let owner: pg.Client
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const projects = ['tenant-a', 'tenant-b'] as const
const keys: Record<string, { id: string; key: string }> = {}

beforeAll(async () => {
  house = await startHouse()
  for (const project of projects) {
    await house.request('/admin/v1/projects', { body: { id: project, name: project } })
    const budget = { limit_usd: '5', window: 'day' }
    keys[project] = await house.makeKey({ project, budget })
  }
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silent })
  owner = new pg.Client({ connectionString: house.databaseUrl })
  await owner.connect()
  await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const project = projects[index % 2] as string
      const answer = await house.request('/v1/chat/completions', {
        key: keys[project]?.key ?? '',
        body: { model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], user: project },
      })
      if (answer.status !== 200) throw new Error(`no call: ${await answer.text()}`)
      await answer.text()
    }),
  )
  await house.settled()
})
afterAll(async () => {
  await owner.end()
  await database.close()
  await house.stop()
})

const tenantTables = async (): Promise<string[]> => {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'project_id'
     WHERE c.relnamespace = 'headgate'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

describe('the role that serves requests', () => {
  it('is no superuser, passes no row security, owns nothing', async () => {
    const { rows } = await database.read('system', (read) =>
      read.query<{ role: string; rolsuper: boolean; rolbypassrls: boolean; owned: bigint }>(
        `SELECT current_user AS role, rolsuper, rolbypassrls,
           (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned
         FROM pg_roles r WHERE rolname = current_user`,
      ),
    )
    expect(rows).toEqual([{ role: 'headgate_runtime', rolsuper: false, rolbypassrls: false, owned: 0n }])
  })

  it('finds row security forced on every table with a tenant, and on every partition', async () => {
    const tables = await tenantTables()
    expect(tables.length).toBeGreaterThanOrEqual(5)
    const { rows } = await owner.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'headgate'::regnamespace AND relname = ANY($1)
       AND NOT (relrowsecurity AND relforcerowsecurity)`,
      [tables],
    )
    expect(rows).toEqual([])
  })

  it('sees through no view or function of the schema: each runs with the rights of who asks, or is not for it', async () => {
    const { rows } = await owner.query(
      `SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'headgate'::regnamespace AND p.prosecdef
       AND has_function_privilege('headgate_runtime', p.oid, 'EXECUTE') AND p.prorettype <> 'integer'::regtype
       UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'headgate'::regnamespace AND relkind IN ('v', 'm')`,
    )
    expect(rows).toEqual([])
  })
})

describe('a query that forgot its WHERE', () => {
  it('sees one project, and none without a scope', async () => {
    const counts: Record<string, bigint[]> = {}
    for (const table of await tenantTables()) {
      for (const project of projects) {
        const { rows } = await database.read({ project }, (read) =>
          read.query<{ project_id: string; count: bigint }>(
            `SELECT project_id, count(*) AS count FROM headgate.${pg.escapeIdentifier(table)} GROUP BY 1`,
          ),
        )
        expect(
          rows.filter((row) => row.project_id !== project),
          `${table} as ${project}`,
        ).toEqual([])
        counts[table] = [...(counts[table] ?? []), rows[0]?.count ?? 0n]
      }
      const unscoped = await owner
        .query(
          `BEGIN; SET LOCAL ROLE headgate_runtime; SELECT count(*)::int AS count FROM headgate.${pg.escapeIdentifier(table)}`,
        )
        .finally(() => void owner.query('ROLLBACK'))
      const [, , result] = unscoped as unknown as { rows: { count: number }[] }[]
      expect(result?.rows[0]?.count, table).toBe(0)
    }
    expect(counts['ledger_entries']).toEqual([30n, 30n])
    expect(counts['api_keys']).toEqual([1n, 1n])
    expect(counts['budgets']).toEqual([1n, 1n])
  })

  it('can write or remove nothing of another', async () => {
    for (const table of await tenantTables()) {
      const name = `headgate.${pg.escapeIdentifier(table)}`
      for (const statement of [`UPDATE ${name} SET project_id = 'tenant-a'`, `DELETE FROM ${name}`]) {
        const attempt = database.transaction({ project: 'tenant-b' }, async (transaction) => {
          await transaction.execute(statement)
          const { rows } = await transaction.query<{ count: bigint }>(`SELECT count(*) AS count FROM ${name}`)
          throw new Error(`undone after ${rows[0]?.count}`)
        })
        await expect(attempt).rejects.toThrow()
      }
    }
    const after = await owner.query(`SELECT project_id, count(*)::int AS count FROM headgate.ledger_entries GROUP BY 1`)
    expect(
      Object.fromEntries(after.rows.map((row: { project_id: string; count: number }) => [row.project_id, row.count])),
    ).toEqual({ 'tenant-a': 30, 'tenant-b': 30 })
  })
})

describe('usage', () => {
  const read = async (path: string, project: string) =>
    (await (await house.request(path, { key: keys[project]?.key ?? '' })).json()) as {
      data: { id: string; project: string; user: string; request_id: string }[]
      totals: { requests: number }
      budget: { spent_usd: string }
    }

  it('of one project is invisible to the other, in lists, sums, budgets and by cursor', async () => {
    for (const project of projects) {
      for (const scope of ['key', 'project']) {
        const list = await read(`/v1/usage?limit=100&scope=${scope}`, project)
        expect(list.data).toHaveLength(30)
        expect(new Set(list.data.map((row) => `${row.project} ${row.user}`))).toEqual(
          new Set([`${project} ${project}`]),
        )
        expect(list.totals.requests).toBe(30)
      }
    }
    const [theirs] = (await read('/v1/usage?limit=1', 'tenant-a')).data
    const cursor = await house.request(`/v1/usage?after=${Date.now() + 1_000}_${theirs?.id}`, {
      key: keys['tenant-b']?.key ?? '',
    })
    expect(await cursor.text()).not.toContain('tenant-a')
  })

  it('asked for at the same time by both over the same connections stays apart', async () => {
    for (let round = 0; round < 20; round++) {
      const lists = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const project = projects[index % 2] as string
          return { project, list: await read('/v1/usage?scope=project&limit=100', project) }
        }),
      )
      for (const { project, list } of lists) {
        expect(list.data).toHaveLength(30)
        expect(list.data.filter((row) => row.project !== project)).toEqual([])
      }
    }
  })

  it('of an equal request id is each project’s own', async () => {
    for (const project of projects) {
      const answer = await fetch(`${house.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${keys[project]?.key}`,
          'content-type': 'application/json',
          'x-request-id': 'shared-by-both',
        },
        body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }], user: project }),
      })
      await answer.text()
    }
    for (const settled of [false, true]) {
      if (settled) await house.settled()
      for (const project of projects) {
        const answer = await house.request('/v1/usage/shared-by-both', { key: keys[project]?.key ?? '' })
        expect((await answer.json()) as object).toMatchObject({ project, user: project })
      }
    }
  })
})
