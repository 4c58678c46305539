import { verify } from 'node:crypto'
import type { Erasure, ProcessingRecord } from '@headgate/contract/privacy.ts'
import type { Dpia } from '@headgate/contract/privacy-dpia.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runCli } from '../src/cli/program.ts'
import { verifyLedger } from '../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { dumpDatabase, queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { adminKey, type House, startHouse } from './support/house.ts'

const ada = 'ada-lanternword'
const bob = 'bob-lanternword'
const model = 'up/gpt-4o-mini'

let database: TestDatabase
let direct: Database
let house: House
let key: string

beforeAll(async () => {
  database = await freshDatabase()
  direct = openDatabase({ connection: { url: database.url }, log: silentLog })
  house = await startHouse({
    databaseUrl: database.url,
    environment: {
      HEADGATE_RETENTION_ERASURE_SETTLE_MINUTES: '0',
      HEADGATE_CACHE_STORE: 'postgres',
      HEADGATE_PRIVACY_RECIPIENT_COUNTRIES: '{"up": "NO"}',
    },
  })
  key = (await house.makeKey()).key
}, 60_000)
afterAll(async () => {
  await house.stop()
  await direct.close()
  await database.drop()
})

const ask = (path: string, user: string | null, body: object, headers: Record<string, string> = {}) =>
  fetch(house.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(user !== null && { 'x-headgate-user': user }),
      ...headers,
    },
    body: JSON.stringify(body),
  })
const messages = [{ role: 'user', content: 'Hello' }]

/** Everything that is kept of a person, once. */
const live = async (user: string): Promise<void> => {
  for (const answer of [
    await ask('/v1/chat/completions', user, { model, messages }, { 'idempotency-key': `of-${user}` }),
    await ask('/v1/chat/completions', user, { model, messages }, { 'x-headgate-cache': 'on' }),
    await ask('/v1/responses', user, { model, input: 'Hello' }),
    await ask('/v1/sessions', user, { title: 'A title' }),
    await ask('/v1/memories', user, { text: `${user} likes lanterns`, source: { type: 'tool', id: user } }),
    await fetch(`${house.url}/v1/assets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'x-headgate-user': user, 'content-type': 'text/plain' },
      body: `A text of ${user}`,
    }),
  ]) {
    expect(answer.status, await answer.clone().text()).toBeLessThan(300)
    await answer.arrayBuffer()
  }
  await house.settled()
}
const spendingOf = async (): Promise<readonly { group: string; cost_usd: string; requests: number }[]> =>
  ((await (await house.request('/admin/v1/usage?group_by=user')).json()) as { data: never[] }).data
const erase = async (user: string): Promise<Erasure> =>
  (await (await house.request('/admin/v1/privacy/erasures', { body: { project: 'default', user } })).json()) as Erasure
const doneOf = (erasure: Erasure, user: string): Promise<Erasure> =>
  vi.waitFor(
    async () => {
      // Asked for again, what is due goes on.
      if ((await read(erasure.id)).state !== 'done') await erase(user)
      const now = await read(erasure.id)
      expect(now.state).toBe('done')
      return now
    },
    { timeout: 15_000, interval: 50 },
  )
const read = async (id: string): Promise<Erasure> =>
  (await (await house.request(`/admin/v1/privacy/erasures/${id}`)).json()) as Erasure

it('a person who is erased stands nowhere any more, others lose nothing, and the books agree', async () => {
  await live(ada)
  await live(bob)
  const before = await spendingOf()
  const copy = 'sessions_before'
  await queryDatabase(
    database.url,
    `CREATE TABLE public.${copy} AS SELECT * FROM headgate.conversation_sessions WHERE subject = '${ada}'`,
  )
  const begun = await erase(ada)
  expect(begun).toMatchObject({ state: 'settling', passes: 1, receipt: null })
  expect(begun.erased).toMatchObject({
    responses: 1,
    idempotency_keys: 1,
    conversation_sessions: 1,
    memories: 1,
    assets: 1,
  })
  // A session, a memory and a content: each purpose had a key of its own.
  expect(begun.erased['data_keys']).toBe(3)
  // Rows of a copy from before come back to nothing.
  const [{ session_id: id }] = (await queryDatabase(
    database.url,
    `WITH back AS (INSERT INTO headgate.conversation_sessions SELECT * FROM public.${copy} RETURNING session_id) SELECT * FROM back`,
  )) as [{ session_id: string }]
  const headers = { authorization: `Bearer ${key}`, 'x-headgate-user': ada }
  expect((await fetch(`${house.url}/v1/sessions/${id}`, { headers })).status).toBe(410)
  await queryDatabase(database.url, `DROP TABLE public.${copy}`)
  // What comes late is found by a later pass.
  await (await ask('/v1/chat/completions', ada, { model, messages })).arrayBuffer()
  await house.settled()
  const done = await doneOf(begun, ada)
  expect(done.passes).toBeGreaterThanOrEqual(3)

  const dump = await dumpDatabase(database.url)
  expect(dump).not.toContain(ada)
  expect(dump.split(bob).length).toBeGreaterThan(4)
  expect((await verifyLedger(direct)).findings).toEqual([])
  const after = await spendingOf()
  const requestsOf = (rows: typeof after, of: (name: string) => boolean) =>
    rows.filter(({ group }) => of(group ?? '')).reduce((sum, { requests }) => sum + requests, 0)
  expect(requestsOf(after, (name) => name.startsWith(done.pseudonym))).toBe(
    requestsOf(before, (name) => name === ada) + 1,
  )
  expect(after.find(({ group }) => group === bob)).toEqual(before.find(({ group }) => group === bob))
  const again = await ask('/v1/chat/completions', bob, { model, messages }, { 'x-headgate-cache': 'on' })
  expect(again.headers.get('x-headgate-cache')).toBe('hit')
  await again.arrayBuffer()
})

it('the receipt is signed, counts what went and names nobody', async () => {
  const { data } = (await (await house.request('/admin/v1/privacy/erasures')).json()) as { data: Erasure[] }
  const done = data.find(({ state }) => state === 'done') as Erasure
  const { public_key: publicKey } = (await (await house.request('/admin/v1/privacy/receipt-key')).json()) as {
    public_key: string
  }
  const { receipt, signature } = done as { receipt: string; signature: string }
  const holds = (text: string) => verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))
  expect([holds(receipt), holds(receipt.replace('"rows_left":0', '"rows_left":1'))]).toEqual([true, false])
  expect(JSON.parse(receipt)).toMatchObject({ erasure: done.id, rows: done.erased, rows_left: 0 })
  const audit = await (await house.request('/admin/v1/audit')).text()
  expect(audit).toContain('person.erased')
  expect(audit + receipt).not.toContain(ada)
})

it('a person erases themself, and nobody else; without a person there is nothing to erase', async () => {
  await live('cleo-lanternword')
  const mine = (await (await ask('/v1/privacy/erasures', 'cleo-lanternword', {})).json()) as Erasure
  expect(mine.erased).toMatchObject({ responses: 1, conversation_sessions: 1 })
  const dump = await dumpDatabase(database.url)
  expect([dump.includes('cleo-lanternword'), dump.includes(bob)]).toEqual([false, true])
  await expectFetchedError(await ask('/v1/privacy/erasures', null, {}), 'person_missing')
  await expectFetchedError(await house.request('/admin/v1/privacy/erasures/era_0'), 'erasure_not_found')
})

it('the data map and the record of processing say what is held, why and to whom it goes', async () => {
  const csv = await house.request('/admin/v1/privacy/data-map?format=csv')
  expect(csv.headers.get('content-type')).toContain('text/csv')
  expect(await csv.text()).toContain('conversation_messages,sealed,content,conversations')
  const record = (await (await house.request('/admin/v1/privacy/processing-record')).json()) as ProcessingRecord
  const answering = record.activities.find(({ activity }) => activity === 'answering')
  expect(answering?.recipients).toEqual([{ name: 'up', host: new URL(house.upstream.url).host, country: 'NO' }])
  expect(answering?.people).toEqual(['people who use the app'])
  const assessment = (await (await house.request('/admin/v1/privacy/dpia')).json()) as Dpia
  expect(assessment.processing.activities).toEqual(record.activities)
  expect(assessment.findings.join('\n')).toContain('Kept for ever')
  expect(assessment.risks.every(({ likelihood, measures }) => likelihood === null && measures.length > 0)).toBe(true)
  const page = await house.request('/admin/v1/privacy/dpia?format=markdown')
  expect(page.headers.get('content-type')).toContain('text/markdown')
  const text = await page.text()
  expect(text).toContain(`up (${new URL(house.upstream.url).host}), country: NO`)
  const printed: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((words) => printed.push(String(words)) > 0)
  const code = await runCli(['privacy', 'dpia', '--url', house.url, '--key', adminKey])
  vi.restoreAllMocks()
  const undated = (paper: string) => paper.replace(/^As of [^;]*/m, '')
  expect([code, undated(printed.join(''))]).toEqual([0, undated(text)])
})
