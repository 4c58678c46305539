import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'
import { usageOf } from './tours/support/targets.ts'

const page = 'https://app.example.org'
const elsewhere = { referer: 'https://other.example.org/' }
const fromPage = { referer: `${page}/gallery`, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
const kept = encodeURIComponent(JSON.stringify({ data: [{ url: 'https://pictures.example/1.png' }] }))

let house: House
let secret: string
let key: string

beforeAll(async () => {
  house = await startHouse({
    environment: {
      HEADGATE_MEDIA_TEXT_MODEL: 'demo',
      HEADGATE_SAFETY_MODERATION_MODEL: 'up/omni-moderation-latest',
    },
    config: { models: { 'up/dall-e-3': { price: { image: '0.04' } } } },
  })
  secret = (await house.makeKey()).key
  key = (await house.makeKey({ kind: 'publishable', origins: [page] })).key
})
afterAll(() => house.stop())

const get = (path: string, headers: Record<string, string> = fromPage, method = 'GET') =>
  fetch(house.url + path, { method, headers, redirect: 'manual' })
const rows = async (): Promise<number> => {
  await house.settled()
  const answer = await house.request('/v1/usage?limit=1&scope=project', { key: secret })
  return ((await answer.json()) as { totals: { requests: number } }).totals.requests
}
const codeOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { error: { code: string } }).error.code,
]

describe('a picture by its address', () => {
  it('is an image of its type, kept by nobody, and one row of the ledger', async () => {
    const answer = await get(`/image/A%20lighthouse%2Fin%20a%20storm?model=demo&width=64&height=32&seed=7&key=${key}`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
    expect(answer.headers.get('cache-control')).toBe('private, no-store')
    const png = Buffer.from(await answer.arrayBuffer())
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([64, 32])
    const row = await usageOf(house, secret, answer.headers.get('x-request-id') as string)
    expect(row).toMatchObject({ operation: 'images', images: 1, cost_usd: '0', outcome: 'complete' })
  })

  it('asks the provider as the body of a call would, with a secret key in the header too', async () => {
    const asked = '/image/A%20door?model=up/dall-e-3&width=256&seed=-1&enhance=true&safe=false'
    const answer = await get(asked, { authorization: `Bearer ${secret}` })
    expect([answer.status, answer.headers.get('x-headgate-cost-usd')]).toEqual([200, '0.04'])
    expect(JSON.parse(house.upstream.requests().at(-1)?.body ?? '')).toEqual({
      model: 'dall-e-3',
      prompt: 'A door',
      size: '256x1024',
      response_format: 'b64_json',
      seed: -1,
      enhance: true,
      safe: false,
    })
  })

  it('is pointed to where its provider keeps it, and never fetched from there', async () => {
    const model = encodeURIComponent(`up/other;status=200;body=${kept}`)
    const answer = await get(`/image/A%20door?model=${model}&key=${key}`)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://pictures.example/1.png'])
  })
})

describe('a text by its address', () => {
  it('is plain text, JSON or events, by the model of the configuration', async () => {
    const plain = await get(`/text/Hello%20there?system=Be%20brief&key=${key}`)
    expect(plain.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await plain.text()).toContain('“Hello there”')
    const json = await get(`/text/Hello?json=true&key=${key}`)
    expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await json.json()).toMatchObject({ simulated: true })
    const stream = await get(`/text/Hello?stream=true&key=${key}`)
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect((await stream.text()).endsWith('data: [DONE]\n\n')).toBe(true)
    const row = await usageOf(house, secret, stream.headers.get('x-request-id') as string)
    expect(row).toMatchObject({ operation: 'chat', stream: true, outcome: 'complete' })
  })
})

describe('a key in an address', () => {
  it('counts on a page of its origins only, and a secret one never', async () => {
    const before = await rows()
    const path = `/text/Hello?key=${key}`
    expect(await codeOf(await get(path, {}))).toEqual([403, 'origin_not_allowed'])
    expect(await codeOf(await get(path, elsewhere))).toEqual([403, 'origin_not_allowed'])
    expect(await codeOf(await get(path, { ...fromPage, origin: 'null' }))).toEqual([403, 'origin_not_allowed'])
    expect(await codeOf(await get(path, { ...fromPage, 'sec-fetch-site': 'none' }))).toEqual([
      403,
      'origin_not_allowed',
    ])
    expect(await codeOf(await get(`/text/Hello?key=${secret}`))).toEqual([401, 'invalid_api_key'])
    expect(await codeOf(await get('/text/Hello'))).toEqual([401, 'api_key_missing'])
    // No other route looks there.
    expect(await codeOf(await get(`/v1/models?key=${key}`))).toEqual([401, 'api_key_missing'])
    expect(await rows()).toBe(before)
  })
})

it('what is wrong is told with the fix, and costs nothing', async () => {
  const before = await rows()
  const faultOf = async (path: string) => {
    const answer = await get(`${path}${path.includes('?') ? '&' : '?'}key=${key}`)
    const { error } = (await answer.json()) as {
      error: { code: string; details?: { location: string; fix?: string }[] }
    }
    return [answer.status, error.code, error.details?.[0]?.location, error.details?.[0]?.fix !== undefined]
  }
  expect(await faultOf('/image/%20?model=demo')).toEqual([400, 'prompt_empty', 'prompt', true])
  expect((await faultOf('/text/%20')).slice(0, 2)).toEqual([400, 'prompt_empty'])
  expect(await faultOf('/image/Hello')).toEqual([400, 'model_missing', 'model', true])
  expect(await faultOf('/image/Hello?model=demo&widht=64')).toEqual([400, 'unknown_parameter', 'widht', true])
  expect((await faultOf('/image/Hello?model=demo&width=1')).slice(0, 2)).toEqual([400, 'invalid_parameter'])
  const head = await get(`/image/Hello?model=demo&key=${key}`, fromPage, 'HEAD')
  expect(head.status).toBe(405)
  expect(await rows()).toBe(before)
})
