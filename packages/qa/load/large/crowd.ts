// Sends large bodies at once from a process of its own, and comes again as it is told. `node crowd.ts '{"url": …}'` prints what came of them.
import { randomBytes } from 'node:crypto'
import { Pool } from 'undici'
import { pause } from '../pace.ts'
import type { LargeCall, LargeOrder } from './crowd-process.ts'

const LONGEST_MS = 300_000

const { url, key, model, bytes, callers, protocols } = JSON.parse(process.argv[2] as string) as LargeOrder
const picture = randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')
const text = 'What is it?'
const written = {
  chat: {
    path: '/v1/chat/completions',
    body: {
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
          ],
        },
      ],
    },
  },
  responses: {
    path: '/v1/responses',
    body: {
      model,
      store: false,
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text },
            { type: 'input_image', image_url: `data:image/png;base64,${picture}` },
          ],
        },
      ],
    },
  },
  messages: {
    path: '/v1/messages',
    body: {
      model,
      max_tokens: 10,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } },
          ],
        },
      ],
    },
  },
} as const
const ready = protocols.map((protocol) => {
  const { path, body } = written[protocol]
  return { path, body: Buffer.from(JSON.stringify(body)) }
})
const pool = new Pool(url, { connections: callers, pipelining: 1, headersTimeout: LONGEST_MS, bodyTimeout: LONGEST_MS })

const call = async (number: number): Promise<LargeCall> => {
  const { path, body } = ready[number % ready.length] as (typeof ready)[number]
  const begun = performance.now()
  const refusals: LargeCall['refusals'][number][] = []
  for (;;) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await pool.request({ method: 'POST', path, headers, body }).catch(() => null)
    const told = answer === null ? '' : await answer.body.text()
    const status = answer?.statusCode ?? 0
    const wait = Number(answer?.headers['retry-after'] ?? 0)
    if (status === 200 || performance.now() - begun > LONGEST_MS)
      return { status, tookMs: performance.now() - begun, refusals, bytes: body.length, told: told.slice(0, 2_000) }
    refusals.push({ status, hasRetryAfter: wait > 0 })
    // Whose connection was closed in mid-body may not have heard the answer.
    await pause(Math.max(1, wait) * 1_000)
  }
}

const calls = await Promise.all(Array.from({ length: callers }, (_, number) => call(number)))
await pool.close()
process.stdout.write(JSON.stringify(calls))
