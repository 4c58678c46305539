import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'
import { administer } from '../../test/support/services.ts'
import { type Database, openDatabase } from './db.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
let home: TestDatabase
let database: Database

beforeAll(async () => {
  home = await freshDatabase()
  await administer(
    home.url,
    'CREATE TABLE headgate.notes (project_id text NOT NULL, body text NOT NULL, size bigint NOT NULL DEFAULT 9007199254740993)',
    "SELECT headgate.protect_tenant_table('headgate.notes')",
  )
  database = openDatabase({ connection: { url: home.url }, log, poolSize: 4 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

test('a project sees its own rows only, the house all of them', async () => {
  for (const project of ['one', 'two']) {
    await database.transaction({ project }, async ({ execute }) => {
      expect(await execute('INSERT INTO headgate.notes (project_id, body) VALUES ($1, $2)', [project, 'hello'])).toBe(1)
    })
  }
  const count = (scope: { project: string } | 'system') =>
    database.read(
      scope,
      async ({ query }) => (await query<{ n: bigint }>('SELECT count(*) AS n FROM headgate.notes')).rows[0]?.n,
    )
  expect(await count({ project: 'one' })).toBe(1n)
  expect(await count({ project: 'three' })).toBe(0n)
  expect(await count('system')).toBe(2n)
})
