import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { createAudit } from './audit.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
let home: TestDatabase
let database: Database

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: quiet, poolSize: 8 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

const audit = () => createAudit({ database, clock: systemClock })
const entry = { actor: 'admin', action: 'key.created', resource: 'key/abc', project: 'one' }

test('an entry is kept with its change and only with it; numbers have no gap, in any race', async () => {
  const { record, list } = audit()
  const undone = database.transaction('system', async (transaction) => {
    await record(transaction, { ...entry, resource: 'key/undone' })
    throw new Error('the change failed')
  })
  await expect(undone).rejects.toThrow('the change failed')
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      database
        .transaction('system', async (transaction) => {
          await record(transaction, { ...entry, resource: `key/${index}` })
          if (index % 3 === 0) throw new Error('undone')
        })
        .catch(() => {}),
    ),
  )
  const { data } = await list({ limit: '100' })
  expect(data.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 20 }, (_, index) => 20 - index))
  expect(data.some(({ resource }) => resource === 'key/undone')).toBe(false)
})

test('an entry reads back in whole, page by page, by project', async () => {
  const { record, list } = audit()
  await database.transaction('system', async (transaction) => {
    await record(transaction, { actor: 'cli', action: 'admin_key.made', resource: 'admin_key' })
    await record(transaction, {
      ...entry,
      project: 'two',
      before: { tier: 'pro' },
      after: { tier: 'free' },
      requestId: 'req_9',
      reason: 'asked for',
    })
  })
  const first = await list({ limit: '1' })
  expect(first).toMatchObject({ object: 'list', has_more: true })
  expect(first.data[0]).toMatchObject({
    object: 'audit_entry',
    actor: 'admin',
    project: 'two',
    before: { tier: 'pro' },
    after: { tier: 'free' },
    request_id: 'req_9',
    reason: 'asked for',
  })
  const second = await list({ limit: '1', after: first.next_cursor as string })
  expect(second.data[0]).toMatchObject({ actor: 'cli', project: null })
  expect((await list({ project: 'two' })).data).toHaveLength(1)
})

test.each([
  "UPDATE headgate.audit_entries SET actor = 'nobody'",
  'DELETE FROM headgate.audit_entries',
  'TRUNCATE headgate.audit_entries',
  'DELETE FROM headgate.audit_head',
])('the running server cannot do: %s', async (statement) => {
  await expect(database.transaction('system', ({ execute }) => execute(statement))).rejects.toMatchObject({
    code: '42501',
  })
})

test('a project sees its own entries only, never those of the house', async () => {
  const { rows } = await database.read({ project: 'two' }, ({ query }) =>
    query<{ project_id: string }>('SELECT project_id FROM headgate.audit_entries'),
  )
  expect(new Set(rows.map((row) => row.project_id))).toEqual(new Set(['two']))
})
