import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { askStream, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { type GatewayProcess, startGateway } from './support/gateway-process.ts'
import { pause, until } from './support/load.ts'
import { callRaw } from './support/raw-caller.ts'
import { timed } from '../support/timed.ts'

const MEBIBYTE = 1_048_576
const ALLOWANCE = 72 * MEBIBYTE

let upstream: Upstream
let database: TestDatabase
let gateway: GatewayProcess
let door: Door

beforeAll(async () => {
  upstream = await startUpstream()
  database = await freshDatabase()
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: upstream.url,
    environment: { HEADGATE_LOG_LEVEL: 'warn' },
  })
  door = { url: gateway.url, key: (await gateway.makeKey()).key }
  for (let round = 0; round < 40; round += 1) await askStream(door, 'up/gpt-4o-mini;parts=200')
})
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

/** Bytes of memory that the gateway holds, as the system counts them. */
const residentBytes = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024

/** Runs `work` and resolves to the most memory seen above the start. */
const growthDuring = async (work: () => Promise<void>): Promise<number> => {
  const before = residentBytes()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes())
  }, 20)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return Math.max(most, residentBytes()) - before
}

describe.runIf(process.platform === 'linux')('memory stays flat', () => {
  it('under lines of 5 MB and storms of pings', timed, async () => {
    const round = async () => {
      const huge = await askStream(door, 'up/gpt-4o-mini;malformed=huge-line')
      expect(huge).toMatchObject({ code: 'upstream_malformed', done: false })
      const pings = await askStream(door, 'up/gpt-4o-mini;parts=20;pings=2000')
      expect(pings).toMatchObject({ done: true, parts: 20 })
    }
    const rounds = async () => {
      for (let count = 0; count < 8; count += 1) await round()
    }
    await rounds()
    const later = await growthDuring(rounds)
    expect(later).toBeLessThan(ALLOWANCE)
  })

  it('while eight readers take next to nothing of 80 MB each', timed, async () => {
    const growth = await growthDuring(async () => {
      upstream.reset()
      const callers = Array.from({ length: 8 }, () => callRaw(door, 'up/gpt-4o-mini;parts=400000', { stream: true }))
      // Each stops reading at its first part: one that went on until all flow could come to its end.
      for (const { socket } of callers) socket.once('data', () => socket.pause())
      const sent = () => callsOf(upstream).reduce((sum, call) => sum + call.sent_tokens, 0)
      let before = -1
      await until('the providers wait', async () => {
        const isStill = sent() === before
        before = sent()
        await pause(300)
        return isStill && callsOf(upstream).filter(({ sent_tokens }) => sent_tokens > 0).length === callers.length
      })
      expect(callsOf(upstream).filter(({ outcome }) => outcome === 'open')).toHaveLength(callers.length)
      for (const { socket } of callers) socket.resetAndDestroy()
      await until('the providers are let go', () => callsOf(upstream).every(({ outcome }) => outcome === 'aborted'))
    })
    expect(growth).toBeLessThan(ALLOWANCE)
  })
})
