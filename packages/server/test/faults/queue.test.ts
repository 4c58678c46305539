import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { type Answer, ask, askStream, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { until } from './support/load.ts'
import { openHolds, readMetric } from './support/metric.ts'

const model = (provider: string, script: string) => `${provider}/gpt-4o-mini;${script}`

let upstream: Upstream
let house: House
let door: Door

const boot = (): Promise<House> => {
  const provider = (max: number) => ({
    kind: 'openai',
    base_url: `${upstream.url}/v1`,
    api_key: 'provider-key',
    concurrency: { max },
  })
  return startHouse({
    upstream,
    config: {
      providers: { four: provider(4), one: provider(1) },
    },
    environment: { HEADGATE_QUEUE_MAX_WAITING: '40', HEADGATE_REQUESTS_SLOW_MS: '1' },
  })
}

beforeAll(async () => {
  upstream = await startUpstream()
  house = await boot()
  door = { url: house.url, key: (await house.makeKey()).key }
})
afterEach(async () => {
  await until('nothing is under way', async () => (await openHolds(house.url)) === 0)
  upstream.reset()
})
afterAll(async () => {
  await house.stop()
  await upstream.close()
})

const waiting = (provider: string) => readMetric(house.url, `headgate_queue_waiting{provider="${provider}"}`)
const untilWaiting = (provider: string, count: number) =>
  until(`${count} calls wait for ${provider}`, async () => (await waiting(provider)) === count)

const rowOf = async ({ requestId }: Pick<Answer, 'requestId'>) => {
  await house.settled()
  return (await ledgerRows(house.databaseUrl)).filter(({ client_request_id: id }) => id === requestId)
}

it('a burst beyond what a provider takes waits in line, fairly, and is served whole', async () => {
  const other: Door = { url: house.url, key: (await house.makeKey()).key }
  const slow = model('four', 'delay=400')
  const many = Array.from({ length: 34 }, () => ask(door, slow))
  await until('most wait', async () => (await waiting('four')) >= 24)
  const few = await Promise.all(Array.from({ length: 6 }, () => ask(other, slow)))
  const answers = [...(await Promise.all(many)), ...few]
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))

  const calls = callsOf(upstream)
  expect(calls).toHaveLength(40)
  for (const { received_at: at } of calls) {
    const atOnce = calls.filter((call) => call.received_at <= at && (call.ended_at ?? Number.POSITIVE_INFINITY) > at)
    expect(atOnce.length).toBeLessThanOrEqual(4)
  }
  // Up to twelve calls of the other caller are served beside the six, not the thirty that came before them.
  const byFew = new Set(few.map(({ requestId }) => requestId))
  const order = [...calls].sort((one, next) => one.received_at - next.received_at)
  const last = order.findLastIndex(({ request_id: id }) => byFew.has(id ?? ''))
  expect(last).toBeLessThan(30)

  const waits = answers.map(({ headers }) => headers.get('x-headgate-queue-ms'))
  const unhindered = waits.filter((wait) => wait === null).length
  expect(unhindered).toBeGreaterThanOrEqual(4)
  expect(unhindered).toBeLessThan(16)
  for (const { headers, milliseconds } of few) {
    const waited = Number(headers.get('x-headgate-queue-ms'))
    expect(waited).toBeGreaterThan(100)
    // The wait is no part of the overhead: with the provider's time they are all of the call.
    expect(waited + Number(headers.get('x-headgate-overhead-ms')) + 399).toBeLessThanOrEqual(milliseconds + 1)
  }
  expect(await readMetric(house.url, 'headgate_queue_wait_seconds_count{provider="four"}')).toBe(40 - unhindered)
  expect(await waiting('four')).toBe(0)
  expect(await readMetric(house.url, 'headgate_upstream_in_flight{provider="four"}')).toBe(0)
})

it('a stream holds its place until its end, and the wait is a stage of the call behind it', async () => {
  const stream = askStream(door, model('one', 'parts=20;part-delay=30'))
  await until('the stream flows', () => callsOf(upstream).length === 1)
  const next = await askStream(door, model('one', 'parts=2'))
  expect(await stream).toMatchObject({ status: 200, done: true, parts: 20 })
  expect(next).toMatchObject({ status: 200, done: true })
  const [first, second] = callsOf(upstream)
  // The answer's end is known here a moment before the provider has closed it.
  expect(second?.received_at).toBeGreaterThan((first?.received_at ?? 0) + 19 * 30)

  await until('the request is kept', async () => {
    const kept = await house.request(`/admin/v1/requests/${next.requestId}`)
    if (kept.status !== 200) return false
    const { stages } = (await kept.json()) as { stages: { name: string; duration_ms: number }[] }
    expect(stages.map(({ name }) => name).slice(4, 7)).toEqual(['admit', 'queue', 'call'])
    expect(stages.find(({ name }) => name === 'queue')?.duration_ms).toBeGreaterThan(100)
    return true
  })
})

it('who leaves the line owes nothing, was never sent on, and frees the place', async () => {
  const first = askStream(door, model('one', 'parts=20;part-delay=50'))
  await until('the first is under way', () => callsOf(upstream).length === 1)
  const leaver = new AbortController()
  const left = ask(door, model('one', 'parts=3'), {}, leaver.signal).catch(() => 'left')
  await untilWaiting('one', 1)
  const next = ask(door, model('one', 'parts=2'))
  await untilWaiting('one', 2)
  leaver.abort()
  await untilWaiting('one', 1)
  expect(await left).toBe('left')
  expect((await first).done).toBe(true)
  expect((await next).status).toBe(200)
  expect(callsOf(upstream)).toHaveLength(2)
  await house.settled()
  const sent = new Set(callsOf(upstream).map(({ request_id: id }) => id))
  const rows = (await ledgerRows(house.databaseUrl)).filter(
    ({ request_id: id, provider }) => provider === 'one' && !sent.has(id),
  )
  expect(rows.filter(({ fault }) => fault === 'client_closed_request')).toMatchObject([
    { outcome: 'client_gone', attempts: 0, input_tokens: '0', output_tokens: '0' },
  ])
})

it('a full line refuses with the estimated wait, charges nothing, and lets others on', async () => {
  const leaver = new AbortController()
  const first = ask(door, model('one', 'delay=20000'), {}, leaver.signal).catch(() => null)
  await until('the first is under way', () => callsOf(upstream).length === 1)
  const line = Array.from({ length: 40 }, () => ask(door, model('one', 'parts=1')))
  await untilWaiting('one', 40)
  const refused = await ask(door, model('one', 'parts=1'))
  expect(refused).toMatchObject({ status: 503, code: 'upstream_busy' })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(72)
  expect(await rowOf(refused)).toMatchObject([
    { outcome: 'failed', attempts: 0, fault: 'upstream_busy', output_tokens: '0' },
  ])

  // A caller without any call in line gets in; the newest of the other gives way.
  const other: Door = { url: house.url, key: (await house.makeKey()).key }
  const entered = ask(other, model('one', 'parts=1'))
  expect(await Promise.race(line)).toMatchObject({ status: 503, code: 'upstream_busy' })
  leaver.abort()
  await first
  expect((await entered).status).toBe(200)
  const statuses = (await Promise.all(line)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 503)).toHaveLength(1)
  expect(statuses.filter((status) => status === 200)).toHaveLength(39)
})

it('a drain ends what waits at once, and lets what is under way end', async () => {
  const ending = await boot()
  const at: Door = { url: ending.url, key: (await ending.makeKey()).key }
  const stream = askStream(at, model('one', 'parts=20;part-delay=50'))
  await until('the stream flows', () => callsOf(upstream).length === 1)
  const line = Array.from({ length: 3 }, () => ask(at, model('one', 'parts=1')))
  await until('three wait', async () => (await readMetric(ending.url, 'headgate_queue_waiting{provider="one"}')) === 3)
  const stopped = ending.stop()
  for (const answer of await Promise.all(line)) expect(answer).toMatchObject({ status: 503, code: 'server_draining' })
  expect(await stream).toMatchObject({ status: 200, done: true, parts: 20 })
  await stopped
  expect(callsOf(upstream)).toHaveLength(1)
})
