import type { ExtractionView } from '@headgate/contract/memory-proposals.ts'
import type { MemoryView } from '@headgate/contract/memories.ts'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createSessionsClient, type Page, type SessionsClient } from '../conversations/support/sessions-client.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { queryDatabase } from '../faults/support/ledger-rows.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'

let database: TestDatabase
let upstream: Upstream
let house: House
let client: SessionsClient

beforeAll(async () => {
  database = await freshDatabase()
  upstream = await startUpstream()
  const environment = { HEADGATE_MEMORIES_EXTRACT_MODEL: 'up/gpt-4o-mini;delay=300' }
  house = await startHouse({ databaseUrl: database.url, upstream, environment })
  client = createSessionsClient(house.url, (await house.makeKey()).key)
}, 60_000)
afterAll(async () => {
  await house.stop()
  await upstream.close()
  await database.drop()
})

const extract = (user: string, session: string) =>
  client.told<ExtractionView>('/memories/extractions', { body: { session_id: session, scope: 'work' }, user })
const ended = (user: string, { id }: ExtractionView): Promise<ExtractionView> =>
  vi.waitFor(
    async () => {
      const now = await client.told<ExtractionView>(`/memories/extractions/${id}`, { user })
      expect(['completed', 'failed']).toContain(now.status)
      return now
    },
    { timeout: 15_000, interval: 50 },
  )
const proposals = async (user: string) => (await client.told<Page<MemoryView>>('/memories/proposals', { user })).data
const memories = async (user: string) => (await client.told<Page<MemoryView>>('/memories', { user })).data
const accept = (user: string, { id }: MemoryView, body: object) =>
  client.ask(`/memories/proposals/${id}/accept`, { body, user })

it('what a model learns from a session is used once a person accepts it, and not proposed again where one refuses', async () => {
  const user = 'ada'
  const { id: session } = await client.begin(user)
  await client.say(user, session, 'I moved to Oslo and I love lanterns.')
  const done = await ended(user, await extract(user, session))
  expect(done).toMatchObject({ status: 'completed', proposed: 1, known: 0, error: null, session_id: session })
  const asked = JSON.parse(upstream.requests().at(-1)?.body as string) as {
    messages: { role: string; content: string }[]
  }
  expect(asked.messages.map(({ role }) => role)).toEqual(['system', 'user'])
  expect(asked.messages[1]?.content).toContain('I love lanterns')
  const [proposal] = (await proposals(user)) as [MemoryView]
  expect(proposal).toMatchObject({ kind: 'fact', scope: 'work', sources: [{ type: 'session', id: session }] })
  expect(proposal.confidence).toBeLessThanOrEqual(0.9)
  expect(await memories(user)).toEqual([])
  expect(await proposals('bob')).toEqual([])
  await expectFetchedError(await client.ask(`/memories/${proposal.id}`, { user }), 'memory_not_found')
  expect(await ended(user, await extract(user, session))).toMatchObject({ proposed: 0, known: 1 })
  await expectFetchedError(await accept('bob', proposal, {}), 'memory_not_found')

  await client.told(`/memories/proposals/${proposal.id}/reject`, { method: 'POST', user })
  expect(await proposals(user)).toEqual([])
  expect(await ended(user, await extract(user, session))).toMatchObject({ proposed: 0, known: 1 })

  const other = 'cem'
  const { id: again } = await client.begin(other)
  await client.say(other, again, 'I moved to Oslo.')
  await ended(other, await extract(other, again))
  const [second] = (await proposals(other)) as [MemoryView]
  const accepted = await accept(other, second, { text: 'Lives in Oslo' })
  expect(await accepted.json()).toMatchObject({ text: 'Lives in Oslo', was_merged: false, sources: [{ id: again }] })
  expect(await proposals(other)).toEqual([])
  expect((await memories(other)).map(({ text }) => text)).toEqual(['Lives in Oslo'])
  await expectFetchedError(await accept(other, second, {}), 'memory_not_found')
}, 60_000)

it('a session of somebody else is none, and a model that says nothing useful ends in an error', async () => {
  const { id } = await client.begin('ada')
  const stolen = await client.ask('/memories/extractions', { body: { session_id: id }, user: 'bob' })
  await expectFetchedError(stolen, 'session_not_found')
  expect(await ended('ada', await extract('ada', id))).toMatchObject({ status: 'completed', proposed: 0 })
  const absent = await client.ask('/memories/extractions/mex_01ARZ3NDEKTSV4RRFFQ69G5FAV', { user: 'ada' })
  await expectFetchedError(absent, 'memory_extraction_not_found')
})

it('what is learned of somebody who is erased meanwhile is not kept', async () => {
  const user = 'gone'
  const { id } = await client.begin(user)
  await client.say(user, id, 'I moved to Oslo and I love lanterns.')
  const before = upstream.requests().length
  await extract(user, id)
  await vi.waitFor(() => expect(upstream.requests().length).toBeGreaterThan(before))
  const erase = `DELETE FROM headgate.memory_extractions WHERE subject = 'gone' AND state = 'running' RETURNING extraction_id`
  expect(await queryDatabase(database.url, erase)).toHaveLength(1)
  // Another one is begun only once this one has ended.
  await ended(user, await extract(user, id))
  expect(await queryDatabase(database.url, `SELECT state FROM headgate.memories WHERE subject = 'gone'`)).toHaveLength(
    1,
  )
  const kept = `SELECT known, proposed FROM headgate.memory_extractions WHERE subject = 'gone'`
  expect(await queryDatabase(database.url, kept)).toEqual([{ known: 0, proposed: 1 }])
})
