import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { ask, askStream, type Answer, type Door } from './support/ask.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { until } from './support/load.ts'
import { openHolds, openStreams } from './support/metric.ts'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { timed } from '../support/timed.ts'

let house: House
let upstream: Upstream
let door: Door

beforeAll(async () => {
  upstream = await startUpstream()
  house = await startHouse({
    upstream,
    config: {
      providers: {
        hasty: {
          kind: 'openai',
          base_url: `${upstream.url}/v1`,
          api_key: 'provider-key',
          timeouts: { idle_ms: 150, first_byte_ms: 150 },
        },
      },
    },
    environment: {
      HEADGATE_TIMEOUTS_FIRST_BYTE_MS: '400',
      HEADGATE_TIMEOUTS_IDLE_MS: '900',
      HEADGATE_TIMEOUTS_TOTAL_MS: '2000',
    },
  })
  door = { url: house.url, key: (await house.makeKey()).key }
})
afterAll(async () => {
  await house.stop()
  await upstream.close()
})

/** After a hang: upstream let go, nothing held, one estimated row of outcome `timeout`. */
const expectFreed = async (answer: Answer, fewest: number) => {
  await until('the upstream is aborted', () => upstream.truthOf(answer.requestId)[0]?.outcome === 'aborted', 2_000)
  await until(
    'the slot is free',
    async () => (await openHolds(house.url)) + (await openStreams(house.url)) === 0,
    2_000,
  )
  await house.settled()
  const rows = (await ledgerRows(house.databaseUrl)).filter(({ request_id }) => request_id === answer.requestId)
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({ outcome: 'timeout', estimated: true, fault: 'upstream_timeout' })
  const output = Number(rows[0]?.output_tokens)
  expect(output).toBeGreaterThanOrEqual(fewest)
  expect(output).toBeLessThanOrEqual(upstream.truthOf(answer.requestId)[0]?.produced_tokens ?? 0)
}

describe('a provider that hangs', () => {
  it.each(['stall-before-headers', 'stall-after-headers'])(
    '%s: a plain 504 before the first part',
    timed,
    async (script) => {
      const answer = await askStream(door, `up/gpt-4o-mini;${script}`)
      expect(answer).toMatchObject({ status: 504, code: 'upstream_timeout' })
      expect(answer.milliseconds).toBeLessThan(3_000)
      await expectFreed(answer, 0)
    },
  )

  it.each(['stall-before-headers', 'stall-after-headers'])(
    '%s: a plain 504 without a stream',
    timed,
    async (script) => {
      const answer = await ask(door, `up/gpt-4o-mini;${script}`)
      expect(answer).toMatchObject({ status: 504, code: 'upstream_timeout' })
      expect(answer.milliseconds).toBeLessThan(4_000)
      await expectFreed(answer, 0)
    },
  )

  it('inside a stream: an error event, never [DONE]', timed, async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;stall-at-part=3')
    expect(answer).toMatchObject({ status: 200, code: 'upstream_timeout', done: false, parts: 3, broken: false })
    await expectFreed(answer, 3)
  })

  it('a stream that never ends: cut at the total', timed, async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;parts=400;part-delay=50')
    expect(answer).toMatchObject({ status: 200, code: 'upstream_timeout', done: false })
    expect(answer.milliseconds).toBeLessThan(6_000)
    await expectFreed(answer, answer.parts)
  })

  it('comments are no sign of life', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;pings=1;stall-at-part=2')
    expect(answer).toMatchObject({ code: 'upstream_timeout', done: false })
  })

  it("keeps a provider's own deadlines, inside a stream too", timed, async () => {
    const early = await askStream(door, 'hasty/gpt-4o-mini;stall-before-headers')
    expect(early).toMatchObject({ status: 504, code: 'upstream_timeout' })
    expect(early.milliseconds).toBeLessThan(390)
    const answer = await askStream(door, 'hasty/gpt-4o-mini;stall-at-part=3')
    expect(answer).toMatchObject({ code: 'upstream_timeout', done: false, parts: 3 })
    expect(answer.milliseconds).toBeLessThan(850)
  })
})
