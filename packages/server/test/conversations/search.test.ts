import type { MatchView } from '@headgate/contract/conversation-search.ts'
import type { SessionMessageView, SessionView } from '@headgate/contract/conversations.ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { queryDatabase } from '../faults/support/ledger-rows.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'
import { createSessionsClient, type Page, type SessionsClient } from './support/sessions-client.ts'

const hourMs = 3_600_000
let house: House
let client: SessionsClient

beforeAll(async () => {
  const clock: Clock = {
    ...systemClock,
    every: (ms, callback) => systemClock.every(ms === hourMs ? 200 : ms, callback),
  }
  house = await startHouse({ overrides: { clock } })
  client = createSessionsClient(house.url, (await house.makeKey()).key)
}, 60_000)
afterAll(() => house.stop())

describe('search', () => {
  it('finds one’s own messages by their words, within what is asked for, and nobody else’s', async () => {
    const find = async (q: string, more = '', user = 'ada') =>
      client.told<Page<MatchView>>(`/sessions/search?q=${encodeURIComponent(q)}${more}`, { user })
    const rivers = await client.begin('ada', { title: 'Rivers', folder: 'School' })
    const boats = await client.begin('ada', { archived: true })
    const other = await client.begin('ben')
    const yangtze = await client.say('ada', rivers.id, 'The Yangtze is the longest river of Asia.', 'assistant')
    const nile = await client.say('ada', rivers.id, [
      { type: 'text', text: `${'Far, far away. '.repeat(20)}The NILE river` },
    ])
    const boat = await client.say('ada', boats.id, 'A boat on the river\0Nile \ud83d\ude00')
    await client.say('ben', other.id, 'The river of Ben')
    const ids = async (...asked: Parameters<typeof find>) => (await find(...asked)).data.map((one) => one.message_id)
    expect(await ids('river')).toEqual([boat.id, nile.id, yangtze.id])
    expect(await ids('NILE river')).toEqual([boat.id, nile.id])
    expect(await ids('"nile river"')).toEqual([nile.id])
    expect(await ids('yangtze or boat')).toEqual([boat.id, yangtze.id])
    expect(await ids('river -boat')).toEqual([nile.id, yangtze.id])
    expect(await ids('rive')).toEqual([])
    for (const nothing of ['?!', '   ', '"', "' | ! & <->"]) expect(await ids(nothing)).toEqual([])
    expect(await ids('river', '&archived=true')).toEqual([boat.id])
    expect(await ids('river', '&folder=School')).toEqual([nile.id, yangtze.id])
    expect(await ids('river', '&pinned=true')).toEqual([])
    expect(await ids('river', '&role=assistant')).toEqual([yangtze.id])
    expect(await ids('river', `&session_id=${boats.id}`)).toEqual([boat.id])
    expect(await ids('river', `&session_id=${other.id}`)).toEqual([])
    expect(await ids('river', `&from=${yangtze.created_at}&to=${boat.created_at + 5}`)).toHaveLength(3)
    expect(await ids('river', `&to=${yangtze.created_at - 5}`)).toEqual([])
    const { data } = await find('nile', '&folder=School')
    expect(data[0]).toMatchObject({ title: 'Rivers', session_id: rivers.id, role: 'user', created_at: nile.created_at })
    expect(data[0]?.snippet).toMatch(/^….*Far, far away\. The NILE river$/)
    const first = await find('river', '&limit=2')
    expect(first).toMatchObject({ has_more: true, next_cursor: nile.id })
    expect(await ids('river', `&cursor=${first.next_cursor}`)).toEqual([yangtze.id])
    await client.ask(`/sessions/${rivers.id}/messages/${yangtze.id}`, { method: 'DELETE', user: 'ada' })
    expect(await ids('yangtze')).toEqual([])
    expect(
      await queryDatabase(house.databaseUrl, `SELECT FROM headgate.conversation_texts WHERE search @@ 'yangtze'`),
    ).toEqual([])
    await expectFetchedError(await client.ask('/sessions/search', { user: 'ada' }), 'invalid_parameter')
    await expectFetchedError(await client.ask('/sessions/search?q=a&cursor=x', { user: 'ada' }), 'invalid_parameter')
  })
})

type Item = SessionView | SessionMessageView | { object: 'deleted'; id: string; session_id: string; kind: string }
interface Told {
  readonly data: Item[]
  readonly has_more: boolean
  readonly next_cursor: string
}

describe('sync', () => {
  /** A copy as an app would keep one. */
  const createCopy = (user: string, limit = 7) => {
    const [sessions, messages] = [new Map<string, SessionView>(), new Map<string, SessionMessageView>()]
    let since = ''
    const pull = async (): Promise<number> => {
      for (let items = 0; ; ) {
        const told = await client.told<Told>(`/sync?limit=${limit}${since}`, { user })
        for (const item of told.data) {
          if (item.object === 'session') sessions.set(item.id, item)
          else if (item.object === 'session.message') messages.set(item.id, item)
          else if (item.kind === 'session') {
            sessions.delete(item.id)
            for (const [id, { session_id }] of messages) if (session_id === item.id) messages.delete(id)
          } else messages.delete(item.id)
        }
        since = `&since=${told.next_cursor}`
        items += told.data.length
        if (!told.has_more) return items
      }
    }
    return { pull, sessions, messages, since: () => since }
  }
  const truth = async (user: string) => {
    const listed = await Promise.all(
      ['true', 'false'].map((archived) =>
        client.told<Page<SessionView>>(`/sessions?limit=100&archived=${archived}`, { user }),
      ),
    )
    const sessions = listed.flatMap(({ data }) => data)
    const said = await Promise.all(
      sessions.map(({ id }) =>
        client.told<Page<SessionMessageView>>(`/sessions/${id}/messages?branches=all&limit=200`, { user }),
      ),
    )
    return { sessions, messages: said.flatMap(({ data }) => data) }
  }
  const byId = <One extends { readonly id: string }>(items: Iterable<One>) =>
    [...items].toSorted((one, other) => (one.id < other.id ? -1 : 1))

  it('makes and keeps a copy the same as what there is, while many change it at once', async () => {
    const user = 'cleo'
    const before = await client.begin(user)
    await client.say(user, before.id, 'Before')
    const copy = createCopy(user)
    await copy.pull()
    let isOver = false
    const write = async (writer: number): Promise<void> => {
      const { id } = await client.begin(user, { title: `of ${writer}` })
      const first = await client.say(user, id, 'One')
      for (let turn = 0; turn < 6; turn++) {
        await client.say(user, id, `Turn ${turn}`, 'user', turn % 2 ? {} : { edits: first.id })
        await client.told(`/sessions/${before.id}`, { method: 'PATCH', body: { title: `${writer}.${turn}` }, user })
      }
      const { data } = await client.told<Page<SessionMessageView>>(`/sessions/${id}/messages`, { user })
      await client.told(`/sessions/${id}/messages/${data.at(-1)?.id}`, { method: 'DELETE', user })
      if (writer % 3 === 0) await client.told(`/sessions/${id}`, { method: 'DELETE', user })
    }
    const follow = async (): Promise<void> => {
      while (!isOver) await copy.pull()
    }
    const following = follow()
    await Promise.all(Array.from({ length: 4 }, (_, writer) => write(writer)))
    isOver = true
    await following
    await copy.pull()
    const there = await truth(user)
    expect(there.messages.length).toBeGreaterThan(10)
    expect(byId(copy.sessions.values())).toEqual(byId(there.sessions))
    expect(byId(copy.messages.values())).toEqual(byId(there.messages))
    expect(await copy.pull()).toBe(0)
    // A new copy is the same, and so is somebody else's: nothing.
    const anew = createCopy(user)
    await anew.pull()
    expect([anew.sessions, anew.messages].map(({ size }) => size)).toEqual([
      there.sessions.length,
      there.messages.length,
    ])
    const nobody = createCopy('nobody')
    expect(await nobody.pull()).toBe(0)
  })

  it('says when it can no longer tell what was deleted, or never told what a copy has', async () => {
    const user = 'dora'
    const kept = await client.begin(user)
    const gone = await client.begin(user)
    const copy = createCopy(user)
    await copy.pull()
    await client.told(`/sessions/${gone.id}`, { method: 'DELETE', user })
    const old = `UPDATE headgate.conversation_tombstones SET deleted_at = now() - interval '91 days' WHERE subject = 'dora'`
    await queryDatabase(house.databaseUrl, old)
    await vi.waitFor(async () => {
      const owner = `SELECT FROM headgate.conversation_owners WHERE subject = 'dora' AND forgotten_change > 0`
      expect((await queryDatabase(house.databaseUrl, owner)).length).toBe(1)
    }, 5_000)
    await expectFetchedError(await client.ask(`/sync?${copy.since().slice(1)}`, { user }), 'sync_expired')
    await expectFetchedError(await client.ask('/sync?since=s999999', { user }), 'sync_expired')
    await expectFetchedError(await client.ask('/sync?since=x', { user }), 'invalid_parameter')
    const anew = createCopy(user, 1)
    await anew.pull()
    expect([...anew.sessions.keys()]).toEqual([kept.id])
    expect(await anew.pull()).toBe(0)
  })
})
