import { countTokens } from '@headgate/qa/upstream/tokens.ts'
import { preciseNow } from '@headgate/qa/upstream/truth.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { createJumpingClock } from './support/jumping-clock.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { pause, until } from './support/load.ts'
import { openHolds, openStreams } from './support/metric.ts'
import { callRaw, type RawCaller } from './support/raw-caller.ts'
import { timed } from '../support/timed.ts'

const ABORT_MS = 1_000

let house: House
let door: Door
const time = createJumpingClock()

beforeAll(async () => {
  house = await startHouse({ overrides: { clock: time.clock } })
  door = { url: house.url, key: (await house.makeKey()).key }
})
afterAll(() => house.stop())

const truthOf = (id: string) => {
  const [row] = house.upstream.truthOf(id)
  if (row === undefined) throw new Error(`the upstream saw no ${id}`)
  return row
}

const contentOf = (text: string): string =>
  [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => JSON.parse(`"${piece}"`) as string).join('')

const rowOf = async (id: string) => {
  await until('the call is settled', async () => (await openHolds(house.url)) === 0, 3_000)
  await house.settled()
  const rows = (await ledgerRows(house.databaseUrl)).filter(({ request_id }) => request_id === id)
  expect(rows).toHaveLength(1)
  return rows[0] as (typeof rows)[number]
}

/** The upstream is let go at once, the slot is free, and one row says what flowed. */
const expectLeft = async (caller: RawCaller, leftAt: number) => {
  const id = caller.requestId()
  await until('the upstream is aborted', () => truthOf(id).outcome !== 'open', 3_000)
  const truth = truthOf(id)
  expect(truth.outcome).toBe('aborted')
  expect((truth.aborted_at ?? Number.NaN) - leftAt).toBeLessThan(ABORT_MS)
  await until('the stream is closed', async () => (await openStreams(house.url)) === 0, 2_000)
  const row = await rowOf(id)
  expect(row).toMatchObject({ outcome: 'client_gone', estimated: true })
  const output = Number(row.output_tokens)
  const received = countTokens(contentOf(caller.text()))
  expect(output).toBeGreaterThanOrEqual(Math.floor(received * 0.98))
  expect(output).toBeLessThanOrEqual(truth.produced_tokens)
  expect(Number(row.input_tokens)).toBeGreaterThan(0)
}

const leaves: Record<string, (caller: RawCaller) => void> = {
  reset: ({ socket }) => void socket.resetAndDestroy(),
  close: ({ socket }) => void socket.destroy(),
  'half-close': ({ socket }) => void socket.end(),
}

describe('a caller who leaves', () => {
  for (const [how, leave] of Object.entries(leaves))
    it.each([
      ['at the first part', 1],
      ['in the middle', 30],
      ['at the last but one', 59],
    ])(`by ${how}, %s`, async (_, parts) => {
      const caller = callRaw(door, 'up/gpt-4o-mini;parts=60;part-delay=8', { stream: true })
      await until(`${parts} parts came`, () => caller.parts() >= parts)
      const leftAt = preciseNow()
      leave(caller)
      // Between its last parts the provider may be done before the leaving is noticed; then all it produced bounds the row.
      if (parts === 59) {
        const id = caller.requestId()
        await until('the upstream is done', () => truthOf(id).outcome !== 'open', 3_000)
        if (truthOf(id).outcome === 'complete') {
          const row = await rowOf(id)
          // Exact where the call ended; where the caller was seen to leave first, an estimate between the two counts.
          if (row.outcome === 'complete') expect(Number(row.output_tokens)).toBe(60)
          else {
            expect(row).toMatchObject({ outcome: 'client_gone', estimated: true })
            expect(Number(row.output_tokens)).toBeGreaterThanOrEqual(caller.parts())
            expect(Number(row.output_tokens)).toBeLessThanOrEqual(60)
          }
          return
        }
      }
      await expectLeft(caller, leftAt)
    })

  it('after any part: the row says at least what was received and at most what was produced', timed, async () => {
    const callers = Array.from({ length: 24 }, (_, index) => {
      const caller = callRaw(door, 'up/gpt-4o-mini;parts=60;part-delay=15', { stream: true })
      const onData = () => {
        if (caller.parts() <= index) return
        caller.socket.off('data', onData)
        caller.socket.resetAndDestroy()
      }
      caller.socket.on('data', onData)
      return caller
    })
    await Promise.all(callers.map(({ closed }) => closed))
    await until('nothing is held', async () => (await openHolds(house.url)) === 0)
    await house.settled()
    const rows = await ledgerRows(house.databaseUrl)
    for (const caller of callers) {
      const own = rows.filter(({ request_id }) => request_id === caller.requestId())
      expect(own).toHaveLength(1)
      const output = Number(own[0]?.output_tokens)
      expect(output).toBeGreaterThanOrEqual(countTokens(contentOf(caller.text())))
      expect(output).toBeLessThanOrEqual(truthOf(caller.requestId()).produced_tokens)
    }
  })

  it('before the first part', timed, async () => {
    const caller = callRaw(door, 'up/gpt-4o-mini;first-part-delay=5000', { stream: true })
    await until('the upstream was asked', () => callsOf(house.upstream).some(({ outcome }) => outcome === 'open'))
    const [truth] = callsOf(house.upstream).filter(({ outcome }) => outcome === 'open')
    const leftAt = preciseNow()
    caller.socket.resetAndDestroy()
    await until('the upstream is aborted', () => truth?.outcome === 'aborted', 3_000)
    expect((truth?.aborted_at ?? Number.NaN) - leftAt).toBeLessThan(ABORT_MS)
    expect(await rowOf(truth?.request_id ?? '')).toMatchObject({ outcome: 'client_gone', output_tokens: '0' })
  })

  it('of a whole answer', timed, async () => {
    const caller = callRaw(door, 'up/gpt-4o-mini;parts=100;part-delay=50')
    await until('the upstream was asked', () => callsOf(house.upstream).some(({ outcome }) => outcome === 'open'))
    const [truth] = callsOf(house.upstream).filter(({ outcome }) => outcome === 'open')
    const leftAt = preciseNow()
    caller.socket.resetAndDestroy()
    await until('the upstream is aborted', () => truth?.outcome === 'aborted', 3_000)
    expect((truth?.aborted_at ?? Number.NaN) - leftAt).toBeLessThan(ABORT_MS)
    const row = await rowOf(truth?.request_id ?? '')
    expect(row).toMatchObject({ outcome: 'client_gone', estimated: true })
    expect(Number(row.output_tokens)).toBeLessThanOrEqual(truth?.produced_tokens ?? 0)
  })

  it('who asked for nothing more is not billed twice for leaving with many others', async () => {
    const callers = Array.from({ length: 40 }, () =>
      callRaw(door, 'up/gpt-4o-mini;parts=200;part-delay=10', { stream: true }),
    )
    await until('all streams flow', () => callers.every((caller) => caller.parts() >= 3), 10_000)
    const ids = callers.map((caller) => caller.requestId())
    for (const { socket } of callers) socket.resetAndDestroy()
    await until('all upstreams are aborted', () => ids.every((id) => truthOf(id).outcome === 'aborted'), 5_000)
    await until('nothing is held', async () => (await openHolds(house.url)) + (await openStreams(house.url)) === 0)
    await house.settled()
    const rows = (await ledgerRows(house.databaseUrl)).filter(({ request_id }) => ids.includes(request_id))
    expect(rows).toHaveLength(ids.length)
    for (const row of rows) {
      expect(row.outcome).toBe('client_gone')
      expect(Number(row.output_tokens)).toBeGreaterThan(0)
      expect(Number(row.output_tokens)).toBeLessThanOrEqual(truthOf(row.request_id).produced_tokens)
    }
  })
})

describe('a caller who does not read', () => {
  it('makes the provider wait, and is cut after a minute', timed, async () => {
    const script = 'parts=40000;part-tokens=300'
    const caller = callRaw(door, `up/gpt-4o-mini;${script}`, { stream: true })
    await until('the stream flows', () => caller.parts() > 0)
    caller.socket.pause()
    const id = caller.requestId()
    let before = -1
    await until('the provider waits', async () => {
      const sent = truthOf(id).sent_tokens
      const isStill = sent === before
      before = sent
      await pause(300)
      return isStill
    })
    const stoppedAt = truthOf(id).sent_tokens
    expect(truthOf(id).outcome).toBe('open')
    expect(stoppedAt).toBeLessThan(40_000 * 300)
    caller.socket.resume()
    await until('it flows again', () => truthOf(id).sent_tokens > stoppedAt)
    caller.socket.pause()
    await until('the provider waits again', async () => {
      const sent = truthOf(id).sent_tokens
      await pause(300)
      return truthOf(id).sent_tokens === sent
    })
    time.jump(61_000)
    await until('the provider is let go', () => truthOf(id).outcome === 'aborted', 5_000)
    caller.socket.resume()
    await caller.closed
    expect(caller.text()).not.toContain('[DONE]')
    const row = await rowOf(id)
    expect(row.outcome).toBe('client_gone')
    expect(Number(row.output_tokens)).toBeLessThanOrEqual(truthOf(id).produced_tokens)
  })
})
