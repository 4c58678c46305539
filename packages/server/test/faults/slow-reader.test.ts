import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { callsOf } from './support/calls-of.ts'
import { createJumpingClock } from './support/jumping-clock.ts'
import { pause, until } from './support/load.ts'
import { openHolds, openStreams } from './support/metric.ts'
import { callRaw } from './support/raw-caller.ts'

const MOST_BUFFERED = 1_048_576
const READ_BYTES = 1_024
/** A stream of 10 MB and more: what the system itself buffers of two connections must not be all of it. */
const model = 'up/gpt-4o-mini;parts=40000;part-tokens=300'

let house: House
const time = createJumpingClock()
const answers: ServerResponse[] = []
const upstreamSockets: Socket[] = []
const onRequest = (message: unknown) => void answers.push((message as { response: ServerResponse }).response)
const onSocket = (message: unknown) => void upstreamSockets.push((message as { socket: Socket }).socket)
beforeAll(async () => {
  subscribe('http.server.request.start', onRequest)
  subscribe('net.client.socket', onSocket)
  house = await startHouse({ overrides: { clock: time.clock } })
})
afterAll(() => house.stop())

it('who takes 1 KB per second of 10 MB makes the provider wait, costs less than 1 MiB, and is cut when it stalls', async () => {
  const { key } = await house.makeKey()
  const caller = callRaw({ url: house.url, key }, model, { stream: true })
  // Never in the flowing mode: a kilobyte a second from the beginning.
  caller.socket.removeAllListeners('data')
  caller.socket.pause()
  await until('the stream flows', () => callsOf(house.upstream).some(({ sent_tokens }) => sent_tokens > 0))
  unsubscribe('http.server.request.start', onRequest)
  unsubscribe('net.client.socket', onSocket)
  const answer = answers.find(({ req }) => req.url === '/v1/chat/completions')
  const fromProvider = upstreamSockets.find(({ remotePort }) => remotePort === Number(new URL(house.upstream.url).port))
  expect(answer).toBeDefined()
  expect(fromProvider).toBeDefined()
  /** What the process holds between the provider's socket and the reader's. */
  const buffered = () => (answer?.writableLength ?? 0) + (fromProvider?.readableLength ?? 0)
  const truth = () => callsOf(house.upstream)[0]!

  let most = 0
  let taken = 0
  const sample = setInterval(() => {
    most = Math.max(most, buffered())
  }, 5)
  const read = setInterval(() => {
    if (caller.socket.read(READ_BYTES) !== null) taken += READ_BYTES
  }, 1_000)
  let sent = -1
  await until('the provider waits', async () => {
    const before = sent
    await pause(500)
    sent = truth().sent_tokens
    return sent === before
  })
  await until('the reader has read', () => taken >= 3 * READ_BYTES)
  expect(truth().outcome).toBe('open')
  expect(truth().sent_tokens).toBeLessThan(40_000 * 300)
  expect(buffered()).toBeGreaterThan(0)
  expect(await openStreams(house.url)).toBe(1)

  clearInterval(read)
  time.jump(25_000)
  await pause(1_200)
  expect(truth().outcome, 'a minute is not over').toBe('open')
  time.jump(36_000)
  await until('the provider is let go', () => truth().outcome === 'aborted')
  clearInterval(sample)
  expect(most).toBeLessThanOrEqual(MOST_BUFFERED)
  caller.socket.resume()
  await caller.closed
  await until('nothing is held', async () => (await openHolds(house.url)) + (await openStreams(house.url)) === 0)
})
