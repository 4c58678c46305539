import type { FolderView } from '@headgate/contract/conversation-folders.ts'
import type { SessionView } from '@headgate/contract/conversations.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { dumpDatabase, queryDatabase } from '../faults/support/ledger-rows.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { createSessionsClient, type Page, type SessionsClient } from './support/sessions-client.ts'

const hourMs = 3_600_000
let database: TestDatabase
let house: House
let client: SessionsClient
let other: SessionsClient

beforeAll(async () => {
  database = await freshDatabase()
  const clock: Clock = {
    ...systemClock,
    every: (ms, callback) => systemClock.every(ms === hourMs ? 200 : ms, callback),
  }
  const environment = {
    HEADGATE_SESSIONS_KEEP_DAYS: '30',
    HEADGATE_SESSIONS_PROJECT_KEEP_DAYS: '{"other": 0, "brief": 2}',
  }
  house = await startHouse({ databaseUrl: database.url, overrides: { clock }, environment })
  for (const id of ['other', 'brief']) await house.request('/admin/v1/projects', { body: { id, name: id } })
  client = createSessionsClient(house.url, (await house.makeKey()).key)
  other = createSessionsClient(house.url, (await house.makeKey({ project: 'other' })).key)
}, 60_000)
afterAll(async () => {
  await house.stop()
  await database.drop()
})

it('tells of one’s own folders, and gives them other names', async () => {
  const user = 'ada'
  const [one, two] = [await client.begin(user, { folder: 'School' }), await client.begin(user, { folder: 'School' })]
  await client.begin(user, { folder: 'Zoo', archived: true })
  await client.begin(user)
  await client.begin('ben', { folder: 'Ben' })
  await other.begin(user, { folder: 'Elsewhere' })
  const folders = async (by = client) => {
    const { data } = await by.told<{ data: FolderView[] }>('/sessions/folders', { user })
    return data.map(({ name, session_count: count }) => `${name} ${count}`)
  }
  const rename = (name: string, to: string | null) =>
    client.told('/sessions/folders', { method: 'PATCH', user, body: { name, new_name: to } })
  const inside = async (name: string) => {
    const { data } = await client.told<Page<SessionView>>(`/sessions?folder=${name}`, { user })
    return data.map(({ id, folder }) => [id, folder])
  }
  expect(await folders()).toEqual(['School 2', 'Zoo 1'])
  expect(await rename('School', 'Zoo')).toMatchObject({ name: 'Zoo', moved: 2, has_more: false })
  expect(await rename('School', 'Zoo')).toMatchObject({ moved: 0 })
  expect(await rename('Zoo', 'Zoo')).toMatchObject({ moved: 0 })
  expect(await folders()).toEqual(['Zoo 3'])
  expect(await inside('Zoo')).toEqual([
    [two.id, 'Zoo'],
    [one.id, 'Zoo'],
  ])
  expect((await client.told<SessionView>(`/sessions/${one.id}`, { user })).etag).not.toBe(one.etag)
  expect(await rename('Zoo', null)).toMatchObject({ name: null, moved: 3 })
  expect(await folders()).toEqual([])
  expect(await folders(other)).toEqual(['Elsewhere 1'])
  const body = { name: 'Zoo' }
  await expectFetchedError(await client.ask('/sessions/folders', { method: 'PATCH', user, body }), 'invalid_parameter')
})

it('finds sessions by words of their titles, which the database does not know', async () => {
  const user = 'cleo'
  const rivers = await client.begin(user, { title: 'Quiet rivers of ASIA' })
  await client.begin(user, { title: 'Loud rivers' })
  await client.begin('dan', { title: 'Quiet rivers' })
  const unnamed = await client.begin(user)
  const find = async (title: string, more = '') => {
    const query = `/sessions?title=${encodeURIComponent(title)}${more}`
    return (await client.told<Page<SessionView>>(query, { user })).data.map(({ id }) => id)
  }
  await client.say(user, unnamed.id, 'Tell me of asia, quiet reader!')
  expect(await find('asia QUIET')).toEqual([unnamed.id, rivers.id])
  expect(await find('rivers, quiet?')).toEqual([rivers.id])
  expect(await find('river')).toEqual([])
  expect(await find('rivers', '&limit=1')).toHaveLength(1)
  await client.told(`/sessions/${rivers.id}`, { method: 'PATCH', user, body: { title: 'Boats' } })
  expect(await find('rivers quiet')).toEqual([])
  expect(await find('boats')).toEqual([rivers.id])
  const titles = await queryDatabase(database.url, 'SELECT title_words FROM headgate.conversation_sessions')
  expect(titles.length).toBeGreaterThan(3)
  expect(await dumpDatabase(database.url)).not.toMatch(/boats/i)
})

it('deletes what has not changed for as long as its project keeps it', async () => {
  const brief = createSessionsClient(house.url, (await house.makeKey({ project: 'brief' })).key)
  const user = 'eve'
  const made = {
    old: await client.begin(user),
    young: await client.begin(user),
    forEver: await other.begin(user),
    briefOld: await brief.begin(user),
    briefYoung: await brief.begin(user),
  }
  await client.say(user, made.old.id, 'An old word')
  const age = (session: SessionView, days: number) =>
    queryDatabase(
      database.url,
      `UPDATE headgate.conversation_sessions SET updated_at = now() - interval '${days} days' WHERE session_id = '${session.id}'`,
    )
  await age(made.old, 31)
  await age(made.young, 29)
  await age(made.forEver, 5_000)
  await age(made.briefOld, 3)
  await age(made.briefYoung, 1)
  const left = async (by: SessionsClient) =>
    (await by.told<Page<SessionView>>('/sessions', { user })).data.map(({ id }) => id)
  await vi.waitFor(async () => expect(await left(client)).toEqual([made.young.id]), { timeout: 10_000 })
  await vi.waitFor(async () => expect(await left(brief)).toEqual([made.briefYoung.id]), { timeout: 10_000 })
  expect(await left(other)).toEqual([made.forEver.id])
  await expectFetchedError(await client.ask(`/sessions/${made.old.id}`, { user }), 'session_not_found')
  const synced = await client.told<Page<{ object: string; id: string }>>('/sync?since=s0', { user })
  expect(synced.data.map(({ id }) => id)).not.toContain(made.old.id)
})
