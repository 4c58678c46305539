import { createHash, verify } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PrivacyRequest } from '@headgate/contract/privacy-requests.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { exportPlan } from '../src/features/privacy/export-plan.ts'
import { dataMap } from '../src/features/privacy/map/map.ts'
import { dumpDatabase, queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { readArchive } from './support/archive.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'

const ada = 'ada-canarybird'
const bob = 'bob-canarybird'
const model = 'up/gpt-4o-mini'

let database: TestDatabase
let house: House
let key: string

beforeAll(async () => {
  database = await freshDatabase()
  house = await startHouse({
    databaseUrl: database.url,
    environment: {
      HEADGATE_RETENTION_ERASURE_SETTLE_MINUTES: '0',
      HEADGATE_CACHE_STORE: 'postgres',
      HEADGATE_MEMORIES_EXTRACT_MODEL: model,
    },
    config: {
      budgets: { everybody: { level: 'user', limit_usd: '100', window: 'day' } },
    },
  })
  key = (await house.makeKey()).key
  for (const user of [ada, bob]) await live(user)
}, 60_000)
afterAll(async () => {
  await house.stop()
  await database.drop()
})

const call = (path: string, user: string, options: RequestInit = {}) =>
  fetch(house.url + path, {
    ...options,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-headgate-user': user,
      ...options.headers,
    },
  })
const post = (path: string, user: string, body: object, headers: Record<string, string> = {}) =>
  call(path, user, { method: 'POST', body: JSON.stringify(body), headers })
const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const given = await answer
  const text = await given.text()
  expect(given.status, text).toBeLessThan(300)
  return JSON.parse(text) as T
}

/** Leaves a trace in every place that keeps something of a person. */
const live = async (user: string): Promise<void> => {
  const messages = [{ role: 'user', content: `Prompt of ${user}` }]
  await json(post('/v1/chat/completions', user, { model, messages }, { 'idempotency-key': `of-${user}` }))
  await json(post('/v1/chat/completions', user, { model, messages }, { 'x-headgate-cache': 'on' }))
  await json(post('/v1/responses', user, { model, input: `Input of ${user}` }))
  const session = await json<{ id: string }>(post('/v1/sessions', user, { title: `Title of ${user}` }))
  const gone = await json<{ id: string }>(post('/v1/sessions', user, {}))
  await call(`/v1/sessions/${gone.id}`, user, { method: 'DELETE' })
  await json(post('/v1/chat/completions', user, { model, messages }, { 'x-headgate-session': session.id }))
  await json(post('/v1/memories/extractions', user, { session_id: session.id }))
  await json(
    post(
      '/v1/consents',
      user,
      { purpose: 'training', decision: 'granted', proof: `Proof of ${user}` },
      { 'sec-gpc': '1' },
    ),
  )
  await json(post('/v1/memories', user, { kind: 'fact', text: `Memory of ${user}` }))
  const headers = { 'content-type': 'text/plain' }
  await json(
    call(`/v1/assets?name=${encodeURIComponent(`../${user}.txt`)}`, user, {
      ...{ method: 'POST', headers, body: `Asset of ${user}` },
    }),
  )
  const form = new FormData()
  form.set('purpose', 'batch')
  form.set(
    'file',
    new Blob([JSON.stringify({ custom_id: 'one', method: 'POST', url: '/v1/chat/completions' })]),
    'a.jsonl',
  )
  const sent = { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: form }
  const file = await json<{ id: string }>(fetch(`${house.url}/v1/files`, sent))
  const asked = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' }
  await json(post('/v1/batches', user, { ...asked, metadata: { note: `Batch of ${user}` } }))
  await house.settled()
}
const completed = (user: string, id: string): Promise<PrivacyRequest> =>
  vi.waitFor(
    async () => {
      const request = await json<PrivacyRequest>(call(`/v1/privacy/requests/${id}`, user))
      expect(request.request_status).toBe('completed')
      return request
    },
    { timeout: 10_000, interval: 50 },
  )
const linkOf = async (user: string, id: string): Promise<string> =>
  (await json<{ url: string }>(post(`/v1/privacy/requests/${id}/link`, user, {}))).url
const exportOf = async (user: string) => {
  const asked = await json<PrivacyRequest>(post('/v1/privacy/requests', user, { subject_request_type: 'access' }))
  const request = await completed(user, asked.id)
  const url = await linkOf(user, asked.id)
  const answer = await fetch(url)
  expect(answer.headers.get('content-type')).toBe('application/zip')
  const bytes = Buffer.from(await answer.arrayBuffer())
  expect(request.archive).toMatchObject({
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })
  return { request, url, members: readArchive(bytes) }
}
/** Everything below a folder, as bytes one after the other. */
const filesOf = (folder: string): Buffer =>
  Buffer.concat(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .flatMap((path) => [Buffer.from(path), readFileSync(path)]),
  )

it('an export has all that is held of the person, and nothing of anybody else', async () => {
  const { members } = await exportOf(ada)
  const all = Buffer.concat([...members].flatMap(([name, content]) => [Buffer.from(name), content])).toString()
  expect(all).not.toContain('bob-canary')
  for (const what of ['Prompt', 'Input', 'Title', 'Memory', 'Asset', 'Batch', 'Proof'])
    expect(all).toContain(`${what} of ${ada}`)

  const manifest = JSON.parse(String(members.get('manifest.json'))) as {
    tables: Record<string, number>
    files: { name: string; bytes: number; sha256: string }[]
  }
  // As many rows as the administrator finds, in every table that has a column for people.
  const counted: Record<string, number> = {}
  for (const { table, personColumn, by } of exportPlan(dataMap)) {
    if (by.length > 0) continue
    const where = `FROM headgate.${table} WHERE ${personColumn} = '${ada}'`
    const [row] = await queryDatabase<{ rows: string }>(database.url, `SELECT count(*) AS rows ${where}`)
    if (Number(row?.rows) > 0) counted[table] = Number(row?.rows)
  }
  expect(manifest.tables).toMatchObject(counted)
  expect(Object.keys(manifest.tables).sort()).toEqual([
    ...['asset_owners', 'asset_versions', 'assets', 'batches', 'budget_windows', 'budgets', 'consents'],
    ...['conversation_messages', 'conversation_owners', 'conversation_sessions', 'conversation_tombstones'],
    ...['idempotency_keys', 'ledger_entries', 'memories', 'memory_extractions', 'memory_sources', 'responses'],
    ...['usage_days', 'usage_hours'],
  ])
  for (const [table, rows] of Object.entries(manifest.tables))
    expect(
      String(members.get(`data/${table}.jsonl`))
        .trim()
        .split('\n'),
    ).toHaveLength(rows)

  // Every member is listed with its digest, and the list is signed.
  const listed = new Map(manifest.files.map(({ name, ...entry }) => [name, entry]))
  for (const [name, content] of members) {
    if (['manifest.json', 'manifest.sig', 'key.pem'].includes(name)) continue
    const sha256 = createHash('sha256').update(content).digest('hex')
    expect([name, listed.get(name)]).toEqual([name, { bytes: content.length, sha256 }])
  }
  const [text, signature, publicKey] = ['manifest.json', 'manifest.sig', 'key.pem'].map(
    (name) => members.get(name) as Buffer,
  )
  expect(verify(null, text as Buffer, String(publicKey), signature as Buffer)).toBe(true)
  expect([...members.keys()].filter((name) => name.includes('..'))).toEqual([])
})

it('an archive opens to its link alone, and a request to its person', async () => {
  const { request, url } = await exportOf(ada)
  await expectFetchedError(await call(`/v1/privacy/requests/${request.id}`, bob), 'privacy_request_not_found')
  await expectFetchedError(await post(`/v1/privacy/requests/${request.id}/link`, bob, {}), 'privacy_request_not_found')
  expect(await json(call('/v1/privacy/requests', bob))).toMatchObject({ data: [] })
  await expectFetchedError(await fetch(`${url.slice(0, -2)}AA`), 'export_link_invalid')
  await expectFetchedError(await fetch(`${house.url}/privacy/exports/nothing`), 'export_link_invalid')
  // What lies in the store is sealed.
  expect(filesOf(join(house.dataDirectory, 'assets')).includes(ada)).toBe(false)
})

it('an operator takes requests down, sees when they are due, and whoever fetches an archive stands in the audit', async () => {
  const identity = { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: bob }
  const body = { project: 'default', subject_request_id: 'ticket-7', subject_identities: [identity], law: 'ccpa' }
  const admin = <T>(path: string, given?: object) =>
    json<T>(house.request(`/admin/v1/privacy/requests${path}`, given && { body: given }))
  const asked = await admin<PrivacyRequest>('', { ...body, subject_request_type: 'portability' })
  const days = (to: string) => (Date.parse(to) - Date.parse(asked.received_time)) / 86_400_000
  expect([days(asked.expected_completion_time), days(asked.due_time)]).toEqual([7, 45])
  expect(asked).toMatchObject({ subject_request_id: 'ticket-7', is_overdue: false, extended: false })
  await completed(bob, asked.id)
  const { url } = await admin<{ url: string }>(`/${asked.id}/link`, {})
  expect((await fetch(url)).status).toBe(200)
  await expectFetchedError(
    await house.request(`/admin/v1/privacy/requests/${asked.id}/extend`, { body: { reason: 'Late' } }),
    'privacy_request_not_open',
  )
  const audit = await (await house.request('/admin/v1/audit')).text()
  expect(audit).toContain('privacy_request.link_made')
  expect(audit).not.toContain(bob)
  const list = await admin<{ data: PrivacyRequest[]; next_cursor: string }>('?limit=1')
  expect(list.data[0]?.id).toBe(asked.id)
  expect((await admin<{ data: PrivacyRequest[] }>(`?limit=1&after=${list.next_cursor}`)).data).toHaveLength(1)

  // After its days an archive is gone from the store too.
  const pieces = () =>
    queryDatabase(database.url, `SELECT * FROM headgate.privacy_archive_pieces WHERE request_id = '${asked.id}'`)
  const before = filesOf(house.dataDirectory).length
  expect(await pieces()).toHaveLength(1)
  await queryDatabase(
    database.url,
    `UPDATE headgate.privacy_requests SET archive_until = now() WHERE request_id = '${asked.id}'`,
  )
  await expectFetchedError(await fetch(url), 'export_link_invalid')
  const another = await admin<PrivacyRequest>('', { ...body, subject_request_type: 'access' })
  await vi.waitFor(async () => expect(await pieces()).toEqual([]), 5_000)
  await completed(bob, another.id)
  expect(filesOf(house.dataDirectory).length).toBeLessThan(before * 2)
})

it('after an erasure neither database, folders nor links have anything of the person left', async () => {
  const { url } = await exportOf(ada)
  const asked = await json<PrivacyRequest>(post('/v1/privacy/requests', ada, { subject_request_type: 'erasure' }))
  expect(asked).toMatchObject({ request_status: 'in_progress', subject_request_type: 'erasure' })
  await vi.waitFor(
    async () => {
      await post('/v1/privacy/erasures', ada, {})
      const now = await json<PrivacyRequest>(house.request(`/admin/v1/privacy/requests/${asked.id}`))
      expect(now.request_status).toBe('completed')
    },
    { timeout: 10_000, interval: 50 },
  )
  await expectFetchedError(await fetch(url), 'export_link_invalid')
  const dump = await dumpDatabase(database.url)
  expect([dump.includes(ada), filesOf(house.dataDirectory).includes(ada)]).toEqual([false, false])
  const [left] = await queryDatabase<{ rows: string }>(
    database.url,
    `SELECT count(*) AS rows FROM headgate.privacy_archive_pieces p JOIN headgate.privacy_requests r USING (project_id, request_id)
      WHERE r.archive_until IS NULL`,
  )
  expect(left?.rows).toBe('0')
})
