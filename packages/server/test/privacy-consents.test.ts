import type { ConsentEntry, ConsentState } from '@headgate/contract/privacy-consents.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'

let house: House
let key: string
let other: string

beforeAll(async () => {
  house = await startHouse({
    environment: {
      HEADGATE_MEMORIES_EXTRACT_MODEL: 'up/gpt-4o-mini',
      HEADGATE_PRIVACY_OPT_IN_PURPOSES: 'training',
      HEADGATE_PRIVACY_GPC_PURPOSES: 'sale_or_sharing,memory_learning',
    },
  })
  await house.request('/admin/v1/projects', { body: { id: 'other', name: 'other' } })
  key = (await house.makeKey()).key
  other = (await house.makeKey({ project: 'other' })).key
}, 60_000)
afterAll(() => house.stop())

const ask = (path: string, user: string, body?: object, headers: Record<string, string> = {}, by = key) =>
  fetch(house.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json', 'x-headgate-user': user, ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const given = await answer
  const text = await given.text()
  expect(given.status, text).toBeLessThan(300)
  return JSON.parse(text) as T
}
const note = (user: string, purpose: string, decision: string, more: object = {}) =>
  json<ConsentEntry>(ask('/v1/consents', user, { purpose, decision, ...more }))
const state = async (user: string, headers = {}, by = key) => {
  const { data } = await json<{ data: ConsentState[] }>(ask('/v1/consents', user, undefined, headers, by))
  return Object.fromEntries(data.map(({ purpose, allowed, decided_by: decided }) => [purpose, `${allowed} ${decided}`]))
}
const history = (user: string) => json<{ data: ConsentEntry[] }>(ask('/v1/consents/history', user))
const gpc = { 'sec-gpc': '1' }
const withMemory = (user: string) =>
  ask(
    '/v1/chat/completions',
    user,
    { model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Tell of lanterns' }] },
    { 'x-headgate-memory': 'on' },
  )

it('keeps what people say of each purpose, the last word counting, each for themself, and changes no entry', async () => {
  expect(await state('ada')).toMatchObject({ training: 'false default', analytics: 'true default' })
  const entry = await note('ada', 'training', 'granted', { policy_version: '2026-01', proof: 'The button of page 3' })
  expect(entry).toMatchObject({ source: 'person', policy_version: '2026-01', proof: 'The button of page 3' })
  await note('ada', 'analytics', 'withdrawn')
  const said = { project: 'default', user: 'ada', purpose: 'training' }
  const early = { ...said, decision: 'withdrawn', given_at: '2020-01-01T00:00:00Z' }
  await json(house.request('/admin/v1/privacy/consents', { body: early }))
  expect(await state('ada')).toMatchObject({ training: 'true person', analytics: 'false person' })
  await json(house.request('/admin/v1/privacy/consents', { body: { ...said, decision: 'withdrawn' } }))
  expect(await state('ada')).toMatchObject({ training: 'false operator' })
  const { data } = await history('ada')
  expect(data.map(({ purpose, decision, source }) => [purpose, decision, source].join(' '))).toEqual([
    'training withdrawn operator',
    'training withdrawn operator',
    'analytics withdrawn person',
    'training granted person',
  ])
  const read = await json<{ data: ConsentEntry[] }>(
    house.request('/admin/v1/privacy/consents/history?project=default&user=ada&limit=1'),
  )
  expect(read.data).toEqual(data.slice(0, 1))
  expect(await state('ada', {}, other)).toMatchObject({ analytics: 'true default' })
  expect(await state('ben')).toMatchObject({ analytics: 'true default' })

  await expectFetchedError(
    await ask('/v1/consents', 'ada', { purpose: 'unheard-of', decision: 'granted' }),
    'invalid_parameter',
  )
  const late = { ...said, decision: 'granted', given_at: '2999-01-01T00:00:00Z' }
  await expectFetchedError(await house.request('/admin/v1/privacy/consents', { body: late }), 'invalid_parameter')
  const direct = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog })
  const change = direct.transaction({ project: 'default' }, ({ execute }) =>
    execute(`UPDATE headgate.consents SET decision = 'granted'`),
  )
  await expect(change).rejects.toThrow('permission denied')
  await direct.close()
})

it('Sec-GPC: 1 ends what it concerns for the call, and is written down once', async () => {
  expect(await json(fetch(`${house.url}/.well-known/gpc.json`))).toEqual({ gpc: true })
  const ends = { sale_or_sharing: 'false gpc', memory_learning: 'false gpc', analytics: 'true default' }
  expect(await state('cleo', gpc)).toMatchObject(ends)
  await vi.waitFor(async () => expect((await history('cleo')).data.length).toBe(2), 5_000)
  expect(await state('cleo')).toMatchObject(ends)
  expect((await history('cleo')).data[0]).toMatchObject({ decision: 'withdrawn', source: 'gpc' })
  await state('cleo', gpc)
  // Any other value says nothing.
  await state('dora', { 'sec-gpc': '0' })
  // What the person says later counts without the signal, and not with it; then it is written down anew.
  await note('cleo', 'memory_learning', 'granted')
  expect(await state('cleo')).toMatchObject({ memory_learning: 'true person', sale_or_sharing: 'false gpc' })
  expect(await state('cleo', gpc)).toMatchObject({ memory_learning: 'false gpc' })
  await vi.waitFor(async () => expect((await history('cleo')).data.length).toBe(4), 5_000)
  expect((await history('dora')).data).toEqual([])
})

it('memories are neither learned nor put before calls where the person does not want it', async () => {
  await json(ask('/v1/memories', 'emil', { text: 'Emil likes lanterns' }))
  expect((await withMemory('emil')).headers.get('x-headgate-memory')).toContain('used=1')
  const { id } = await json<{ id: string }>(ask('/v1/sessions', 'emil', {}))
  const learn = (headers = {}) => ask('/v1/memories/extractions', 'emil', { session_id: id }, headers)
  await expectFetchedError(await learn(gpc), 'consent_missing')
  await note('emil', 'memory_learning', 'granted')
  expect((await learn()).status).toBe(202)
  await note('emil', 'memory_recall', 'withdrawn')
  const silent = await withMemory('emil')
  expect(silent.status).toBe(200)
  expect(silent.headers.get('x-headgate-memory')).toBe('used=0, consent=missing')
  await silent.arrayBuffer()
  await note('emil', 'memory_learning', 'withdrawn')
  await expectFetchedError(await learn(), 'consent_missing')
  // Somebody else’s wish is theirs alone.
  await json(ask('/v1/memories', 'frida', { text: 'Frida likes lanterns' }))
  expect((await withMemory('frida')).headers.get('x-headgate-memory')).toContain('used=1')
})

it('entries go with their person', async () => {
  const body = { project: 'default', user: 'ada' }
  expect(await json(house.request('/admin/v1/privacy/erasures', { body }))).toMatchObject({ erased: { consents: 4 } })
  expect(await queryDatabase(house.databaseUrl, `SELECT FROM headgate.consents WHERE subject = 'ada'`)).toEqual([])
})
