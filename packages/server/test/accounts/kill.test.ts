import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyLedger } from '../../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../../src/kernel/db.ts'
import { type EmbeddedPostgres, startEmbedded } from '../../src/kernel/embedded.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type Entry, readEntries, readReserved } from './support/books.ts'
import { type CallRecord, createCaller } from './support/caller.ts'
import { type Figures, matchBooks } from './support/match.ts'
import { nanoPrice, type PlannedCall, planCalls, pricesOf, seeded } from './support/plan.ts'
import {
  type HeadgateProcess,
  killEmbeddedPostgres,
  startHeadgateProcess,
  startUpstreamProcess,
  type UpstreamProcess,
} from './support/processes.ts'

const ROUNDS = Number(process.env.TEST_ACCOUNTS_ROUNDS ?? 6)
const SEED = Number(process.env.TEST_ACCOUNTS_SEED ?? 20_260_102)
const WIDTH = 12
/** More than a round can make. */
const CALLS_PER_ROUND = 600
const random = seeded(SEED)
const rounds = Array.from({ length: ROUNDS }, (_, round) => ({
  calls: planCalls({
    seed: SEED + round,
    count: CALLS_PER_ROUND,
    name: `round-${round}`,
    wrong: 0.2,
    partDelay: 8,
    slow: true,
  }),
  killAfterCalls: 5 + Math.floor(random() * 60),
  /** Every fourth round PostgreSQL dies too: a little before Headgate, or with it. */
  killPostgres: round % 4 === 3,
  postgresFirstMs: Math.floor(random() * 150),
  /** Every fifth time the next process is killed on its way up, in the middle of taking over. */
  killStartMs: round % 5 === 2 ? 300 + Math.floor(random() * 900) : null,
}))
const prices = pricesOf(rounds.flatMap(({ calls }) => calls))

let folder: string
let upstream: UpstreamProcess
let headgate: HeadgateProcess
let embedded: EmbeddedPostgres | undefined
let database: Database | undefined
let keys: readonly { readonly id: string; readonly key: string }[]
let budgetReserved: () => Promise<string | undefined>
const records: CallRecord[] = []

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

const start = (killAfterMs?: number) =>
  startHeadgateProcess({
    folder,
    ...(killAfterMs !== undefined && { killAfterMs }),
    upstreamUrl: upstream.url,
    prices,
    config: { timeouts: { first_byte_ms: 1_500, idle_ms: 1_500, total_ms: 5_000 } },
  })

/** Calls until Headgate is dead; what was under way then has its record too. */
const load = async (calls: readonly PlannedCall[], isOver: () => boolean): Promise<void> => {
  const caller = createCaller()
  let next = 0
  const worker = async () => {
    while (!isOver() && next < calls.length) {
      const index = next++
      const { key } = keys[index % keys.length] as { key: string }
      records.push(await caller.call(headgate.url, key, calls[index] as PlannedCall))
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, worker))
  caller.close()
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-kill-'))
  upstream = await startUpstreamProcess()
  headgate = await start()
  keys = [await headgate.makeKey({ budget: { limit_usd: '1000', window: 'total' } }), await headgate.makeKey()]
  budgetReserved = async () => {
    const answer = await headgate.request('/v1/usage', { key: (keys[0] as { key: string }).key })
    return ((await answer.json()) as { budget: { reserved_usd: string } | null }).budget?.reserved_usd
  }
})

afterAll(async () => {
  headgate?.kill('SIGKILL')
  await headgate?.exited
  await upstream?.stop()
  await database?.close()
  if (embedded) await embedded.stop()
  else killEmbeddedPostgres(join(folder, 'data'))
  await rm(folder, { recursive: true, force: true })
})

describe(`${ROUNDS} rounds of kill -9 under load on one data folder (seed ${SEED})`, () => {
  it('starts again after every one', async () => {
    for (const { calls, killAfterCalls, killPostgres, postgresFirstMs, killStartMs } of rounds) {
      let over = false
      const loading = load(calls, () => over)
      const enough = records.length + killAfterCalls
      for (let patience = 300; patience > 0 && records.length < enough; patience--) await pause(5)
      if (killPostgres) {
        killEmbeddedPostgres(headgate.dataDirectory)
        await pause(postgresFirstMs)
      }
      headgate.kill('SIGKILL')
      over = true
      await headgate.exited
      await loading
      if (killStartMs !== null) {
        await start(killStartMs).then(
          ({ exited }) => exited,
          () => null,
        )
      }
      headgate = await start()
    }
  }, 240_000)

  it('gives back what the killed had reserved, before it stops', async () => {
    await expect.poll(budgetReserved, { timeout: 20_000, interval: 100 }).toBe('0')
    expect(await headgate.stop()).toBe(0)
  })

  it('has one row per call, between what the caller got and what the upstream produced', async () => {
    embedded = await startEmbedded({ dataDirectory: headgate.dataDirectory, log: silentLog })
    database = openDatabase({ connection: embedded.connection, log: silentLog, poolSize: 2 })
    const entries: Entry[] = await readEntries(database)
    const { faults, figures } = matchBooks({
      records,
      truth: await upstream.truth(),
      entries,
      price: nanoPrice,
      killed: true,
    })
    report(figures)
    expect(faults).toEqual([])
    expect(figures.outcomes.killed).toBeGreaterThanOrEqual(ROUNDS)
    expect(await readReserved(database)).toEqual({ windows: 0n, leases: 0n })
    expect((await verifyLedger(database)).findings).toEqual([])
  })
})

const report = (figures: Figures) =>
  process.stdout.write(`kill -9: ${JSON.stringify({ rounds: ROUNDS, ...figures })}\n`)
