import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { ask } from './support/ask.ts'
import { type GatewayProcess, isAlive, startGateway } from './support/gateway-process.ts'
import { countStatuses } from './support/load.ts'
import { insideMemory, mayBoundMemory } from './support/memory-group.ts'

const MEBIBYTE = 1_048_576
const MEMORY_BYTES = 320 * MEBIBYTE
const CALLERS = 64
const BODY_BYTES = 6_000_000

let upstream: Upstream
let database: TestDatabase
let gateway: GatewayProcess
let removeGroup: () => void

describe.runIf(mayBoundMemory)('a process that may have little memory', () => {
  beforeAll(async () => {
    upstream = await startUpstream()
    database = await freshDatabase()
    const start = () =>
      startGateway({
        databaseUrl: database.url,
        upstreamUrl: upstream.url,
        environment: { HEADGATE_BODY_MAX_WAIT_MS: '500' },
      })
    ;[gateway, removeGroup] = await insideMemory(MEMORY_BYTES, start)
  })
  afterAll(async () => {
    await gateway.kill()
    removeGroup()
    await upstream.close()
    await database.drop()
  })

  it('answers 64 callers with larger bodies than it has memory for: some are served, the others told to wait', async () => {
    const door = { url: gateway.url, key: (await gateway.makeKey()).key }
    const content = 'a'.repeat(BODY_BYTES)
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, () =>
        ask(door, 'up/gpt-4o-mini;delay=1500', { messages: [{ role: 'user', content }] }),
      ),
    )
    const statuses = countStatuses(answers)
    expect(Object.keys(statuses)).toEqual(['200', '503'])
    // A quarter of the memory is for bodies.
    expect(statuses[200]).toBeGreaterThanOrEqual(1)
    for (const { status, code, headers } of answers)
      if (status === 503)
        expect([code, headers.get('retry-after')]).toEqual(['overloaded', expect.stringMatching(/^[23]$/)])
    expect(isAlive(gateway.pid)).toBe(true)
    expect((await gateway.request('/livez')).status).toBe(200)
    const metrics = await (await gateway.request('/metrics')).text()
    expect(metrics).toContain(`headgate_memory_limit_bytes ${MEMORY_BYTES}`)
    expect((await ask(door, 'up/gpt-4o-mini')).status).toBe(200)
  })
})
