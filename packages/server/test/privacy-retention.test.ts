import { verify } from 'node:crypto'
import type { RetentionRecord, RetentionRun, RetentionTable } from '@headgate/contract/privacy-retention.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { dataMap } from '../src/features/privacy/map/map.ts'
import { createHoldStore } from '../src/features/privacy/holds.store.ts'
import { nameHolds } from '../src/features/privacy/name-holds.ts'
import { type Clock, systemClock } from '../src/kernel/clock.ts'
import { openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { type House, startHouse } from './support/house.ts'

const HOUR_MS = 3_600_000
/** What the house does every hour, when the test says so. */
const hourly: (() => void)[] = []
let house: House
let keys: Readonly<Record<string, string>>

beforeAll(async () => {
  const clock: Clock = {
    ...systemClock,
    every: (ms, callback) => {
      if (ms !== HOUR_MS) return systemClock.every(ms, callback)
      hourly.push(callback)
      return { cancel: () => undefined }
    },
  }
  house = await startHouse({
    overrides: { clock },
    environment: {
      HEADGATE_RETENTION_DAYS: '{"memories": 30, "assets": 30, "responses": 10}',
      HEADGATE_RETENTION_PROJECT_DAYS: '{"other/memories": 0, "brief/memories": 2}',
      HEADGATE_SESSIONS_KEEP_DAYS: '30',
    },
  })
  for (const id of ['other', 'brief']) await house.request('/admin/v1/projects', { body: { id, name: id } })
  const keyOf = async (project: string) => [project, (await house.makeKey({ project })).key] as const
  keys = Object.fromEntries(await Promise.all(['default', 'other', 'brief'].map(keyOf)))
}, 60_000)
afterAll(() => house.stop())

const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const given = await answer
  const text = await given.text()
  expect(given.status, text).toBeLessThan(300)
  return JSON.parse(text) as T
}
const post = (path: string, user: string, body: object | string, project = 'default') =>
  json<{ id: string }>(
    fetch(house.url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keys[project]}`,
        'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
        'x-headgate-user': user,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  )
const sql = <Row extends object>(text: string) => queryDatabase<Row>(house.databaseUrl, text)
const columns = {
  memories: 'confirmed_at',
  assets: 'updated_at',
  responses: 'created_at',
  conversation_sessions: 'updated_at',
}
const tables = Object.keys(columns) as (keyof typeof columns)[]
const age = (user: string, days: number) =>
  Promise.all(
    tables.map((table) =>
      sql(`UPDATE headgate.${table} SET ${columns[table]} = now() - interval '${days} days' WHERE subject = '${user}'`),
    ),
  )
/** One of everything that ages. */
const live = async (user: string): Promise<void> => {
  await post('/v1/sessions', user, { title: user })
  await post('/v1/memories', user, { text: `${user} likes lanterns` })
  await post('/v1/assets', user, `A text of ${user}`)
  await post('/v1/responses', user, { model: 'up/gpt-4o-mini', input: 'Hello' })
}
const left = async (user: string): Promise<string[]> => {
  const counted = await Promise.all(
    tables.map(async (table) => {
      const rows = await sql(`SELECT FROM headgate.${table} WHERE subject = '${user}'`)
      return rows.length > 0 ? [table] : []
    }),
  )
  return counted.flat()
}
const plan = async (): Promise<RetentionTable[]> =>
  (await json<{ data: RetentionTable[] }>(house.request('/admin/v1/retention'))).data
const run = (body: object = {}) => json<RetentionRun>(house.request('/admin/v1/retention/runs', { body }))

it('says what would end and touches nothing, ends it with signed evidence, and leaves alone whom a hold keeps', async () => {
  for (const user of ['fresh', 'aged', 'held']) await live(user)
  await post('/v1/memories', 'aged', { text: 'Kept for ever' }, 'other')
  await post('/v1/memories', 'aged', { text: 'Kept for two days' }, 'brief')
  await age('aged', 40)
  await age('held', 50)
  await sql(`UPDATE headgate.memories SET confirmed_at = now() - interval '3 days' WHERE project_id = 'brief'`)
  const hold = await json<{ id: string }>(
    house.request('/admin/v1/privacy/holds', {
      body: { project: 'default', user: 'held', reason: 'Case 17', expires_at: '2999-01-01T00:00:00Z' },
    }),
  )

  const due = new Map((await plan()).flatMap((row) => (row.class === null ? [] : [[row.table, row]])))
  expect([...due.keys()].sort()).toEqual([...tables].sort())
  expect(due.get('memories')).toMatchObject({ days: 30, project_days: { other: 0, brief: 2 } })
  expect(due.get('memories')?.due).toMatchObject([
    { project: 'brief', rows: 1, held: 0 },
    { project: 'default', rows: 1, held: 1 },
  ])
  for (const table of tables) expect(due.get(table)?.due).toContainEqual(expect.objectContaining({ rows: 1, held: 1 }))
  expect(await left('aged')).toEqual(tables)

  const ended = await run({ project: 'default' })
  expect(ended).toMatchObject({ has_more: false, records: [{ project: 'default' }] })
  const record = ended.records[0] as RetentionRecord
  const said = JSON.parse(record.record) as { tables: { table: string; erased: number; oldest: string }[] }
  expect(said).toMatchObject({ run: ended.id, project: 'default' })
  expect(said.tables.map(({ table, erased }) => `${table} ${erased}`).sort()).toEqual(
    tables.map((table) => `${table} 1`).sort(),
  )
  const { public_key: key } = await json<{ public_key: string }>(house.request('/admin/v1/privacy/receipt-key'))
  const signature = Buffer.from(record.signature, 'base64')
  expect(verify(null, Buffer.from(record.record), key, signature)).toBe(true)
  expect(verify(null, Buffer.from(record.record.replace('"erased":1', '"erased":2')), key, signature)).toBe(false)
  expect((await sql(`SELECT FROM headgate.memories WHERE subject = 'aged'`)).length).toBe(2)
  expect([await left('fresh'), await left('held')]).toEqual([tables, tables])

  // Every hour by itself, in every project.
  for (const callback of hourly) callback()
  await vi.waitFor(async () => {
    const { data } = await json<{ data: RetentionRecord[] }>(house.request('/admin/v1/retention/records'))
    expect(data.map(({ project }) => project)).toEqual(['brief', 'default'])
  }, 5_000)
  expect(await sql<{ project_id: string }>(`SELECT project_id FROM headgate.memories WHERE subject = 'aged'`)).toEqual([
    { project_id: 'other' },
  ])
  const audited = await sql(`SELECT FROM headgate.audit_entries WHERE action = 'retention.run'`)
  expect(audited.length).toBe(2)

  expect(await left('held')).toEqual(tables)
  await json(house.request(`/admin/v1/privacy/holds/${hold.id}`, { method: 'DELETE' }))
  expect((await sql('SELECT FROM headgate.privacy_held')).length).toBe(0)
  expect((await run()).records).toMatchObject([{ project: 'default' }])
  expect([await left('held'), await left('fresh')]).toEqual([[], tables])
})

it('what ends at a time of its own waits for a hold too, one from before its name was known included', async () => {
  await live('late')
  await live('free')
  await json(
    house.request('/admin/v1/privacy/holds', {
      body: { project: 'default', user: 'late', reason: 'Case 18', expires_at: '2999-01-01T00:00:00Z' },
    }),
  )
  for (const table of ['memories', 'responses'])
    await sql(`UPDATE headgate.${table} SET expires_at = now() - interval '1 day' WHERE subject IN ('late', 'free')`)
  for (const callback of hourly) callback()
  await vi.waitFor(async () => expect(await left('free')).toEqual(['assets', 'conversation_sessions']), 5_000)
  expect(await left('late')).toEqual(tables)
})

it('finds whom a hold is of that was made before purges heeded it', async () => {
  const direct = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog })
  const digestOf = ({ project, user }: { project: string; user: string }) => Buffer.from(`${project} of ${user}`)
  const holds = createHoldStore(direct, digestOf)
  const [at, until] = [new Date(), new Date('2999-01-01')]
  const hold = { project: 'default', reason: 'Case 19', by: 'admin', at, until }
  await holds.add({ ...hold, id: 'hold_1', user: 'fresh' }, async () => undefined)
  await holds.add({ ...hold, id: 'hold_2', user: 'nowhere' }, async () => undefined)
  await sql('DELETE FROM headgate.privacy_held')
  await nameHolds(direct, dataMap, holds, digestOf)
  expect(await sql('SELECT hold_id, subject FROM headgate.privacy_held')).toEqual([
    { hold_id: 'hold_1', subject: 'fresh' },
  ])
  await direct.close()
})

it('finds what is too old by an index', async () => {
  await sql(`INSERT INTO headgate.memories
    SELECT 'default', 'mem_' || lpad(n::text, 26, '0'), 'many', 'kept', 1, 'fact', 'all', 1, '', '', '', now(), now(),
           now() - CASE WHEN n % 200 = 0 THEN interval '60 days' ELSE interval '1 day' END, NULL
      FROM generate_series(1, 20000) n`)
  await sql('ANALYZE headgate.memories')
  const explained = await sql<{ 'QUERY PLAN': string }>(`EXPLAIN SELECT ctid FROM headgate.memories
     WHERE confirmed_at < now() - make_interval(days => 30) AND NOT headgate.is_held(project_id, subject)
     ORDER BY confirmed_at LIMIT 500 FOR UPDATE SKIP LOCKED`)
  expect(explained.map((row) => row['QUERY PLAN']).join('\n')).toContain('memories_age')
  const { records } = await run()
  expect(JSON.parse(records[0]?.record ?? '{}')).toMatchObject({ tables: [{ table: 'memories', erased: 100 }] })
})
