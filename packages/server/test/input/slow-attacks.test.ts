import { connect } from 'node:net'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type * as Server from '../../src/http/server.ts'
import type * as StalledReader from '../../src/http/stalled-reader.ts'
import { type House, startHouse } from '../support/house.ts'
import { expectError } from './error-shape.ts'
import { type Conversation, requestText, talk } from './raw.ts'

vi.mock('../../src/http/server.ts', async (original) => {
  const real = await original<typeof Server>()
  return {
    ...real,
    createServer: (options: Parameters<typeof real.createServer>[0]) =>
      real.createServer({ ...options, arrival: { headersMs: 2_000, requestMs: 4_000, checkMs: 200 } }),
  }
})
vi.mock('../../src/http/stalled-reader.ts', async (original) => {
  const real = await original<typeof StalledReader>()
  return {
    ...real,
    cutWhenStalled: (response: Parameters<typeof real.cutWhenStalled>[0]) => real.cutWhenStalled(response, 2_000),
  }
})

const ATTACKERS = 500
/** Fewer: each fills the buffers of its connection, megabytes of the system’s memory. */
const DEAF = 100
/** Answers of 300 KB each: more than the system takes for one connection. */
const PIPELINED = 20
let house: House
let key: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

/** One who sends `text` and then a little of `more` now and again. */
const dribble = (text: string | Buffer, more: string): Promise<Conversation> =>
  talk(
    house.url,
    (socket) => {
      socket.on('error', () => {})
      socket.write(text)
      const timer = setInterval(() => socket.write(more), 500)
      socket.on('close', () => clearInterval(timer))
    },
    { patience: 60_000 },
  )

/** Serves others until the attack is over. */
const expectShutOut = async (attackers: Promise<unknown>): Promise<void> => {
  let isOver = false
  void attackers.then(() => {
    isOver = true
  })
  let served = 0
  do {
    const answer = await house.request('/v1/models', { key })
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
    served += 1
    await new Promise((resolve) => setTimeout(resolve, 20))
  } while (!isOver)
  expect(served).toBeGreaterThan(10)
}

const heads = () => dribble('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n', 'x-a: b\r\n')
const bodies = () =>
  dribble(
    requestText('POST /v1/chat/completions', {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': '5000',
    }),
    ' ',
  )

it.each([
  ['heads', heads],
  ['bodies', bodies],
])(
  `${ATTACKERS} who dribble %s are all shut out, and others are served meanwhile`,
  async (_what, attack) => {
    const attackers = Promise.all(Array.from({ length: ATTACKERS }, attack))
    await expectShutOut(attackers)
    for (const { answers, ending } of await attackers) {
      expect(ending).not.toBe('open')
      // One that was writing when it was shut out may lose the answer to the reset.
      if (answers[0]) expectError(answers[0], 'request_timeout')
    }
  },
  120_000,
)

/** One who asks for much, over and over, and reads nothing; resolves when it is cut. */
const deaf = (): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(house.url).port), '127.0.0.1', () => {
      socket.pause()
      socket.write(Buffer.concat(Array.from({ length: PIPELINED }, () => requestText('GET /openapi.json'))))
    })
    socket.on('error', () => {})
    // Written to, so that the cut is seen although nothing is read.
    const probe = setInterval(() => socket.write(requestText('GET /livez')), 500)
    socket.on('close', () => {
      clearInterval(probe)
      resolve()
    })
  })

it(
  `${DEAF} who read nothing are all shut out, and others are served meanwhile`,
  () => expectShutOut(Promise.all(Array.from({ length: DEAF }, deaf))),
  120_000,
)
