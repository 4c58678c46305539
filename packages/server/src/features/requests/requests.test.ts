import type { RequestView, ServiceMap, Stats, TraceView } from '@headgate/contract/requests.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, type Door } from '../../../test/faults/support/ask.ts'
import { until } from '../../../test/faults/support/load.ts'
import { callRaw } from '../../../test/faults/support/raw-caller.ts'
import { type House, startHouse } from '../../../test/support/house.ts'
import { administer } from '../../../test/support/services.ts'

interface Page<Item> {
  readonly data: readonly Item[]
  readonly has_more: boolean
  readonly next_cursor: string | null
}

let house: House
let door: Door
let key: { id: string; key: string }

beforeAll(async () => {
  house = await startHouse({
    config: {
      requests_slow_ms: '600',
      providers: { spare: { kind: 'demo' } },
    },
  })
  key = await house.makeKey()
  door = { url: house.url, key: key.key }
})
afterAll(() => house.stop())

const read = async <Value>(path: string): Promise<Value> => {
  const response = await house.request(path)
  expect(response.status, path).toBe(200)
  return (await response.json()) as Value
}
const list = (query = '') => read<Page<RequestView>>(`/admin/v1/requests?limit=100${query}`)
const one = (id: string) => read<RequestView>(`/admin/v1/requests/${id}`)
const names = ({ stages }: RequestView) => stages.map(({ name }) => name)

/** Stages follow one another without gap and fill the whole request; tries lie within the call. */
const expectWhole = (request: RequestView) => {
  let from = 0
  for (const stage of request.stages) {
    expect(stage.start_ms).toBeCloseTo(from, 1)
    from = stage.start_ms + stage.duration_ms
  }
  expect(from).toBeCloseTo(request.duration_ms, 1)
  const longest = Math.max(...request.stages.map(({ duration_ms }) => duration_ms))
  expect(request.stages.find(({ name }) => name === request.slowest_stage)?.duration_ms).toBe(longest)
  const call = request.stages.find(({ name }) => name === 'call')
  for (const tried of request.tries) {
    expect(tried.start_ms).toBeGreaterThanOrEqual(call?.start_ms ?? 0)
    expect(tried.start_ms + tried.duration_ms).toBeLessThanOrEqual(
      (call?.start_ms ?? 0) + (call?.duration_ms ?? 0) + 0.1,
    )
  }
}

describe('a request that is over', () => {
  it('is there at once with its stages: a whole answer', async () => {
    const answer = await ask(door, 'up/gpt-4o-mini;delay=60')
    const request = await one(answer.requestId)
    expect(names(request)).toEqual(['identify', 'receive', 'read', 'route', 'admit', 'call', 'settle', 'respond'])
    expectWhole(request)
    expect(request).toMatchObject({
      object: 'request',
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      code: null,
      project: 'default',
      key_id: key.id,
      tier: 'internal',
      operation: 'chat',
      asked_model: 'up/gpt-4o-mini;delay=60',
      provider: 'up',
      stream: false,
      outcome: 'complete',
      output_tokens: 10,
      slowest_stage: 'call',
      kept: 'sample',
      tries: [{ target: 'up/gpt-4o-mini;delay=60', status: 200, fault: null }],
    })
  })

  it('is there with its stages: a stream, kept as slow', async () => {
    const answer = await ask(door, 'up/gpt-4o-mini;parts=8;part-delay=100', { stream: true })
    const request = await one(answer.requestId)
    expect(names(request)).toContain('relay')
    expectWhole(request)
    expect(request).toMatchObject({ stream: true, slowest_stage: 'relay', kept: 'slow', status: 200 })
    expect(request.first_byte_ms).toBeLessThan(request.duration_ms)
  })

  it('tells every try, and the stage it failed in', async () => {
    const answer = await ask(door, 'up/gpt-4o-mini;status=500')
    const request = await one(answer.requestId)
    expect(request).toMatchObject({ status: 502, code: 'upstream_error', kept: 'failed', outcome: 'failed' })
    expect(request.tries).toHaveLength(3)
    expectWhole(request)
    const refused = await one((await ask(door, 'no/such-model')).requestId)
    expect(names(refused)).toEqual(['identify', 'receive', 'read', 'route'])
    expect(refused).toMatchObject({ code: 'model_not_found', provider: null, kept: 'failed', tries: [] })
    const unread = await one((await ask(door, '')).requestId)
    expect(names(unread)).toEqual(['identify', 'receive', 'read'])
    const stranger = await one((await ask({ ...door, key: 'nonsense' }, 'demo')).requestId)
    expect(names(stranger)).toEqual(['identify'])
    expect(stranger).toMatchObject({ status: 401, code: 'invalid_api_key', project: null, key_id: null })
  })

  it('waits for the settlement of a caller who leaves', async () => {
    const caller = callRaw(door, 'up/gpt-4o-mini;parts=200;part-delay=50', { stream: true })
    await until('a part has come', () => caller.text().includes('"content"'), 5_000)
    caller.socket.resetAndDestroy()
    let request: RequestView | undefined
    await until(
      'it is kept',
      async () => {
        request = (await list('&code=client_closed_request')).data[0]
        return request !== undefined
      },
      5_000,
    )
    expect(request).toMatchObject({ status: 499, outcome: 'client_gone', estimated: true, kept: 'failed' })
    expectWhole(request as RequestView)
  })

  it('is there for other routes too, under one stage', async () => {
    const response = await house.request('/v1/models', { key: door.key })
    const request = await one(response.headers.get('x-request-id') ?? '')
    expect(names(request)).toEqual(['identify', 'receive', 'handle'])
    expect(request).toMatchObject({ route: '/v1/models', operation: null, outcome: null })
  })
})

describe('the list', () => {
  it('goes page by page, the newest first, and misses none', async () => {
    const all = (await list()).data.map(({ id }) => id)
    const seen: string[] = []
    let after = ''
    for (;;) {
      const page = await read<Page<RequestView>>(`/admin/v1/requests?limit=3${after}`)
      seen.push(...page.data.map(({ id }) => id))
      if (!page.has_more) break
      after = `&after=${page.next_cursor}`
    }
    expect(seen).toEqual(all)
    expect(all.length).toBeGreaterThan(6)
  })

  it('is narrowed by each filter', async () => {
    const everything = (await list()).data
    const filters: Record<string, (request: RequestView) => boolean> = {
      'status=4xx': ({ status }) => status >= 400 && status < 500,
      'status=502': ({ status }) => status === 502,
      'code=upstream_error': ({ code }) => code === 'upstream_error',
      'kept=slow': ({ kept }) => kept === 'slow',
      'min_duration_ms=500': ({ duration_ms }) => duration_ms >= 500,
      'provider=up': ({ provider }) => provider === 'up',
      [`key=${key.id}`]: ({ key_id }) => key_id === key.id,
      'project=default': ({ project }) => project === 'default',
      'route=/v1/models': ({ route }) => route === '/v1/models',
      'model=no/such-model': ({ asked_model }) => asked_model === 'no/such-model',
    }
    for (const [filter, matches] of Object.entries(filters)) {
      const found = (await list(`&${filter}`)).data
      expect(
        found.map(({ id }) => id),
        filter,
      ).toEqual(everything.filter(matches).map(({ id }) => id))
      expect(found.length, filter).toBeGreaterThan(0)
      expect(found.length, filter).toBeLessThan(everything.length)
    }
    expect((await list('&from=2020-01-01&to=2020-02-01')).data).toEqual([])
  })

  it('refuses what makes no sense', async () => {
    for (const query of ['status=600', 'from=2026-13-45', 'from=2026-02-01&to=2026-01-01', 'colour=red', 'after=x'])
      expect((await house.request(`/admin/v1/requests?${query}`)).status, query).toBe(400)
    expect((await house.request('/admin/v1/stats?from=2020-01-01&to=2021-01-01')).status).toBe(400)
    expect((await house.request('/admin/v1/requests/req_unknown')).status).toBe(404)
  })
})

it('the same requests are traces, whose spans hang together', async () => {
  const { data } = await read<Page<TraceView>>('/admin/v1/traces?limit=100&code=upstream_error')
  const [trace] = data
  if (!trace) throw new Error('there is no trace')
  const [root, ...below] = trace.spans
  expect(root).toMatchObject({
    parent_id: null,
    kind: 'server',
    name: 'POST /v1/chat/completions',
    fault: 'upstream_error',
  })
  const call = below.find(({ name }) => name === 'call')
  expect(call).toMatchObject({ parent_id: root?.span_id, fault: 'upstream_error' })
  const tries = below.filter(({ kind }) => kind === 'client')
  expect(tries).toHaveLength(3)
  for (const span of tries) expect(span).toMatchObject({ parent_id: call?.span_id, fault: 'upstream_error' })
  expect(new Set(trace.spans.map(({ span_id }) => span_id)).size).toBe(trace.spans.length)
})

it('every request is in the statistics and on the map, kept or not', async () => {
  const stats = await read<Stats>('/admin/v1/stats?group_by=provider')
  const { data } = await list()
  expect(stats.totals.requests).toBe(data.length)
  expect(stats.totals.errors).toBe(data.filter(({ code }) => code !== null && code !== 'client_closed_request').length)
  expect(stats.errors).toContainEqual({ code: 'upstream_error', count: 1 })
  const durations = data.map(({ duration_ms }) => duration_ms).sort((left, right) => left - right)
  const median = durations[Math.ceil(durations.length / 2) - 1] as number
  expect((stats.totals.duration_ms.p50 ?? 0) / median).toBeCloseTo(1, 0)
  const up = stats.groups.find(({ group }) => group === 'up')
  expect(up?.requests).toBe(data.filter(({ provider }) => provider === 'up').length)
  expect(up?.first_byte_ms.p95).not.toBeNull()
  expect(stats.series.reduce((sum, { requests }) => sum + requests, 0)).toBe(data.length)

  const map = await read<ServiceMap>('/admin/v1/services')
  const tries = data.reduce((sum, request) => sum + request.tries.length, 0)
  expect(map.nodes.map(({ id }) => id).sort()).toEqual([
    'callers/internal',
    'callers/unknown',
    'headgate',
    'provider/up',
  ])
  expect(map.edges.find(({ to }) => to === 'provider/up')).toMatchObject({ from: 'headgate', requests: tries })
  expect(map.edges.find(({ to }) => to === 'provider/up')?.errors).toBe(3)
  expect(map.nodes.find(({ id }) => id === 'headgate')?.requests).toBe(data.length)
})

it('days that have had their time are dropped, and no others', async () => {
  await administer(
    house.databaseUrl,
    `CREATE TABLE headgate.requests_y2020m01d02 PARTITION OF headgate.requests
       FOR VALUES FROM ('2020-01-02 00:00:00+00') TO ('2020-01-03 00:00:00+00')`,
  )
  const drop =
    "BEGIN; SET LOCAL ROLE headgate_runtime; SELECT headgate.drop_daily_partitions('headgate.requests', 7); COMMIT"
  const before = (await list()).data.length
  await administer(house.databaseUrl, drop)
  await expect(administer(house.databaseUrl, 'SELECT FROM headgate.requests_y2020m01d02')).rejects.toThrow(
    'does not exist',
  )
  expect((await list()).data).toHaveLength(before)
})
