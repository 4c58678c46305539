import { EventSource } from 'eventsource'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { startTour } from './support/targets.ts'

const page = { origin: 'https://app.example.org', referer: 'https://app.example.org/chat' }
let house: House
let secret: string
let publishable: string
beforeAll(async () => {
  ;({ house, key: secret } = await startTour())
  ;({ key: publishable } = await house.makeKey({ kind: 'publishable', origins: [page.origin] }))
})
afterAll(() => house.stop())

type Fetch = typeof globalThis.fetch
/** As a browser asks: with the page's address, and no header of the reader's own. */
const asPage: Fetch = (url, init) => fetch(url, { ...init, headers: { ...(init?.headers as object), ...page } })
const asServer: Fetch = (url, init) =>
  fetch(url, { ...init, headers: { ...(init?.headers as object), authorization: `Bearer ${secret}` } })

/** A network that breaks the first connection after so many bytes. */
const breaksOnce = (through: Fetch, bytes: number): { fetch: Fetch; lastEventIds: (string | null)[] } => {
  const lastEventIds: (string | null)[] = []
  return {
    lastEventIds,
    fetch: async (url, init) => {
      lastEventIds.push(new Headers(init?.headers).get('last-event-id'))
      const answer = await through(url, init)
      if (lastEventIds.length > 1) return answer
      let left = bytes
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          controller.enqueue(chunk.subarray(0, left))
          left -= chunk.length
          if (left <= 0) controller.error(new Error('the network is gone'))
        },
      })
      const { status, headers } = answer
      return Object.defineProperty(new Response(answer.body?.pipeThrough(cut) ?? null, { status, headers }), 'url', {
        value: answer.url,
      })
    },
  }
}

/** The data of every event, until one is the last. */
const readAll = (url: string, through: Fetch, last: string, isLast: (data: string) => boolean) =>
  new Promise<string[]>((resolve, reject) => {
    const found: string[] = []
    const source = new EventSource(url, { fetch: through as never })
    const take = ({ data }: MessageEvent) => {
      found.push(String(data))
      if (!isLast(String(data))) return
      source.close()
      resolve(found)
    }
    for (const name of new Set(['message', last])) source.addEventListener(name, take as never)
    source.addEventListener('error', ({ code, message }) => {
      if (source.readyState === source.CLOSED) reject(new Error(`${code}: ${message}`))
    })
  })
const textOf = (data: readonly string[]): string =>
  data
    .filter((item) => item !== '[DONE]')
    .map((item) => (JSON.parse(item) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '')
    .join('')
const post = (path: string, through: Fetch, body: object, headers = {}) =>
  through(`${house.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const chat = { model: 'up/gpt-4o-mini;parts=30', messages: [{ role: 'user', content: 'Hello' }], stream: true }

it('a plain EventSource reads a text by its address alone', async () => {
  const url = `${house.url}/text/Hello?stream=true&model=${encodeURIComponent(chat.model)}&key=${publishable}`
  const data = await readAll(url, asPage, 'message', (item) => item === '[DONE]')
  expect(textOf(data).trim().split(' ')).toHaveLength(30)
})

it('comes back by itself to a kept chat after its network broke, and has every word once, paid once', async () => {
  const asked = await post('/v1/chat/completions', asPage, chat, { authorization: `Bearer ${publishable}` })
  const whole = await asked.text()
  const network = breaksOnce(asPage, Math.floor(whole.length / 2))
  const url = `${house.url}/v1/streams/${asked.headers.get('x-headgate-stream')}?key=${publishable}`
  const data = await readAll(url, network.fetch, 'message', (item) => item === '[DONE]')
  expect(network.lastEventIds).toHaveLength(2)
  expect(Number(network.lastEventIds[1])).toBeGreaterThan(5)
  expect(data).toEqual([...whole.matchAll(/^data: (.*)$/gm)].map(([, item]) => item))
  const id = asked.headers.get('x-request-id') as string
  expect(house.upstream.truthOf(id)).toMatchObject([{ outcome: 'complete', produced_tokens: 30 }])
  await house.settled()
  const usage = await asPage(`${house.url}/v1/usage/${id}`, { headers: { authorization: `Bearer ${publishable}` } })
  expect(await usage.json()).toMatchObject({ output_tokens: 30, attempts: 1, outcome: 'complete' })
})

it('reads a response by its events’ names', async () => {
  const made = await post('/v1/responses', asServer, { model: chat.model, input: 'Hello', background: true })
  const { id } = (await made.json()) as { id: string }
  const isLast = (item: string) => item.includes('"response.completed"')
  const data = await readAll(`${house.url}/v1/responses/${id}?stream=true`, asServer, 'response.completed', isLast)
  expect(JSON.parse(data.at(-1) ?? '')).toMatchObject({ type: 'response.completed', response: { id } })
})
