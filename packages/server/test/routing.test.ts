import type { RouteExplanation } from '@headgate/contract/routing.ts'
import { type FaultProxy, startFaultProxy } from '@headgate/qa/faults/tcp-proxy.ts'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

let upstreams: Upstream[]
let lines: FaultProxy[]
let house: House
let key: string

const priced = (input: string, more: object = {}) => ({
  price: { input, output: input },
  max_output_tokens: 500,
  ...more,
})

beforeAll(async () => {
  upstreams = await Promise.all([startUpstream(), startUpstream()])
  lines = await Promise.all(upstreams.map(({ port }) => startFaultProxy({ target: { host: '127.0.0.1', port } })))
  const provider = (at: number) => ({
    kind: 'openai',
    base_url: `http://127.0.0.1:${lines[at]?.port}/v1`,
    api_key: 'x',
  })
  house = await startHouse({
    config: {
      trusted_proxies: '127.0.0.1',
      providers: { one: provider(0), two: provider(1) },
      models: {
        'one/small': priced('0.1', { quality: 40, quality_by_task: { code: 95 } }),
        'two/large': priced('5', { quality: 90, context_tokens: 100_000 }),
        'two/blind': priced('0.01', { modalities: ['text'], tools: false, context_tokens: 2_000, quality: 10 }),
        'one/down;status=500': priced('1'),
        'two/cut;cut-at-part=2': priced('1'),
      },
      routes: {
        even: { targets: { 'one/small': { weight: 3 }, 'two/large': {} } },
        careful: { targets: { 'one/down;status=500': {} }, fallbacks: ['one/gone;status=503', 'two/large'] },
        cutting: { targets: { 'two/cut;cut-at-part=2': {} }, fallbacks: ['one/small'] },
        choosy: {
          targets: {
            'two/large': { when: { tiers: ['internal'], tags: { team: 'search' } } },
            'one/down;status=500': { weight: 5, when: { countries: ['US'] } },
          },
          fallbacks: ['one/small'],
        },
      },
    },
    environment: { HEADGATE_AUTO_MODELS: 'one/small,two/large,two/blind' },
  })
  key = (await house.makeKey()).key
})
afterAll(async () => {
  await house.stop()
  await Promise.all(lines.map((line) => line.close()))
  await Promise.all(upstreams.map((upstream) => upstream.close()))
})

interface Asked {
  readonly path?: string
  readonly content?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly by?: string
  readonly [member: string]: unknown
}
const ask = async (
  model: string,
  { path = '/v1/chat/completions', content = 'Hello', headers = {}, by = key, ...more }: Asked = {},
) => {
  const answer = await fetch(house.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }], ...more }),
  })
  const text = await answer.text()
  const told = (name: string) => answer.headers.get(`x-headgate-${name}`)
  const id = answer.headers.get('x-request-id')
  return { status: answer.status, text, id, by: `${told('provider')}/${told('model')}`, told }
}
const explain = async (model: string, asked: Asked = {}) => {
  const { status, text } = await ask(model, { ...asked, path: '/v1/route' })
  expect(status, text).toBe(200)
  return JSON.parse(text) as RouteExplanation
}
const chosen = async (model: string, asked: Asked = {}) => (await explain(model, asked)).targets.map((one) => one.model)
const codeOf = (text: string) => (JSON.parse(text) as { error: { code: string } }).error.code

describe('a route', () => {
  it('shares its calls by weight and says so', async () => {
    const answers = await Promise.all(Array.from({ length: 80 }, () => ask('even')))
    const first = answers.filter(({ by }) => by === 'one/small')
    expect(first.length).toBeGreaterThan(40)
    expect(first.length).toBeLessThan(80)
    expect(first[0]?.told('route')).toBe('even: weight 3 of 4')
  })

  it('falls back across providers, with one row of the ledger for all tries', async () => {
    const { status, by, told, id } = await ask('careful')
    expect(status).toBe(200)
    expect(by).toBe('two/large')
    expect(told('attempts')).toBe('3')
    const usage = await (await house.request(`/v1/usage/${id}`, { key })).json()
    expect(usage).toMatchObject({ outcome: 'complete', provider: 'two', model: 'large', attempts: 3 })
    const stream = await ask('careful', { stream: true })
    expect(stream.text).toMatch(/\[DONE\]\n\n$/)
    expect(stream.by).toBe('two/large')
  })

  it('falls back until the first part and no later', async () => {
    const { status, text, by } = await ask('cutting', { stream: true })
    expect({ status, by }).toEqual({ status: 200, by: 'two/cut;cut-at-part=2' })
    expect(text).toContain('upstream_truncated')
    expect(text).not.toContain('[DONE]')
  })

  it('turns on tier, tags and country', async () => {
    const tags = { 'x-headgate-tags': 'team=search, experiment=b' }
    expect(await chosen('choosy', { headers: tags })).toEqual(['two/large', 'one/small'])
    expect(await chosen('choosy')).toEqual(['one/small'])
    const { rejected } = await explain('choosy')
    expect(rejected.map(({ reason }) => reason)).toEqual([
      'is for calls with the tag team=search',
      'is for the countries US',
    ])
    const fromThere = { 'x-forwarded-for': '8.8.8.8' }
    expect(await chosen('choosy', { headers: fromThere })).toEqual(['one/down;status=500', 'one/small'])
    const free = (await house.makeKey({ tier: 'free' })).key
    expect(await chosen('choosy', { headers: tags, by: free })).toEqual(['one/small'])
  })

  it('is listed, and opens what it stands for to a key that may call the name', async () => {
    const named = (await house.makeKey({ models: ['even'] })).key
    const list = (await (await house.request('/v1/models', { key: named })).json()) as { data: { id: string }[] }
    expect(list.data.map(({ id }) => id)).toEqual(['even'])
    expect((await ask('even', { by: named })).status).toBe(200)
    expect(codeOf((await ask('one/small', { by: named })).text)).toBe('model_not_allowed')
    const other = (await house.makeKey({ models: ['one/*'] })).key
    expect(await chosen('even', { by: other })).toEqual(['one/small'])
    expect(codeOf((await ask('careful', { by: (await house.makeKey({ models: ['demo/*'] })).key })).text)).toBe(
      'model_not_allowed',
    )
  })

  it('refuses tags that are none', async () => {
    const refused = await ask('even', { headers: { 'x-headgate-tags': 'Team search' } })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('x-headgate-tags')
  })
})

describe('auto', () => {
  it('picks by cost, quality and what the task needs, and says why', async () => {
    expect(await chosen('auto:cheap')).toEqual(['two/blind', 'one/small', 'two/large'])
    expect((await chosen('auto:best'))[0]).toBe('two/large')
    expect((await chosen('auto:best', { content: 'Refactor this function: ```js\n1\n```' }))[0]).toBe('one/small')
    const picture = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }]
    expect((await chosen('auto:cheap', { content: picture }))[0]).toBe('one/small')
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }]
    expect((await chosen('auto:cheap', { tools }))[0]).toBe('one/small')
    const { targets, rejected } = await explain('auto:cheap', { content: 'word '.repeat(4_000) })
    expect(targets[0]?.model).toBe('one/small')
    expect(rejected).toEqual([{ model: 'two/blind', reason: 'its context of 2000 tokens is too small' }])
    const answer = await ask('auto:cheap')
    expect(answer.by).toBe('two/blind')
    expect(answer.told('route')).toMatch(/^cheap of 3 for chat: at most [\d.e-]+ USD/)
  })

  it('follows the speed of its targets', async () => {
    const fastest = async (until: string) => {
      for (let call = 0; call < 60; call++) {
        await Promise.all([ask('one/small'), ask('two/large'), ask('two/blind')])
        if ((await chosen('auto:fast'))[0] === until) return true
      }
      return false
    }
    lines[1]?.set({ down: { latency: 60 } })
    expect(await fastest('one/small')).toBe(true)
    lines[1]?.reset()
    lines[0]?.set({ down: { latency: 60 } })
    for (let call = 0; call < 60 && (await ask('auto:fast')).by === 'one/small'; call++);
    expect((await explain('auto:fast')).targets[0]?.model).toMatch(/^two/)
    lines[0]?.reset()
  })

  it('refuses what no model can do, and unknown preferences', async () => {
    const blind = (await house.makeKey({ models: ['two/blind'] })).key
    const refused = await ask('auto', { by: blind, content: 'word '.repeat(4_000) })
    expect(codeOf(refused.text)).toBe('operation_not_supported')
    expect(refused.text).toContain('context of 2000 tokens')
    expect(codeOf((await ask('auto:nicest')).text)).toBe('model_not_found')
  })
})
