import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Diagnostics } from '@headgate/contract/diagnostics.ts'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type GatewayProcess, startGateway } from './faults/support/gateway-process.ts'
import { until } from './faults/support/load.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { adminKey, startHouse } from './support/house.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

let upstream: Upstream
let database: TestDatabase
let gateway: GatewayProcess
beforeAll(async () => {
  upstream = await startUpstream()
  database = await freshDatabase()
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    environment: { HEADGATE_DIAGNOSTICS_HEAP_SNAPSHOT: 'true' },
  })
})
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

const path = '/admin/v1/diagnostics'
const look = async () => (await (await gateway.request(path)).json()) as Diagnostics
const profile = (body: object, signal?: AbortSignal) =>
  fetch(`${gateway.url}${path}/cpu-profile`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
const isProfiling = async () => (await look()).running?.kind === 'cpu_profile'
const run = (...words: string[]) =>
  new Promise<{ code: number; out: string; errors: string }>((resolve) => {
    execFile(
      process.execPath,
      [cli, 'diagnostics', ...words],
      {
        cwd: gateway.dataDirectory,
        env: {
          PATH: process.env['PATH'],
          HEADGATE_PROFILE: 'testing',
          HEADGATE_ADMIN_KEY: adminKey,
          HEADGATE_PORT: new URL(gateway.url).port,
        },
      },
      (error, out, errors) => resolve({ code: error ? Number(error.code ?? -1) : 0, out, errors }),
    )
  })

it('shows how the process stands', async () => {
  const found = await look()
  expect(found).toMatchObject({
    process: { pid: gateway.pid, draining: false },
    guard: { stage: 'calm', cause: 'none', since_seconds: null },
    heap_trend: { bytes_per_hour: null, suspected: false },
    work: { streams: 0, ledger_holds: 0 },
    running: null,
  })
  expect(found.memory.heap_used_bytes).toBeLessThan(found.memory.heap_limit_bytes)
  // The start collects its garbage in full, and that was seen.
  expect(found.heap_trend.heap_bytes).toBeGreaterThan(1_000_000)
  expect(found.handles['TCPSocketWrap'] ?? found.handles['TCPServerWrap']).toBeGreaterThan(0)
  const { out } = await run('show')
  expect(out).toMatch(/^guard\tcalm$/m)
})

it('looks where the time goes, once at a time, and tells the audit', async () => {
  const first = profile({ seconds: 2, interval_us: 500, reason: 'slow since noon' })
  await until('it looks', isProfiling)
  await expectFetchedError(await profile({ seconds: 1 }), 'diagnostics_busy')
  const answer = await first
  expect(answer.headers.get('content-disposition')).toMatch(
    /^attachment; filename="headgate-\d+-[\dTZ-]+\.cpuprofile"$/,
  )
  const { nodes, samples, timeDeltas, endTime, startTime } = (await answer.json()) as Record<string, unknown[]> &
    Record<'startTime' | 'endTime', number>
  expect(nodes?.length).toBeGreaterThan(5)
  expect(samples?.length).toBe(timeDeltas?.length)
  expect(samples?.length).toBeGreaterThan(100)
  expect(endTime - startTime).toBeGreaterThan(1_900_000)
  expect((await look()).running).toBeNull()
  const audit = (await (await gateway.request('/admin/v1/audit?limit=1')).json()) as { data: object[] }
  expect(audit.data).toMatchObject([
    { action: 'cpu_profile.taken', after: { seconds: 2, interval_us: 500 }, reason: 'slow since noon' },
  ])
  await expectFetchedError(await profile({ seconds: 61 }), 'invalid_parameter')
})

it('a caller who leaves ends the look', async () => {
  const leave = new AbortController()
  const gone = profile({ seconds: 60 }, leave.signal).catch(() => null)
  await until('it looks', isProfiling)
  leave.abort()
  await gone
  await until('it is over', async () => !(await isProfiling()))
  const again = await profile({ seconds: 1 })
  expect(again.status).toBe(200)
  await again.text()
})

it('writes the heap to a file that only its owner reads, says what is in it, and leaves nothing behind', async () => {
  const file = join(gateway.dataDirectory, 'one.heapsnapshot')
  const { code, out, errors } = await run('heap-snapshot', '--output', file)
  expect([code, errors]).toEqual([0, ''])
  expect(out).toContain('prompts, answers, keys and other secrets')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const text = readFileSync(file, 'utf8')
  expect(text.startsWith('{"snapshot":{"meta":')).toBe(true)
  // What the warning says.
  expect(text).toContain(adminKey)
  expect(text.trimEnd().endsWith('}')).toBe(true)
  expect(readdirSync(join(gateway.dataDirectory, 'diagnostics'))).toEqual([])
  expect((await look()).running).toBeNull()
  expect(await run('heap-snapshot', '--output', file)).toMatchObject({
    code: 1,
    errors: expect.stringContaining('is there already'),
  })
})

it('refuses a snapshot that is switched off or has no room, and is answered while all calls are refused', async () => {
  const house = await startHouse({ upstream, databaseUrl: database.url, config: { guards_resident_bytes: '1000' } })
  const other = await startHouse({
    upstream,
    databaseUrl: database.url,
    config: { guards_resident_bytes: '1000', diagnostics_heap_snapshot: 'true', diagnostics_cpu_profile_seconds: '0' },
  })
  try {
    const ask = (of: typeof house, kind: string) => of.request(`${path}/${kind}`, { body: {} })
    await expectFetchedError(await ask(house, 'heap-snapshot'), 'diagnostics_disabled')
    await expectFetchedError(await ask(other, 'cpu-profile'), 'diagnostics_disabled')
    const refused = await ask(other, 'heap-snapshot')
    const { error } = (await refused.clone().json()) as { error: { params: object } }
    expect(error.params).toMatchObject({ missing: 'memory' })
    await expectFetchedError(refused, 'diagnostics_no_room')
    const { key } = await house.makeKey()
    await expect.poll(async () => (await house.request('/v1/models', { key })).status).toBe(503)
    const { guard } = (await (await house.request(path)).json()) as Diagnostics
    expect(guard).toMatchObject({ cause: 'memory' })
    expect(guard.refused).toBeGreaterThan(0)
    expect((await house.request('/livez')).status).toBe(200)
  } finally {
    await house.stop()
    await other.stop()
  }
})

it('a shutdown ends a look with what was seen', async () => {
  const answer = profile({ seconds: 60 })
  await until('it looks', isProfiling)
  gateway.signal('SIGTERM')
  const { nodes } = (await (await answer).json()) as { nodes: unknown[] }
  expect(nodes.length).toBeGreaterThan(1)
  expect(await gateway.ended).toBe(0)
})
