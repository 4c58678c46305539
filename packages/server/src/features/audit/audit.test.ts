import { afterAll, beforeAll, expect, test } from 'vitest'
import { queryDatabase } from '../../../test/faults/support/ledger-rows.ts'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { createAudit } from './audit.ts'
import { verifyAudit } from './verify.ts'

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
  'UPDATE headgate.audit_head SET seq = 0',
  'DELETE FROM headgate.audit_checkpoints',
  "UPDATE headgate.audit_keys SET name = 'another'",
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

test.each(['seq', 'seq + 2'])('a row that does not follow the last one is refused: %s', async (seq) => {
  const insert = database.transaction('system', ({ execute }) =>
    execute(
      `INSERT INTO headgate.audit_entries SELECT ${seq}, at, actor, action, resource, project_id, before, after, request_id, reason, hash, hash
       FROM headgate.audit_entries ORDER BY seq DESC LIMIT 1`,
    ),
  )
  await expect(insert).rejects.toMatchObject({ code: '23514' })
})

test.each([
  "UPDATE headgate.audit_entries SET actor = 'nobody'",
  'DELETE FROM headgate.audit_entries',
  'TRUNCATE headgate.audit_entries',
])('who owns the tables cannot do it by accident: %s', async (statement) => {
  await expect(queryDatabase(home.url, statement)).rejects.toMatchObject({ code: '42501' })
})

test('entries from before the chain are chained by the next one, and the mark says how many they were', async () => {
  const older = await freshDatabase()
  const store = openDatabase({ connection: { url: older.url }, log: quiet })
  try {
    await queryDatabase(
      older.url,
      `ALTER TABLE headgate.audit_entries DISABLE TRIGGER append;
       INSERT INTO headgate.audit_entries (seq, at, actor, action, resource, project_id, after)
         SELECT n, now(), 'admin', 'key.created', 'key/' || n, '*', jsonb_build_object('b', n / 3.0, 'a', 'ö')
         FROM generate_series(1, 1200) n;
       UPDATE headgate.audit_head SET seq = 1200;
       ALTER TABLE headgate.audit_entries ENABLE TRIGGER append`,
    )
    const { record, list } = createAudit({ database: store, clock: systemClock })
    // By a transaction of one project, which sees no other rows.
    await store.transaction({ project: 'one' }, (transaction) => record(transaction, entry))
    const { data } = await list({ limit: '3' })
    expect(data.map(({ seq, action, after }) => [seq, action, after])).toEqual([
      ['1202', 'key.created', null],
      ['1201', 'audit.chained', { entries: '1200' }],
      ['1200', 'key.created', { b: 400, a: 'ö' }],
    ])
    const report = await verifyAudit(store, [], { keys: [], foreign: [] })
    expect(report).toEqual({ ok: true, entries: '1202', checkpoints: 0, unsigned: '1202', findings: [] })
  } finally {
    await store.close()
    await older.drop()
  }
})
