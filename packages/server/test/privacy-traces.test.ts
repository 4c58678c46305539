import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import type { Erasure } from '@headgate/contract/privacy.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type GatewayProcess, startGateway } from './faults/support/gateway-process.ts'
import { dumpDatabase } from './faults/support/ledger-rows.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'

const person = 'odile-lanternwright'
const other = 'bruno-lanternwright'
/** What is theirs without their name. */
const words = 'nightjar-cartography'

let database: TestDatabase
let upstream: Upstream
let gateway: GatewayProcess
let key: string

beforeAll(async () => {
  ;[database, upstream] = await Promise.all([freshDatabase(), startUpstream()])
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    environment: {
      HEADGATE_RETENTION_ERASURE_SETTLE_MINUTES: '0',
      HEADGATE_CACHE_STORE: 'postgres',
    },
  })
  key = (await gateway.makeKey()).key
}, 60_000)
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

const ask = async (user: string, path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
  const answer = await fetch(gateway.url + path, {
    ...(init.body !== undefined && { method: 'POST' }),
    ...init,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-headgate-user': user,
      ...init.headers,
    },
  })
  return { status: answer.status, text: await answer.text() }
}
const messages = (user: string) => [{ role: 'user', content: `I am ${user}, of the ${words} of ${user}` }]

/** What leaves traces of somebody: what is kept, what waits, what is cut, and what is refused. */
const live = async (user: string): Promise<void> => {
  const call = JSON.stringify({ model: 'up/gpt-4o-mini', messages: messages(user), user })
  const statuses: number[] = []
  const did = async (...asked: Parameters<typeof ask>) => {
    const answer = await ask(...asked)
    statuses.push(answer.status)
    return answer.text
  }
  await did(user, '/v1/chat/completions', { body: call, headers: { 'idempotency-key': `of-${user}` } })
  await did(user, '/v1/chat/completions', { body: call, headers: { 'x-headgate-cache': 'on' } })
  await did(user, '/v1/responses', {
    body: JSON.stringify({ model: 'up/gpt-4o-mini', input: `of ${user}`, background: true }),
  })
  const session = JSON.parse(
    await did(user, '/v1/sessions', { body: JSON.stringify({ title: `The ${words} of ${user}` }) }),
  )
  await did(user, '/v1/chat/completions', { body: call, headers: { 'x-headgate-session': session.id } })
  await did(user, '/v1/memories', {
    body: JSON.stringify({ text: `${user} draws ${words}`, source: { type: 'tool', id: user } }),
  })
  await did(user, '/v1/assets', { body: `The ${words} of ${user}`, headers: { 'content-type': 'text/plain' } })
  // An upload that nobody ends.
  await did(user, '/v1/uploads', {
    body: `The ${words}`,
    headers: {
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-length': '4000',
      'upload-metadata': `filename ${Buffer.from(`${user}.txt`).toString('base64')}`,
    },
  })
  expect(statuses.filter((status) => status >= 300)).toEqual([])
  // What is refused is told to the log.
  const refused = [
    await ask(user, `/v1/sessions/${user}`),
    await ask(user, '/v1/chat/completions', {
      body: JSON.stringify({ model: 'no-such-model', messages: messages(user) }),
    }),
    await ask(user, '/v1/chat/completions', { body: `{"messages": "${user}` }),
    await ask(user, `/v1/${user}?of=${user}`),
  ]
  expect(refused.every(({ status }) => status >= 400 && status < 500)).toBe(true)
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

it('of a person who was erased nothing is found: not in the database, the folders, or the log', async () => {
  await live(person)
  await live(other)
  const found = (text: string, name: string): boolean => text.includes(name)
  await vi.waitFor(async () => expect(found(await dumpDatabase(database.url), person)).toBe(true), { timeout: 10_000 })
  const erasures = '/admin/v1/privacy/erasures'
  const begin = async () =>
    (await (await gateway.request(erasures, { body: { project: 'default', user: person } })).json()) as Erasure
  const { id } = await begin()
  await vi.waitFor(
    async () => {
      const found = (await (await gateway.request(`${erasures}/${id}`)).json()) as Erasure
      // Asked for again, what is due goes on.
      if (found.state !== 'done') await begin()
      expect(found.state).toBe('done')
    },
    { timeout: 20_000, interval: 100 },
  )
  gateway.signal('SIGTERM')
  await gateway.ended
  const places = [
    ['the database', await dumpDatabase(database.url)],
    ['the log', gateway.output()],
    ...filesOf(gateway.dataDirectory).map((path) => [path, readFileSync(path, 'latin1')]),
  ] as [string, string][]
  expect(gateway.output().length).toBeGreaterThan(1_000)
  const forms = [person, Buffer.from(person).toString('base64').slice(0, 24), Buffer.from(person).toString('hex')]
  const left = places.flatMap(([place, text]) =>
    forms.filter((form) => found(text, form)).map((form) => `${form} in ${place}`),
  )
  expect(left).toEqual([])
  expect(found(places[0]?.[1] ?? '', other)).toBe(true)
}, 60_000)
