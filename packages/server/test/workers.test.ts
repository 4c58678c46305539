import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { dirname, join } from 'node:path'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askStream, type Door } from './faults/support/ask.ts'
import { callsOf } from './faults/support/calls-of.ts'
import { type GatewayProcess, isAlive, startGateway } from './faults/support/gateway-process.ts'
import { ledgerRows, queryDatabase } from './faults/support/ledger-rows.ts'
import { until } from './faults/support/load.ts'
import { readMetric } from './faults/support/metric.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'

const tiers = JSON.stringify({
  rated: { requests: { rate_per_minute: 1, burst: 20 } },
  few: { requests: { rate_per_minute: 100_000, burst: 10_000 }, concurrent: 4 },
})

let upstream: Upstream
let database: TestDatabase
let gateway: GatewayProcess

const begin = (workers: number, dataDirectory?: string): Promise<GatewayProcess> =>
  startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    ...(dataDirectory && { dataDirectory }),
    environment: { HEADGATE_WORKERS: String(workers), HEADGATE_COUNTERS: 'memory', HEADGATE_TIERS: tiers },
  })

beforeAll(async () => {
  upstream = await startUpstream()
  database = await freshDatabase()
  gateway = await begin(3)
})
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

/** One call on a connection of its own, so that calls go to the workers in turn. */
const callAlone = ({ url, key }: Door, model = 'up/gpt-4o-mini'): Promise<number> =>
  new Promise((resolve, reject) => {
    const call = request(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent: new Agent({ keepAlive: false }),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    })
    call.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)))
    call.on('error', reject)
    call.end(JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }))
  })

const lines = () =>
  gateway
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { message: string; worker?: number; pid?: number; port?: number })
/** Process of a worker as it was last begun. */
const pidOf = (worker: number): number =>
  lines().findLast((line) => line.message === 'A worker begins' && line.worker === worker)?.pid ?? 0
const allReady = (workers: number) =>
  until('all take calls', async () => (await readMetric(gateway.url, 'headgate_workers_ready')) === workers, 20_000)

it('several processes serve one port as one house: one count of limits, one set of metrics, one reload', async () => {
  await allReady(3)
  const rated: Door = { url: gateway.url, key: (await gateway.makeKey({ tier: 'rated' })).key }
  const statuses = await Promise.all(Array.from({ length: 60 }, () => callAlone(rated)))
  expect(statuses.filter((status) => status === 200)).toHaveLength(20)
  expect(statuses.filter((status) => status === 429)).toHaveLength(40)

  const text = await (await gateway.request('/metrics')).text()
  const counted = [1, 2, 3].map((worker) => {
    const pattern = new RegExp(
      `headgate_requests_total\\{route="/v1/chat/completions",status="\\d+",worker="${worker}"\\} (\\d+)`,
      'g',
    )
    return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0)
  })
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(60)
  expect(Math.min(...counted)).toBeGreaterThan(0)
  expect(text.match(/^# HELP headgate_requests_total /gm)).toHaveLength(1)

  await writeFile(join(dirname(gateway.dataDirectory), 'headgate.yaml'), 'public_url: https://one.example\n')
  gateway.signal('SIGHUP')
  const reloads = () => lines().filter(({ message }) => message === 'The configuration was reloaded')
  await until('all have reloaded', () => reloads().length === 3)
  expect(new Set(reloads().map(({ worker }) => worker))).toEqual(new Set([1, 2, 3]))
  await writeFile(join(dirname(gateway.dataDirectory), 'headgate.yaml'), 'public_url: https://other.example\n')
  expect((await gateway.request('/admin/v1/config/reload', { body: {} })).status).toBe(200)
  await until('the others have followed', () => reloads().length === 6)
  const audited = await queryDatabase(
    database.url,
    `SELECT FROM headgate.audit_entries WHERE action = 'config.reloaded'`,
  )
  expect(audited).toHaveLength(2)
})

it('a killed worker takes nothing with it, is started again, and settles what it left', async () => {
  const few: Door = { url: gateway.url, key: (await gateway.makeKey({ tier: 'few' })).key }
  upstream.reset()
  const streams = Array.from({ length: 4 }, () =>
    askStream(few, 'up/gpt-4o-mini;parts=60;part-delay=50').catch(() => null),
  )
  await until('all flow', () => callsOf(upstream).filter(({ sent_tokens }) => sent_tokens >= 10).length === 4)
  expect(await callAlone(few)).toBe(429)
  const killed = pidOf(2)
  process.kill(killed, 'SIGKILL')
  const answers = await Promise.all(streams)
  expect(answers.filter((answer) => answer?.done).length).toBeGreaterThan(0)
  expect(answers.filter((answer) => !answer?.done).length).toBeGreaterThan(0)
  await until('it is started again', () => pidOf(2) !== killed)
  await allReady(3)
  expect(await readMetric(gateway.url, 'headgate_worker_restarts_total')).toBe(1)
  await until('every call has its row', async () => {
    const rows = (await ledgerRows(database.url)).filter(({ request_id }) => upstream.truthOf(request_id).length > 0)
    const cut = answers.filter((answer) => !answer?.done).length
    return rows.length === 4 && rows.filter(({ outcome }) => outcome === 'killed').length === cut
  })
  // The places that it held are free again, all at once.
  const again = Array.from({ length: 4 }, () => callAlone(few, 'up/gpt-4o-mini;delay=1000'))
  expect(await Promise.all(again)).toEqual([200, 200, 200, 200])
})

it('workers that end again and again end the house, and fewer workers settle what more have left', async () => {
  const door: Door = { url: gateway.url, key: (await gateway.makeKey()).key }
  upstream.reset()
  // One of them is with the third worker.
  const streams = Array.from({ length: 3 }, () =>
    askStream(door, 'up/gpt-4o-mini;parts=100;part-delay=100').catch(() => null),
  )
  await until('all flow', () => callsOf(upstream).filter(({ sent_tokens }) => sent_tokens >= 2).length === 3)
  const others = [pidOf(1), pidOf(2)]
  let last = 0
  for (let ends = 0; ends < 5; ends++) {
    await until('it runs', () => pidOf(3) !== last && isAlive(pidOf(3)))
    last = pidOf(3)
    process.kill(last, 'SIGKILL')
  }
  expect(await gateway.ended).toBe(6)
  expect(gateway.output()).toContain('headgate: Worker 3 ended 5 times within a minute, the last time with SIGKILL.')
  expect([...others, last].filter(isAlive)).toEqual([])
  await Promise.all(streams)

  const left = join(gateway.dataDirectory, 'journal-3')
  expect(existsSync(left)).toBe(true)
  gateway = await begin(2, gateway.dataDirectory)
  await allReady(2)
  await until('what was left is settled', () => !existsSync(left))
  const rows = await ledgerRows(database.url)
  for (const call of callsOf(upstream))
    expect(rows.filter(({ request_id }) => request_id === call.request_id)).toHaveLength(1)

  const ending = askStream({ url: gateway.url, key: door.key }, 'up/gpt-4o-mini;parts=20;part-delay=50').catch(
    () => null,
  )
  await until('it flows', () =>
    callsOf(upstream).some(({ outcome, sent_tokens }) => outcome === 'open' && sent_tokens > 1),
  )
  gateway.signal('SIGTERM')
  expect(await ending).toMatchObject({ status: 200, done: true })
  expect(await gateway.ended).toBe(0)
})

it('workers do not outlive the process that looks after them', async () => {
  gateway = await begin(2, gateway.dataDirectory)
  await allReady(2)
  const workers = [pidOf(1), pidOf(2)]
  expect(workers.every(isAlive)).toBe(true)
  await gateway.kill()
  await until('they have ended', () => !workers.some(isAlive))
})
