import type { SessionMessageView, SessionView } from '@headgate/contract/conversations.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dumpDatabase } from '../faults/support/ledger-rows.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'

let database: TestDatabase
let house: House
let key: string
const secret = 'lanternword'
const absent = 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAV'

beforeAll(async () => {
  database = await freshDatabase()
  house = await startHouse({
    databaseUrl: database.url,
    environment: {
      HEADGATE_SESSIONS_MAX_SESSIONS: '12',
      HEADGATE_SESSIONS_MAX_MESSAGES: '60',
      HEADGATE_SESSIONS_MAX_MESSAGE_BYTES: '20000',
      HEADGATE_SESSIONS_OWNER_BYTES: '60000',
    },
  })
  await house.request('/admin/v1/projects', { body: { id: 'other', name: 'other' } })
  key = (await house.makeKey()).key
}, 60_000)
afterAll(async () => {
  await house.stop()
  await database.drop()
})

interface Ask {
  readonly method?: string
  readonly body?: unknown
  readonly user?: string
  readonly headers?: Record<string, string>
  readonly by?: string
}
const ask = (path: string, { method, body, user, headers = {}, by = key }: Ask = {}): Promise<Response> =>
  fetch(`${house.url}/v1/sessions${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${by}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(user !== undefined && { 'x-headgate-user': user }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const told = async <T>(path: string, options: Ask = {}): Promise<T> => {
  const answer = await ask(path, options)
  expect(answer.status, await answer.clone().text()).toBeLessThan(300)
  return (await answer.json()) as T
}
const begin = (user: string, fields: object = {}) => told<SessionView>('', { body: fields, user })
const say = (user: string, session: string, content: unknown, more: object = {}, role = 'user') =>
  told<SessionMessageView>(`/${session}/messages`, { body: { message: { role, content }, ...more }, user })
interface Page<T> {
  readonly data: T[]
  readonly has_more: boolean
  readonly next_cursor: string | null
}
const textsOf = ({ data }: Page<SessionMessageView>) => data.map(({ message }) => message.content)

describe('a session', () => {
  it('is begun, read, changed from a known state alone, listed by its last change, and erased', async () => {
    const user = 'ada'
    const made = await begin(user, {
      title: secret,
      folder: `${secret}-folder`,
      agent: { model: 'demo', system: 'Short.' },
    })
    expect(made).toMatchObject({ object: 'session', title: secret, pinned: false, message_count: 0, active_leaf: null })
    const other = await begin(user, { pinned: true })
    const read = await ask(`/${made.id}`, { user })
    expect(read.headers.get('etag')).toBe(made.etag)
    expect(await read.json()).toEqual(made)
    expect((await ask(`/${made.id}`, { user, headers: { 'if-none-match': made.etag } })).status).toBe(304)

    const ids = async (query: string) => (await told<Page<SessionView>>(query, { user })).data.map(({ id }) => id)
    expect(await ids('')).toEqual([other.id, made.id])
    const change = (body: object, etag?: string) =>
      ask(`/${made.id}`, { method: 'PATCH', body, user, ...(etag && { headers: { 'if-match': etag } }) })
    const changed = (await (await change({ title: 'Rivers' }, made.etag)).json()) as SessionView
    expect(changed).toMatchObject({ title: 'Rivers', folder: `${secret}-folder`, agent: made.agent })
    expect(changed.etag).not.toBe(made.etag)
    for (const method of ['PATCH', 'DELETE']) {
      const stale = {
        method,
        user,
        headers: { 'if-match': made.etag },
        ...(method === 'PATCH' && { body: { title: 'Lost' } }),
      }
      await expectFetchedError(await ask(`/${made.id}`, stale), 'session_changed')
    }
    await expectFetchedError(await change({ title: 'Lost' }, '"nothing"'), 'session_changed')
    expect(await told(`/${made.id}`, { user })).toEqual(changed)
    expect(await ids('')).toEqual([made.id, other.id])
    expect(await ids('?pinned=true')).toEqual([other.id])
    expect(await ids('?pinned=false')).toEqual([made.id])
    expect(await ids(`?folder=${secret}-folder`)).toEqual([made.id])
    await change({ archived: true, agent: null })
    expect(await ids('')).toEqual([other.id])
    expect(await ids('?archived=true')).toEqual([made.id])
    await expectFetchedError(await change({ titel: 'x' }), 'unknown_parameter')
    await expectFetchedError(await change({ agent: { parameters: { messages: [] } } }), 'invalid_parameter')

    const dump = await dumpDatabase(database.url)
    expect(dump).not.toContain(secret)
    expect((await ask(`/${made.id}`, { method: 'DELETE', user })).status).toBe(200)
    await expectFetchedError(await ask(`/${made.id}`, { user }), 'session_not_found')
    expect(await ids('?archived=true')).toEqual([])
  })

  it('is its person’s alone: for everybody else it is not there, to the letter', async () => {
    const made = await begin('ben', { title: 'Ben’s' })
    const message = await say('ben', made.id, 'Hello')
    const strangers: Ask[] = [{}, { user: 'ada' }, { user: 'ben', by: (await house.makeKey({ project: 'other' })).key }]
    const paths = (id: string): [string, Ask][] => [
      [`/${id}`, {}],
      [`/${id}`, { method: 'PATCH', body: { title: 'x' } }],
      [`/${id}`, { method: 'DELETE' }],
      [`/${id}/messages`, {}],
      [`/${id}/messages`, { body: { message: { role: 'user', content: 'x' } } }],
      [`/${id}/messages/${message.id}`, {}],
      [`/${id}/messages/${message.id}`, { method: 'DELETE' }],
    ]
    const plain = async (answer: Response) => (await answer.text()).replaceAll(/req_[0-9A-Z]{26}/g, 'req')
    for (const stranger of strangers)
      for (const [index, [path, how]] of paths(made.id).entries()) {
        const theirs = await ask(path, { ...how, ...stranger })
        await expectFetchedError(theirs.clone(), 'session_not_found')
        const none = await ask((paths(absent)[index] as [string, Ask])[0], { ...how, ...stranger })
        expect(await plain(theirs)).toBe(await plain(none))
      }
    // Another key of the project, for the same person.
    const again = (await house.makeKey()).key
    expect((await told<Page<SessionView>>('', { user: 'ben', by: again })).data.map(({ id }) => id)).toEqual([made.id])
    const browser = { origins: ['https://app.example.org'], kind: 'publishable' }
    const page = { by: (await house.makeKey(browser)).key, headers: { origin: 'https://app.example.org' } }
    await expectFetchedError(await ask('', page), 'secret_key_required')
    // Nobody's: the project's own.
    const own = await told<SessionView>('', { body: {} })
    expect((await told<Page<SessionView>>('')).data.map(({ id }) => id)).toEqual([own.id])
  })

  it('grows to its bounds, and no further', async () => {
    const user = 'cleo'
    const first = await begin(user)
    const big = { message: { role: 'user', content: 'x'.repeat(19_000) } }
    const add = (body: object) => ask(`/${first.id}/messages`, { body, user })
    await expectFetchedError(await add({ message: { role: 'user', content: 'x'.repeat(20_001) } }), 'request_too_large')
    for (let count = 0; count < 3; count++) expect((await add(big)).status).toBe(201)
    await expectFetchedError(await add(big), 'session_quota_exceeded')
    for (let count = 1; count < 12; count++) await begin(user)
    await expectFetchedError(await ask('', { body: {}, user }), 'session_quota_exceeded')
    await ask(`/${first.id}`, { method: 'DELETE', user })
    const next = await begin(user)
    for (let count = 0; count < 60; count++) await say(user, next.id, 'x')
    const over = { body: { message: { role: 'user', content: 'x' } }, user }
    await expectFetchedError(await ask(`/${next.id}/messages`, over), 'session_quota_exceeded')
  })

  it('pages through many, whatever changes meanwhile, without showing one twice', async () => {
    const user = 'dora'
    const made: string[] = []
    for (let count = 0; count < 9; count++) made.push((await begin(user)).id)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page<SessionView> = await told(`?limit=4${cursor && `&cursor=${cursor}`}`, { user })
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.next_cursor
      expect(page.has_more).toBe(cursor !== null)
      await ask(`/${made[8]}`, { method: 'PATCH', body: { pinned: true }, user })
    }
    expect(seen).toEqual(made.toReversed())
    await expectFetchedError(await ask('?cursor=nonsense', { user }), 'invalid_parameter')
  })
})

describe('messages', () => {
  it('are a tree: edits are branches beside, the active leaf goes over, an erased one takes what followed', async () => {
    const user = 'eve'
    const { id, etag } = await begin(user)
    const parts = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    ]
    const one = await say(user, id, parts)
    expect(one).toMatchObject({
      parent_id: null,
      status: 'complete',
      session_id: id,
      message: { role: 'user', content: parts },
    })
    expect(one.tokens).toBeGreaterThan(1_000)
    const calls = [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } }]
    const two = await told<SessionMessageView>(`/${id}/messages`, {
      body: { message: { role: 'assistant', content: null, tool_calls: calls } },
      user,
    })
    expect(two.parent_id).toBe(one.id)
    expect(two.message).toMatchObject({ tool_calls: calls })
    await told(`/${id}/messages`, { body: { message: { role: 'tool', tool_call_id: 'c1', content: 'a boat' } }, user })
    const four = await say(user, id, 'A boat.', {}, 'assistant')
    expect(await told<SessionView>(`/${id}`, { user })).toMatchObject({
      ...{ title: 'What is this?', message_count: 4, active_leaf: four.id },
    })
    const edit = await say(user, id, 'What was this?\0', { edits: one.id })
    expect(edit.parent_id).toBeNull()
    const branch = async (query = '') => textsOf(await told(`/${id}/messages${query}`, { user }))
    expect(await branch()).toEqual(['What was this?\0'])
    expect(await branch(`?leaf=${four.id}`)).toEqual(['A boat.', 'a boat', null, parts])
    const first = await told<Page<SessionMessageView>>(`/${id}/messages?leaf=${four.id}&limit=3`, { user })
    expect(first).toMatchObject({ has_more: true, next_cursor: one.id })
    expect(await branch(`?cursor=${first.next_cursor}`)).toEqual([parts])
    expect((await branch('?branches=all')).length).toBe(5)
    const half = await told<Page<SessionMessageView>>(`/${id}/messages?branches=all&limit=2`, { user })
    expect((await branch(`?branches=all&cursor=${half.next_cursor}`)).length).toBe(3)

    const back = await ask(`/${id}`, { method: 'PATCH', body: { active_leaf: four.id }, user })
    expect(((await back.json()) as SessionView).active_leaf).toBe(four.id)
    const stale = { body: { message: { role: 'user', content: 'x' } }, user, headers: { 'if-match': etag } }
    await expectFetchedError(await ask(`/${id}/messages`, stale), 'session_changed')
    await say(user, id, 'Aside', { parent_id: two.id, active: false })
    expect((await told<SessionView>(`/${id}`, { user })).active_leaf).toBe(four.id)

    const gone = await told(`/${id}/messages/${two.id}`, { method: 'DELETE', user })
    expect(gone).toMatchObject({ deleted: true, deleted_count: 4 })
    await expectFetchedError(await ask(`/${id}/messages/${four.id}`, { user }), 'message_not_found')
    expect(await told<SessionView>(`/${id}`, { user })).toMatchObject({ active_leaf: one.id, message_count: 2 })
    for (const leaf of [four.id, 'msg_01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
      const wrong = { method: 'PATCH', body: { active_leaf: leaf }, user }
      await expectFetchedError(await ask(`/${id}`, wrong), 'message_not_found')
    }
    const foreign = await say(user, (await begin(user)).id, 'elsewhere')
    const misplaced = { body: { message: { role: 'user', content: 'x' }, parent_id: foreign.id }, user }
    await expectFetchedError(await ask(`/${id}/messages`, misplaced), 'message_not_found')
  })

  it('added at once by many come one after another, none lost', async () => {
    const user = 'finn'
    const { id } = await begin(user)
    await Promise.all(Array.from({ length: 20 }, (_, index) => say(user, id, `number ${index}`)))
    const texts = textsOf(await told(`/${id}/messages`, { user }))
    expect(new Set(texts).size).toBe(20)
  })
})
