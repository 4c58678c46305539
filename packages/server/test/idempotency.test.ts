import { randomBytes, randomUUID } from 'node:crypto'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { verifyLedger } from '../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { adminKey, type House, startHouse } from './support/house.ts'

const price = { input: '1', output: '2' }
const slow = 'gpt-4o-mini;delay=400'
const script = {
  slow: `up/${slow}`,
  long: 'up/gpt-4o-mini;parts=400',
  stream: 'up/gpt-4o-mini;parts=5;part-delay=20',
  fails: 'up/gpt-4o-mini;status=500;fail-first=3',
  refuses: 'up/gpt-4o-mini;status=400',
}

let house: House
let other: House
let database: Database
let key: string

beforeAll(async () => {
  const models = Object.fromEntries(Object.values(script).map((name) => [name, { price, max_output_tokens: 1_000 }]))
  // What replicas share beside the database.
  const shared = { HEADGATE_ROOT_KEY: randomBytes(32).toString('base64') }
  house = await startHouse({
    config: { models },
    environment: { ...shared, HEADGATE_IDEMPOTENCY_MAX_ANSWER_BYTES: '2000' },
  })
  other = await startHouse({
    config: { models },
    environment: shared,
    databaseUrl: house.databaseUrl,
    upstream: house.upstream,
  })
  key = (await house.makeKey()).key
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog, poolSize: 2 })
})
afterAll(async () => {
  await database.close()
  await other.stop()
  await house.stop()
})

interface Asked {
  readonly name?: string
  readonly model?: string
  readonly stream?: boolean
  readonly content?: string
  readonly at?: House
  readonly by?: string
  readonly user?: string
  readonly signal?: AbortSignal
}
const ask = async ({ name = randomUUID(), model = 'up/gpt-4o-mini', stream = false, ...rest }: Asked = {}) => {
  const answer = await fetch(`${(rest.at ?? house).url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${rest.by ?? key}`,
      'content-type': 'application/json',
      'idempotency-key': name,
      ...(rest.user !== undefined && { 'x-headgate-user': rest.user }),
    },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: rest.content ?? 'the sea' }] }),
    ...(rest.signal && { signal: rest.signal }),
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}
const codeOf = ({ text }: { text: string }) => (JSON.parse(text) as { error: { code: string } }).error.code
const rows = async () => {
  await Promise.all([house.settled(), other.settled()])
  const read = await database.read('system', ({ query }) =>
    query<{ count: string }>(`SELECT count(*) FROM headgate.ledger_entries`),
  )
  return Number(read.rows[0]?.count)
}
/** What ran since: calls at the provider, and rows of the ledger. */
const counted = async (work: () => Promise<unknown>) => {
  const calls = house.upstream.truth().length
  const before = await rows()
  await work()
  return { calls: house.upstream.truth().length - calls, rows: (await rows()) - before }
}

it('answers a retry with the same bytes, runs it once and charges it once', async () => {
  const name = randomUUID()
  const run = await counted(async () => {
    const first = await ask({ name })
    const again = await ask({ name: `"${name}"` })
    expect(first).toMatchObject({ status: 200 })
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(again).toMatchObject({ status: 200, text: first.text })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    for (const told of ['x-headgate-model', 'x-headgate-cost-usd', 'content-type'])
      expect(again.headers.get(told)).toBe(first.headers.get(told))
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(await ask({ name, at: other })).toMatchObject({ status: 200, text: first.text })
  })
  expect(run).toEqual({ calls: 1, rows: 1 })
})

it('lets identical requests join the running call, here and on another replica', async () => {
  const name = randomUUID()
  const run = await counted(async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask({ name, model: script.slow, at: index % 2 ? other : house })),
    )
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1)
  })
  expect(run).toEqual({ calls: 1, rows: 1 })
})

it('finishes a call whose caller gave up, for the retry that the official client makes of it', async () => {
  const client = new OpenAI({ apiKey: key, baseURL: `${house.url}/v1`, maxRetries: 2, timeout: 150 })
  const headers = { 'Idempotency-Key': randomUUID() }
  const run = await counted(async () => {
    const first = client.chat.completions.create(
      { model: script.slow, messages: [{ role: 'user', content: 'patience' }] },
      { headers, maxRetries: 0 },
    )
    await expect(first).rejects.toThrow(/timed out/)
    const answer = await client.chat.completions.create(
      { model: script.slow, messages: [{ role: 'user', content: 'patience' }] },
      { headers, timeout: 10_000 },
    )
    expect(answer.choices[0]?.message.content).toBeTruthy()
  })
  expect(run).toEqual({ calls: 1, rows: 1 })
  expect(house.upstream.truth().at(-1)).toMatchObject({ outcome: 'complete' })
})

it('refuses another request under the same name, whether the first has ended or runs', async () => {
  const name = randomUUID()
  const before = house.upstream.truth().length
  const first = ask({ name, model: script.slow, content: 'one' })
  await vi.waitFor(() => expect(house.upstream.truth().length).toBeGreaterThan(before))
  const refused = await ask({ name, model: script.slow, content: 'two' })
  expect(refused.status).toBe(422)
  expect(codeOf(refused)).toBe('idempotency_key_reused')
  expect((await first).status).toBe(200)
  for (const at of [house, other]) expect((await ask({ name, at, content: 'two' })).status).toBe(422)
})

it('keeps the names of keys, projects and people apart', async () => {
  const name = randomUUID()
  const project = `p-${name.slice(0, 8)}`
  await house.request('/admin/v1/projects', { body: { id: project, name: project } })
  const stranger = (await house.makeKey({ project })).key
  const neighbour = (await house.makeKey()).key
  const run = await counted(async () => {
    for (const who of [{}, { by: stranger }, { by: neighbour }, { user: 'u1' }, { user: 'u2' }]) {
      const answer = await ask({ name, ...who })
      expect(answer.headers.get('idempotent-replayed')).toBeNull()
      expect((await ask({ name, ...who })).text).toBe(answer.text)
    }
  })
  expect(run).toEqual({ calls: 5, rows: 5 })
})

it('replays a whole stream, and one that was cut by its reader runs anew', async () => {
  const name = randomUUID()
  const first = await ask({ name, model: script.stream, stream: true })
  expect(first.text).toMatch(/data: \[DONE\]\n\n$/)
  const again = await ask({ name, model: script.stream, stream: true, at: other })
  expect(again.text).toBe(first.text)
  expect(again.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const before = await rows()
  const leaving = new AbortController()
  const left = randomUUID()
  const cut = await fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': left },
    body: JSON.stringify({ model: script.stream, stream: true, messages: [{ role: 'user', content: 'the sea' }] }),
    signal: leaving.signal,
  })
  await cut.body?.getReader().read()
  leaving.abort()
  await vi.waitFor(() => expect(house.upstream.truth().at(-1)).toMatchObject({ outcome: 'aborted' }))
  await vi.waitFor(async () => {
    const anew = await ask({ name: left, model: script.stream, stream: true })
    expect(anew.headers.get('idempotent-replayed')).toBeNull()
    expect(anew.text).toMatch(/data: \[DONE\]\n\n$/)
  })
  // What the reader left is counted, and written, after its name is free.
  await vi.waitFor(async () => expect(await rows()).toBe(before + 2), { timeout: 10_000 })
})

it('runs a failed call anew, and tells a refusal of the request again', async () => {
  const name = randomUUID()
  expect((await ask({ name, model: script.fails })).status).toBe(502)
  expect((await ask({ name, model: script.fails })).status).toBe(200)
  const refused = randomUUID()
  const run = await counted(async () => {
    const first = await ask({ name: refused, model: script.refuses })
    expect(first.status).toBe(400)
    const again = await ask({ name: refused, model: script.refuses })
    expect(again).toMatchObject({ status: 400, text: first.text })
    expect(again.headers.get('x-should-retry')).toBe('false')
  })
  expect(run).toEqual({ calls: 1, rows: 1 })
})

it('says of an answer too long to be kept that it was given', async () => {
  const name = randomUUID()
  const run = await counted(async () => {
    expect((await ask({ name, model: script.long })).status).toBe(200)
    const again = await ask({ name, model: script.long })
    expect(again.status).toBe(409)
    expect(codeOf(again)).toBe('not_replayable')
  })
  expect(run).toEqual({ calls: 1, rows: 1 })
})

it('makes one key of an operator’s request that came twice', async () => {
  const name = randomUUID()
  const make = async (at: House, named: string) => {
    const answer = await fetch(`${at.url}/admin/v1/keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${adminKey}`,
        'content-type': 'application/json',
        'idempotency-key': name,
      },
      body: named,
    })
    return { status: answer.status, body: (await answer.json()) as { key: string } }
  }
  const first = await make(house, '{"name":"twice","tier":"pro"}')
  expect(first.status).toBe(201)
  expect(await make(other, '{"tier":"pro","name":"twice"}')).toEqual(first)
})

it('takes a name over whose replica is gone, and forgets it after its time', async () => {
  const name = randomUUID()
  const first = await ask({ name })
  const change = (assignment: string) =>
    database.transaction('system', ({ execute }) =>
      execute(`UPDATE headgate.idempotency_keys SET ${assignment} WHERE created_at > now() - interval '5 s'`),
    )
  await change(`held_until = now() - interval '1 s', sealed = NULL`)
  const taken = await ask({ name })
  expect(taken.headers.get('idempotent-replayed')).toBeNull()
  expect(taken.text).not.toBe(first.text)
  await change(`expires_at = now()`)
  expect((await ask({ name, content: 'another' })).status).toBe(200)
})

it.each(['', 'x'.repeat(256), '"open', 'ümlaut'])('refuses %j as a name', async (name) => {
  const answer = await ask({ name: Buffer.from(name).toString('latin1') })
  expect(answer.status).toBe(400)
  expect(codeOf(answer)).toBe('idempotency_key_invalid')
})

it('leaves the books in order', async () => {
  await Promise.all([house.settled(), other.settled()])
  expect((await verifyLedger(database)).findings).toEqual([])
})
