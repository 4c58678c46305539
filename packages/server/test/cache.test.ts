import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { callsOf } from './faults/support/calls-of.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { strongSecrets } from './support/configuration.ts'
import { type House, startHouse } from './support/house.ts'

const patience = { timeout: 15_000, interval: 20 }
const price = { input: '1', output: '2' }
const models = {
  plain: 'up/gpt-4o-mini',
  slow: 'up/gpt-4o-mini;delay=300',
  fails: 'up/gpt-4o-mini;status=500',
  cut: 'up/gpt-4o-mini;parts=5;cut-at-part=2',
  embed: 'up/text-embedding-3-small',
}

let here: House
let there: House
let alone: House
let key: string

beforeAll(async () => {
  const config = {
    models: Object.fromEntries(Object.values(models).map((name) => [name, { price, max_output_tokens: 1_000 }])),
    routes: { 'always-cached': { targets: { [models.plain]: {} } } },
  }
  const environment = { HEADGATE_ROOT_KEY: strongSecrets[0] as string, HEADGATE_CACHE_STORE: 'postgres' }
  here = await startHouse({ config, environment })
  there = await startHouse({ config, environment, databaseUrl: here.databaseUrl, upstream: here.upstream })
  alone = await startHouse({
    config,
    environment: { HEADGATE_CACHE_MODELS: 'always-cached' },
    upstream: here.upstream,
  })
  key = (await here.makeKey()).key
})
afterAll(async () => {
  await alone.stop()
  await there.stop()
  await here.stop()
})

interface Asked {
  readonly at?: House
  readonly by?: string
  readonly cache?: string | null
  readonly user?: string
  readonly path?: string
  readonly signal?: AbortSignal
}
const ask = async (body: object, { at = here, by = key, cache = 'on', user, path, signal }: Asked = {}) => {
  const answer = await fetch(`${at.url}/v1/${path ?? 'chat/completions'}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${by}`,
      'content-type': 'application/json',
      ...(cache !== null && { 'x-headgate-cache': cache }),
      ...(user !== undefined && { 'x-headgate-user': user }),
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  return { status: answer.status, text: bytes.toString('latin1'), of: (name: string) => answer.headers.get(name) }
}
/** A conversation that nobody had before. */
const chat = (more: object = {}) => ({
  model: models.plain,
  messages: [{ role: 'user', content: `the sea ${randomUUID()}` }],
  ...more,
})
const cacheOf = ({ of }: { of: (name: string) => string | null }) => of('x-headgate-cache')
const callsBy = async (work: () => Promise<unknown>) => {
  const before = here.upstream.truth().length
  await work()
  return here.upstream.truth().length - before
}
const usage = async (house: House, by: string) => {
  await house.settled()
  const answer = await house.request('/v1/usage', { key: by })
  return (await answer.json()) as {
    data: { cost_usd: string; saved_usd: string | null; input_tokens: number; attempts: number }[]
    totals: { saved_usd: string; cost_usd: string; requests: number }
  }
}

it('answers the same request again, on every replica, at no cost, and shows what that saved', async () => {
  const { key: own } = await here.makeKey()
  const body = chat()
  const calls = await callsBy(async () => {
    const first = await ask(body, { by: own })
    expect([first.status, cacheOf(first), first.of('age')]).toEqual([200, 'miss', null])
    for (const at of [here, there]) {
      const again = await ask(body, { by: own, at })
      expect([again.status, cacheOf(again), again.of('x-headgate-cost-usd')]).toEqual([200, 'hit', '0'])
      expect(again.of('age')).toMatch(/^\d+$/)
      expect(again.of('cache-control')).toBe('private, no-store')
      expect(again.text).toBe(first.text)
    }
  })
  expect(calls).toBe(1)
  await there.settled()
  const { data, totals } = await usage(here, own)
  const paid = data.find(({ saved_usd }) => saved_usd === null)
  const given = data.filter(({ saved_usd }) => saved_usd !== null)
  expect(Number(paid?.cost_usd)).toBeGreaterThan(0)
  expect(given).toHaveLength(2)
  for (const row of given)
    expect(row).toMatchObject({ cost_usd: '0', saved_usd: paid?.cost_usd, input_tokens: 0, attempts: 0 })
  expect(Number(totals.saved_usd)).toBeCloseTo(2 * Number(paid?.cost_usd), 12)
  expect(totals.cost_usd).toBe(paid?.cost_usd)
  const metrics = await (await here.request('/metrics')).text()
  expect(metrics).toMatch(/headgate_cache_saved_usd_total\{[^}]*\} [0-9.e-]+/)
})

it('gives streams again as streams, with the same events', async () => {
  const body = chat({ stream: true, stream_options: { include_usage: true } })
  const first = await ask(body)
  await vi.waitFor(async () => expect(cacheOf(await ask(body))).toBe('hit'), patience)
  const again = await ask(body, { at: there })
  expect(again.of('content-type')).toBe(first.of('content-type'))
  const eventsOf = ({ text }: { text: string }) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => (JSON.parse(line.slice(6)) as { choices: unknown }).choices)
  expect(eventsOf(again)).toEqual(eventsOf(first))
  expect(again.text.trimEnd().endsWith('[DONE]')).toBe(true)
})

it.each([
  ['embeddings', { model: models.embed, input: 'the sea' }],
  ['images/generations', { model: 'up/gpt-image-1', prompt: 'the sea' }],
  ['audio/speech', { model: 'up/tts-1', input: 'the sea', voice: 'alloy' }],
])('gives %s again', async (path, body) => {
  const { key: own } = await here.makeKey()
  const first = await ask(body, { path, by: own })
  expect([first.status, cacheOf(first)]).toEqual([200, 'miss'])
  await vi.waitFor(async () => expect(cacheOf(await ask(body, { path, by: own }))).toBe('hit'), patience)
  const again = await ask(body, { path, by: own, at: there })
  expect([again.text, again.of('content-type')]).toEqual([first.text, first.of('content-type')])
})

it('makes one call of many at once, here and on other replicas', async () => {
  const body = chat({ model: models.slow })
  const calls = await callsBy(async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask(body, { at: index % 2 === 0 ? here : there })),
    )
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.map(cacheOf).filter((result) => result === 'miss')).toHaveLength(1)
  })
  expect(calls).toBe(1)
})

it('lets the next one make the answer when the first has left', async () => {
  const body = chat({ model: models.slow })
  const leaving = new AbortController()
  const before = callsOf(here.upstream).length
  const first = ask(body, { signal: leaving.signal }).catch(() => null)
  await vi.waitFor(() => expect(callsOf(here.upstream).length).toBeGreaterThan(before), patience)
  const second = ask(body)
  leaving.abort()
  expect([await first, (await second).status]).toEqual([null, 200])
})

describe('has no answer for', () => {
  it('another project, another key, or another person; shared, it has one for all of a project', async () => {
    const body = chat()
    const { key: sibling } = await here.makeKey()
    const { id } = (await (
      await here.request('/admin/v1/projects', { body: { id: 'other', name: 'other' } })
    ).json()) as {
      id: string
    }
    const { key: foreign } = await here.makeKey({ project: id })
    for (const cache of ['on', 'on, shared']) {
      expect(cacheOf(await ask(body, { cache, user: 'ada' }))).toBe('miss')
      expect(cacheOf(await ask(body, { cache, user: 'ada' }))).toBe('hit')
      expect(cacheOf(await ask(body, { cache, by: foreign, user: 'ada' }))).toBe('miss')
      const others = [await ask(body, { cache, by: sibling, user: 'ada' }), await ask(body, { cache, user: 'bob' })]
      expect(others.map(cacheOf)).toEqual(cache === 'on' ? ['miss', 'miss'] : ['hit', 'hit'])
    }
  })

  it('any other parameter, however small', async () => {
    const body = chat({ temperature: 0, max_tokens: 50 })
    expect(cacheOf(await ask(body))).toBe('miss')
    const others = [
      { temperature: 0.1 },
      { max_tokens: 51 },
      { stream: true },
      { model: models.slow },
      { messages: [...body.messages, { role: 'user', content: '' }, { role: 'user', content: 'x' }] },
      { messages: [{ ...body.messages[0], content: `${body.messages[0]?.content} ` }] },
      { user: 'ada' },
      { unheard: { of: [1, 10] } },
      { unheard: { of: [11, 0] } },
    ]
    for (const other of others) expect(cacheOf(await ask({ ...body, ...other }))).toBe('miss')
    // The order of members says nothing.
    expect(cacheOf(await ask(Object.fromEntries(Object.entries(body).reverse())))).toBe('hit')
  })

  it('calls that failed, streams that were cut, tools that were not asked for, and what is off', async () => {
    const failing = chat({ model: models.fails })
    const cut = chat({ model: models.cut, stream: true })
    for (let round = 0; round < 2; round += 1) {
      const [failed, broken] = [await ask(failing), await ask(cut)]
      expect([failed.status >= 500, cacheOf(failed)]).toEqual([true, 'miss'])
      expect([broken.status, cacheOf(broken), broken.text.includes('[DONE]')]).toEqual([200, 'miss', false])
    }
    const tools = chat({ tools: [{ type: 'function', function: { name: 'pay' } }] })
    expect([cacheOf(await ask(tools)), cacheOf(await ask(tools))]).toEqual(['bypass', 'bypass'])
    expect([
      cacheOf(await ask(tools, { cache: 'on, tools' })),
      cacheOf(await ask(tools, { cache: 'on, tools' })),
    ]).toEqual(['miss', 'hit'])
    const body = chat()
    expect(cacheOf(await ask(body))).toBe('miss')
    for (const cache of [null, 'off']) expect(cacheOf(await ask(body, { cache }))).toBeNull()
  })
})

it('fetches anew where the answer is too old, and is told to', async () => {
  const body = chat()
  expect(cacheOf(await ask(body))).toBe('miss')
  expect(cacheOf(await ask(body, { cache: 'on, max-age=0' }))).toBe('miss')
  const calls = await callsBy(async () => expect(cacheOf(await ask(body, { cache: 'refresh' }))).toBe('miss'))
  expect(calls).toBe(1)
  expect(cacheOf(await ask(body))).toBe('hit')
})

it('gives a stale answer at once while one new is fetched, as a call of its own', async () => {
  const { key: own } = await here.makeKey()
  const body = chat({ model: models.slow })
  await ask(body, { by: own, cache: 'on, max-age=0, stale=60' })
  const calls = await callsBy(async () => {
    const many = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        ask(body, { by: own, cache: 'on, max-age=0, stale=60', at: index % 2 === 0 ? here : there }),
      ),
    )
    expect(new Set(many.map(cacheOf))).toEqual(new Set(['stale']))
    await vi.waitFor(async () => {
      await there.settled()
      const { data } = await usage(here, own)
      expect(data.filter(({ attempts }) => attempts === 1)).toHaveLength(2)
    }, patience)
  })
  expect(calls).toBe(1)
})

it('refuses words that it does not know', async () => {
  for (const cache of ['yes', 'on, forever', 'on, max-age=-1', 'on, max-age', '']) {
    const refused = await ask(chat(), { cache })
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([400, 'invalid_parameter'])
  }
})

it('keeps what is written unreadable for who can read the database', async () => {
  const word = `secret-${randomUUID()}`
  await ask({ model: models.plain, messages: [{ role: 'user', content: word }] })
  const rows = await queryDatabase<{ sealed: Buffer; subject: string }>(
    here.databaseUrl,
    'SELECT sealed, subject FROM headgate.cached_answers WHERE sealed IS NOT NULL',
  )
  expect(rows.length).toBeGreaterThan(0)
  for (const { sealed, subject } of rows) {
    expect(sealed.toString('latin1')).not.toMatch(/choices|secret-|gpt/)
    expect(subject).toMatch(/^([0-9a-f]{64})?$/)
  }
})

it('forgets a person when an operator says so, with a line in the audit', async () => {
  const body = chat()
  const mine = chat()
  await ask(body, { user: 'to-be-erased' })
  await ask(mine, { user: 'stays' })
  const answer = await there.request('/admin/v1/cache/purge', { body: { user: 'to-be-erased' } })
  expect(await answer.json()).toEqual({ object: 'cache_purge', purged: 1 })
  expect(cacheOf(await ask(body, { user: 'to-be-erased' }))).toBe('miss')
  expect(cacheOf(await ask(mine, { user: 'stays' }))).toBe('hit')
  const audit = await (await here.request('/admin/v1/audit')).text()
  expect(audit).toContain('cache.purged')
  expect(audit).not.toContain('to-be-erased')
})

it('caches in memory by itself, and models that are configured without being asked', async () => {
  const { key: own } = await alone.makeKey()
  const body = chat({ model: 'always-cached' })
  const asked = { at: alone, by: own, cache: null }
  const first = await ask(body, asked)
  expect([first.status, cacheOf(first), cacheOf(await ask(body, asked))]).toEqual([200, 'miss', 'hit'])
  expect(cacheOf(await ask(body, { ...asked, cache: 'off' }))).toBeNull()
  expect(cacheOf(await ask(chat(), asked))).toBeNull()
  await alone.request('/admin/v1/cache/purge', { body: {} })
  expect(cacheOf(await ask(body, asked))).toBe('miss')
})
