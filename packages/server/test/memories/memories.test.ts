import type { MemoriesAbout, MemoryView } from '@headgate/contract/memories.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSessionsClient, type Page, type SessionsClient } from '../conversations/support/sessions-client.ts'
import { dumpDatabase, queryDatabase } from '../faults/support/ledger-rows.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'

type Made = MemoryView & { readonly was_merged: boolean }
let database: TestDatabase
let house: House
let client: SessionsClient

beforeAll(async () => {
  database = await freshDatabase()
  house = await startHouse({ databaseUrl: database.url, environment: { HEADGATE_MEMORIES_MAX_MEMORIES: '8' } })
  client = createSessionsClient(house.url, (await house.makeKey()).key)
}, 60_000)
afterAll(async () => {
  await house.stop()
  await database.drop()
})

const remember = (user: string, text: string, more: object = {}) =>
  client.told<Made>('/memories', { body: { text, ...more }, user })
const list = async (user: string, query = '') =>
  (await client.told<Page<MemoryView>>(`/memories${query}`, { user })).data
const textsOf = (memories: readonly MemoryView[]) => memories.map(({ text }) => text)
const put = (user: string, document: string) =>
  client.ask('/memories/import', { user, raw: document, headers: { 'content-type': 'application/jsonl' } })

describe('a memory', () => {
  it('is written sealed, read, changed from a known state alone, and forgotten', async () => {
    const user = 'ada'
    const made = await remember(user, 'Keeps a zylophant in the garden', { kind: 'fact', scope: 'home' })
    expect(made).toMatchObject({ kind: 'fact', scope: 'home', confidence: 1, is_stale: false, was_merged: false })
    expect(made.sources).toMatchObject([{ type: 'app', id: null, confidence: 1 }])
    const path = `/memories/${made.id}`
    const read = await client.ask(path, { user })
    expect(read.headers.get('etag')).toBe(made.etag)
    expect((await client.ask(path, { user, headers: { 'if-none-match': made.etag } })).status).toBe(304)
    const change = (body: object, etag: string) =>
      client.ask(path, { method: 'PATCH', body, user, headers: { 'if-match': etag } })
    const changed = (await (await change({ confidence: 0.4 }, made.etag)).json()) as MemoryView
    expect(changed).toMatchObject({ text: made.text, confidence: 0.4, sources: made.sources })
    await expectFetchedError(await change({ text: 'Nothing' }, made.etag), 'memory_changed')
    const stale = { method: 'DELETE', user, headers: { 'if-match': made.etag } }
    await expectFetchedError(await client.ask(path, stale), 'memory_changed')
    // Sealed; the words that it is found by are not.
    expect(await dumpDatabase(database.url)).not.toContain('zylophant in the garden')
    for (const other of ['bob', undefined])
      for (const method of ['GET', 'DELETE'])
        await expectFetchedError(await client.ask(path, { method, ...(other && { user: other }) }), 'memory_not_found')
    await client.told(path, { method: 'DELETE', user })
    await expectFetchedError(await client.ask(path, { user }), 'memory_not_found')
    const rows = await queryDatabase(database.url, 'SELECT count(*)::int AS many FROM headgate.memory_sources')
    expect(rows).toEqual([{ many: 0 }])
  })

  it('that is said again is merged, with its sources and the most that one was sure', async () => {
    const user = 'bea'
    const first = await remember(user, 'The user prefers tea.', {
      confidence: 0.6,
      source: { type: 'tool', id: 'shop' },
    })
    const again = await remember(user, 'Prefers  TEA', { confidence: 0.9, source: { type: 'session', id: 'ses_1' } })
    expect(again).toMatchObject({ id: first.id, text: 'The user prefers tea.', confidence: 0.9, was_merged: true })
    expect(again.sources.map(({ type, id, confidence }) => [type, id, confidence])).toEqual([
      ['tool', 'shop', 0.6],
      ['session', 'ses_1', 0.9],
    ])
    expect((await remember(user, 'Does not prefer tea')).was_merged).toBe(false)
    expect((await remember('someone-else', 'Prefers tea')).was_merged).toBe(false)
  })

  it('is taken back with its source, from whatever else said so too', async () => {
    const user = 'cem'
    const bad = { source: { type: 'tool', id: 'poisoned' }, confidence: 0.9 }
    await remember(user, 'Owes money to Eve', bad)
    await remember(user, 'Lives in Oslo', bad)
    await remember(user, 'Lives in Oslo', { source: { type: 'user' }, confidence: 0.7 })
    await remember(user, 'Likes rain', { source: { type: 'tool', id: 'other' } })
    const body = { source: bad.source }
    expect(await client.told('/memories/revoke', { body, user })).toMatchObject({ deleted: 1, kept: 1 })
    const left = await list(user)
    expect(textsOf(left)).toEqual(['Likes rain', 'Lives in Oslo'])
    expect(left[1]).toMatchObject({ confidence: 0.7, sources: [{ type: 'user' }] })
    const all = { source: { type: 'tool' } }
    expect(await client.told('/memories/revoke', { body: all, user })).toMatchObject({ deleted: 1, kept: 0 })
    expect(await client.told('/memories/revoke', { body: all, user })).toMatchObject({ deleted: 0, kept: 0 })
    const told = await queryDatabase(
      database.url,
      `SELECT resource, after FROM headgate.audit_entries WHERE action = 'memories.revoked' ORDER BY seq`,
    )
    expect(told).toEqual([
      { resource: 'memories/tool', after: { deleted: 1, kept: 1 } },
      { resource: 'memories/tool', after: { deleted: 1, kept: 0 } },
    ])
  })

  it('whose person’s key was destroyed is gone, not a fault of ours', async () => {
    const { id } = await remember('erased', 'Was here')
    await queryDatabase(database.url, `DELETE FROM headgate.data_keys WHERE subject = 'erased'`)
    for (const path of ['/memories', `/memories/${id}`])
      await expectFetchedError(await client.ask(path, { user: 'erased' }), 'content_erased')
  })

  it('expires, and is stale when nobody said so for long', async () => {
    const user = 'dan'
    const soon = await remember(user, 'Is in Rome', { expires_at: Math.floor(Date.now() / 1_000) + 3_600 })
    const old = await remember(user, 'Plays chess')
    await queryDatabase(
      database.url,
      `UPDATE headgate.memories SET confirmed_at = now() - interval '200 days',
         expires_at = expires_at - interval '2 hours' WHERE subject = 'dan'`,
    )
    await expectFetchedError(await client.ask(`/memories/${soon.id}`, { user }), 'memory_not_found')
    expect(await list(user, '?stale=true')).toMatchObject([{ id: old.id, is_stale: true }])
    const confirmed = { method: 'PATCH', body: { confirmed: true }, user }
    expect(await client.told(`/memories/${old.id}`, confirmed)).toMatchObject({ is_stale: false })
    expect(await list(user, '?stale=true')).toEqual([])
  })
})

describe('all memories of a person', () => {
  it('are paged, narrowed down, bounded, and told in words', async () => {
    const user = 'eli'
    for (const [index, kind] of ['fact', 'fact', 'goal', 'note', 'note', 'fact', 'fact', 'fact'].entries())
      await remember(user, `Statement *${index}*`, { kind, scope: index < 2 ? 'work' : 'home' })
    const full = await client.ask('/memories', { body: { text: 'One more' }, user })
    await expectFetchedError(full, 'memory_quota_exceeded')
    const seen: string[] = []
    let query = '?limit=3'
    for (let page = 0; page < 3; page++) {
      const found = await client.told<Page<MemoryView>>(`/memories${query}`, { user })
      seen.push(...textsOf(found.data))
      query = `?limit=3&cursor=${found.next_cursor}`
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1, 0].map((index) => `Statement *${index}*`))
    expect(textsOf(await list(user, '?kind=fact&scope=work'))).toEqual(['Statement *1*', 'Statement *0*'])
    await expectFetchedError(await client.ask('/memories?cursor=nothing', { user }), 'invalid_parameter')
    const about = await client.told<MemoriesAbout>('/memories/about', { user })
    expect(about).toMatchObject({ total: 8, omitted: 0 })
    expect(about.kinds.map(({ kind, memories }) => [kind, memories.length])).toEqual([
      ['fact', 5],
      ['goal', 1],
      ['note', 2],
    ])
    expect(about.text).toMatch(/- Statement \\\*2\\\* \(app; \d+ seconds? ago; 100 % sure\)/)
    expect((await client.told<MemoriesAbout>('/memories/about', { user: 'nobody' })).text).toContain('Nothing')
  })

  it('go out as lines and come in again whole, or not at all', async () => {
    await remember('fay', 'Has a dog', { kind: 'relation', source: { type: 'tool', id: 'form' }, confidence: 0.3 })
    await remember('fay', 'Runs', { expires_at: 4_000_000_000 })
    const exported = await client.ask('/memories/export', { user: 'fay' })
    expect(exported.headers.get('content-type')).toContain('application/jsonl')
    const document = await exported.text()
    expect(await (await put('gil', document)).json()).toMatchObject({ imported: 2, merged: 0 })
    expect(await (await put('gil', document)).json()).toMatchObject({ imported: 0, merged: 2 })
    expect(await (await client.ask('/memories/export', { user: 'gil' })).text()).toBe(document)
    for (const damaged of [
      '{"text": "Fine"}\n{"text": ',
      '{"text": "Fine"}\n{"text": ""}',
      '{"text":"x","role":"system"}',
    ]) {
      const refused = await put('hal', damaged)
      await expectFetchedError(refused, 'invalid_parameter')
    }
    expect(await list('hal')).toEqual([])
  })
})
