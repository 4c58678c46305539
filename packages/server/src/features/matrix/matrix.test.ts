import type { MatrixList, ModelEntry, ModelList } from '@headgate/contract/models.ts'
import type { RouteExplanation } from '@headgate/contract/routing.ts'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'
import { bucketOf } from '../../domain/latency.ts'

let house: House
let key: string
let owner: pg.Client

const licensed = (licence: string | undefined, more: object = {}) => ({
  price: { input: '1', output: '2' },
  ...(licence !== undefined && { licence }),
  ...more,
})

beforeAll(async () => {
  house = await startHouse({
    config: {
      models: {
        'up/open': licensed('Apache-2.0', { attribution: 'Made with Öffen', price: { input: '9', output: '9' } }),
        'up/closed': licensed('Research-Only-1.0'),
        'up/=HYPERLINK("x")': licensed('Apache-2.0'),
        'up/llama-3.3-70b-instruct': licensed(undefined, { context_tokens: 9_000 }),
      },
      routes: {
        both: { targets: { 'up/closed': {} }, fallbacks: ['up/open'] },
        none: { targets: { 'up/closed': {} } },
      },
    },
    environment: { HEADGATE_AUTO_MODELS: 'up/open,up/closed', HEADGATE_LICENCES_DENY: 'research-only*' },
  })
  key = (await house.makeKey()).key
  owner = new pg.Client({ connectionString: house.databaseUrl })
  await owner.connect()
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString()
  const row = (route: string, code: string, count: number, ms: number, tokens: number, first: object) =>
    owner.query(
      `INSERT INTO headgate.request_minutes (minute, process_id, kind, route, tier, target, code, count, total_ms,
         input_tokens, output_tokens, durations, first_bytes)
       VALUES ($1, 'run_planted', 'request', $2, 'pro', 'up/closed', $3, $4, $5, 1, $6, '{}', $7)`,
      [minute, route, code, count, ms, tokens, JSON.stringify(first)],
    )
  await row('/v1/chat/completions', '', 4, 2_000, 100, { [bucketOf(200)]: 3 })
  // Neither failures nor pictures say how fast texts come.
  await row('/v1/chat/completions', 'upstream_error', 9, 90_000, 9_000, { [bucketOf(9_000)]: 9 })
  await row('/v1/images/generations', '', 9, 90_000, 9_000, { [bucketOf(9_000)]: 9 })
})
afterAll(async () => {
  await owner?.end()
  await house?.stop()
})

const json = async <Value>(answer: Promise<Response>) => (await (await answer).json()) as Value
const ask = (model: string, by = key) =>
  house.request('/v1/chat/completions', { key: by, body: { model, messages: [{ role: 'user', content: 'Hello' }] } })
const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code
const matrix = (query = '') => json<MatrixList>(house.request(`/admin/v1/models${query}`))

it('tells of each model what is known, where that was read, and what was measured', async () => {
  const { data } = await matrix()
  const entry = (id: string) => data.find((one) => one.id === id)
  const closed = entry('up/closed')
  expect(closed).toMatchObject({ licence_allowed: false, sources: [], headgate: { tools: null, attribution: null } })
  const measured = closed?.headgate.measured
  expect(measured).toMatchObject({ answers: 4, output_tokens_per_second: 50 })
  expect(measured?.first_token_ms?.p50).toBeGreaterThan(190)
  expect(measured?.first_token_ms?.p95).toBeLessThan(210)
  expect(closed?.headgate.price).toMatchObject({ input_per_million: '1', output_per_million: '2', per_image: null })

  const llama = entry('up/llama-3.3-70b-instruct')
  expect(llama?.headgate).toMatchObject({
    licence: 'Llama-3.3-Community',
    attribution: 'Built with Llama',
    modalities: { input: ['text'], output: ['text'] },
    context_tokens: 9_000,
    tools: true,
    structured_output: null,
    measured: null,
  })
  const read = llama?.sources.flatMap(({ facts }) => facts) ?? []
  expect(read).toContain('licence')
  // What is configured was read nowhere.
  expect(read).not.toContain('context_tokens')
  for (const { url, read: day } of llama?.sources ?? []) {
    expect(url).toMatch(/^https:\/\//)
    expect(day).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  }
})

it('pages, as JSON and as a table that no spreadsheet runs', async () => {
  const first = await matrix('?limit=2')
  expect(first).toMatchObject({ has_more: true, next_cursor: first.data[1]?.id })
  const all = await matrix()
  const rest = await matrix(`?after=${encodeURIComponent(first.next_cursor ?? '')}`)
  expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(all.data.map(({ id }) => id))

  const answer = await house.request('/admin/v1/models?format=csv')
  expect(answer.headers.get('content-type')).toMatch(/^text\/csv/)
  const text = await answer.text()
  expect(text.split('\r\n')[0]).toMatch(/^id,provider,model,/)
  expect(text).toContain(`up/closed,up,closed,`)
  expect(text).toContain('not measured')
  expect(text).toContain(`"'=HYPERLINK(""x"")"`)
  expect(text).not.toMatch(/(^|,)"?=/m)
  const short = await house.request('/admin/v1/models?format=csv&limit=1')
  expect(short.headers.get('link')).toContain('rel="next"')
  expect((await house.request('/admin/v1/models?limit=1001')).status).toBe(400)
})

it('keeps to the licences of the house, and says so', async () => {
  const listed = await json<ModelList>(house.request('/v1/models', { key }))
  const ids = listed.data.map(({ id }) => id)
  expect(ids).toContain('up/open')
  for (const id of ['up/closed', 'none']) expect(ids).not.toContain(id)
  for (const model of ['up/closed', 'none', 'closed']) {
    const refused = await ask(model)
    expect([refused.status, await codeOf(refused)], model).toEqual([403, 'licence_not_allowed'])
  }
  expect(await codeOf(await house.request('/v1/models/up/closed', { key }))).toBe('licence_not_allowed')
  const auto = await ask('auto:cheap')
  expect(auto.headers.get('x-headgate-model')).toBe('open')
  expect(auto.headers.get('x-headgate-route')).toMatch(/; 1 left out for the licence$/)
  expect((await ask('both')).headers.get('x-headgate-route')).toMatch(/; 1 left out for the licence$/)
  const body = { model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }
  const { rejected } = await json<RouteExplanation>(house.request('/v1/route', { key, body }))
  expect(rejected).toContainEqual({ model: 'up/closed', reason: 'its licence (Research-Only-1.0) is not allowed here' })
  const only = await house.makeKey({ models: ['up/closed'] })
  expect(await codeOf(await ask('auto', only.key))).toBe('licence_not_allowed')
})

it('names beside an answer whom its licence asks to name', async () => {
  expect((await ask('up/open')).headers.get('x-headgate-attribution')).toBe('Made with %C3%96ffen')
  expect((await ask('up/llama-3.3-70b-instruct')).headers.get('x-headgate-attribution')).toBe('Built with Llama')
  expect((await ask('up/gpt-4o-mini')).headers.get('x-headgate-attribution')).toBeNull()
  const shown = await json<ModelEntry>(house.request('/v1/models/up/open', { key }))
  expect(shown.headgate).toMatchObject({ licence: 'Apache-2.0', attribution: 'Made with Öffen' })
})
