import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { type Answer, ask, type Door } from './support/ask.ts'
import { createJumpingClock } from './support/jumping-clock.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { pause, startLoad, until } from './support/load.ts'
import { startStormyProvider, type StormyProvider } from './support/stormy-provider.ts'

const STORM_MS = 4_000
const PER_SECOND = 12

/** What each provider says while it storms; `waits`: it must be left alone for so many ms after. */
const storms: Record<string, { status: number; retryAfter: () => string | null; waits: number }> = {
  'busy-1': { status: 429, retryAfter: () => '1', waits: 0 },
  'busy-30': { status: 429, retryAfter: () => '30', waits: 30_000 },
  'busy-date': { status: 529, retryAfter: () => new Date(Date.now() + 2_000).toUTCString(), waits: 0 },
  'busy-negative': { status: 429, retryAfter: () => '-5', waits: 0 },
  'busy-words': { status: 529, retryAfter: () => 'abc', waits: 0 },
  'busy-exponent': { status: 429, retryAfter: () => '1e9', waits: 0 },
  'busy-forever': { status: 429, retryAfter: () => '1000000000', waits: 600_000 },
  'busy-silent': { status: 503, retryAfter: () => null, waits: 0 },
}
const names = Object.keys(storms)

let provider: StormyProvider
let house: House
let door: Door
const time = createJumpingClock()
const answers = new Map<string, readonly Answer[]>()
let unanswered = 0
/** Tries that each provider got while it stormed. */
const stormTries = new Map<string, number>()

const triesOf = (name: string): number => [...provider.tries(name).values()].reduce((sum, count) => sum + count, 0)

beforeAll(async () => {
  provider = await startStormyProvider()
  house = await startHouse({
    overrides: { clock: time.clock },
    config: {
      providers: Object.fromEntries(
        names.map((name) => [
          name,
          { kind: 'openai', base_url: `${provider.url}/${name}/v1`, api_key: 'provider-key', models: ['weather'] },
        ]),
      ),
    },
  })
  door = { url: house.url, key: (await house.makeKey()).key }
  const loads = names.map((name) => [name, startLoad(PER_SECOND, () => ask(door, `${name}/weather`))] as const)
  await pause(500)
  const turn = () => {
    for (const name of names) {
      const storm = storms[name]
      if (storm) provider.set(name, { status: storm.status, retryAfter: storm.retryAfter() })
    }
  }
  turn()
  for (const name of names) stormTries.set(name, -triesOf(name))
  const renewing = setInterval(turn, 500)
  await pause(STORM_MS)
  clearInterval(renewing)
  for (const name of names) {
    provider.set(name, null)
    stormTries.set(name, (stormTries.get(name) ?? 0) + triesOf(name))
  }
  for (const [name, load] of loads) {
    const result = await load.stop()
    unanswered += result.refused
    answers.set(name, result.answers)
  }
})
afterAll(async () => {
  await house.stop()
  await provider.close()
})

const isWell = async (name: string) => (await ask(door, `${name}/weather`)).status === 200

describe('a storm of refusals', () => {
  it('is not made worse: tries ≤ 1.1 × requests, at most 3 for each', () => {
    let requests = 0
    let tries = 0
    for (const name of names) {
      requests += answers.get(name)?.length ?? 0
      for (const count of provider.tries(name).values()) {
        tries += count
        expect(count).toBeLessThanOrEqual(3)
      }
    }
    expect(unanswered).toBe(0)
    expect(requests).toBeGreaterThan(200)
    expect(tries).toBeLessThanOrEqual(requests * 1.1)
  })

  it.each(names)('%s: a circuit that has opened lets one probe through each second', (name) => {
    const probes = STORM_MS / 1000 + 1
    // Five in a row open it; calls that were under way by then, and their retries, come on top.
    expect(stormTries.get(name)).toBeLessThanOrEqual(5 + 6 + probes)
  })

  it.each(names)('%s: every refusal says when to come back, within a minute', (name) => {
    const refused = (answers.get(name) ?? []).filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(10)
    for (const answer of refused) {
      expect(answer.status).toBe(503)
      expect(answer.code).toMatch(/^upstream_(overloaded|rate_limited)$/)
      const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
      expect(seconds).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeLessThanOrEqual(60)
      // Ten minutes are no pause for a client's own retries.
      if (name === 'busy-forever' && seconds === 60) expect(answer.headers.get('x-should-retry')).toBe('false')
    }
  })

  it('is over within 10 s for who asked for no more', async () => {
    for (const name of names) if (storms[name]?.waits === 0) await until(`${name} is well`, () => isWell(name), 10_000)
  })

  it('leaves a provider alone for as long as it asked, ten minutes at most', async () => {
    for (const name of ['busy-30', 'busy-forever']) {
      const before = provider.tries(name).size
      expect(await isWell(name)).toBe(false)
      expect(provider.tries(name).size).toBe(before)
    }
    time.jump(31_000)
    await until('the half minute is over', () => isWell('busy-30'), 10_000)
    expect(await isWell('busy-forever')).toBe(false)
    time.jump(570_000)
    await until('the ten minutes are over', () => isWell('busy-forever'), 10_000)
  })

  it('is in the ledger: one row a request, free where nothing was answered', async () => {
    await house.settled()
    const rows = await ledgerRows(house.databaseUrl)
    expect(new Set(rows.map(({ request_id }) => request_id)).size).toBe(rows.length)
    const byId = new Map(rows.map((row) => [row.request_id, row]))
    for (const one of [...answers.values()].flat()) {
      const row = byId.get(one.requestId)
      expect(row?.outcome).toBe(one.status === 200 ? 'complete' : 'failed')
      if (one.status !== 200) expect(row).toMatchObject({ output_tokens: '0', input_tokens: '0' })
    }
  })
})
