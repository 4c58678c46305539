import type { AssetView } from '@headgate/contract/assets.ts'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectFetchedError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'

const kept = `up/dall-e-3;status=200;body=${encodeURIComponent(JSON.stringify({ data: [{ url: 'https://pictures.example/1.png' }] }))}`
const price = { price: { image: '0.04' } }
let house: House
let key: string
let small: string

const ask = (path: string, body?: object, headers: Record<string, string> = {}, by = key) =>
  fetch(house.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${by}`, ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
const store = { 'x-headgate-store': 'asset', 'x-headgate-user': 'ann' }
const idsOf = (answer: Response) => (answer.headers.get('x-headgate-asset') ?? '').split(', ').filter((id) => id !== '')
const asset = async (id: string, user = 'ann') =>
  (await (await ask(`/v1/assets/${id}`, undefined, { 'x-headgate-user': user })).json()) as AssetView
const bytesOf = async (id: string) =>
  Buffer.from(await (await ask(`/v1/assets/${id}/content`, undefined, { 'x-headgate-user': 'ann' })).arrayBuffer())
const list = async (user: string) =>
  ((await (await ask('/v1/assets', undefined, { 'x-headgate-user': user })).json()) as { data: AssetView[] }).data

beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_PROVENANCE_SIGN: 'images', HEADGATE_PROVENANCE_SIGN_MS: '60000' },
    config: {
      models: { [kept]: price, 'up/dall-e-3': price, 'up/tts-1': { price: { characters: '15' } } },
      tiers: { small: { requests: { rate_per_minute: 1e6, burst: 1e5 }, asset_bytes: 100 } },
    },
  })
  key = (await house.makeKey()).key
  small = (await house.makeKey({ tier: 'small' })).key
}, 60_000)
afterAll(() => house.stop())

it('keeps the pictures of a call for who asked, signed as they leave, and nothing where nobody asks for it', async () => {
  const client = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 })
  const body = { model: 'demo', prompt: 'A lighthouse', n: 2, response_format: 'b64_json', size: '256x256' } as const
  const { data, response } = await client.images.generate(body, { headers: store }).withResponse()
  const ids = idsOf(response as unknown as Response)
  expect(ids).toHaveLength(2)
  for (const [index, id] of ids.entries()) {
    const sent = Buffer.from(data.data?.[index]?.b64_json as string, 'base64')
    expect((await bytesOf(id)).equals(sent)).toBe(true)
    expect(sent.includes('c2pa')).toBe(true)
    const { name, type, metadata } = await asset(id)
    expect([name, type, metadata['model']]).toEqual([`picture-${index + 1}`, 'image/png', 'demo'])
    expect(metadata['request_id']).toBe(response.headers.get('x-request-id'))
    expect((await ask(`/v1/assets/${id}`, undefined, { 'x-headgate-user': 'ben' })).status).toBe(404)
  }
  const plain = await client.images.generate(body, { headers: { 'x-headgate-user': 'ben' } }).withResponse()
  expect(plain.response.headers.get('x-headgate-asset')).toBeNull()
  expect(await list('ben')).toEqual([])
})

it('keeps what a member of the body asks for, which no provider sees', async () => {
  const user = { 'x-headgate-user': 'mia' }
  const draw = (more: object) =>
    ask(
      '/v1/images/generations',
      { model: 'up/dall-e-3', ...more, prompt: 'A lighthouse', response_format: 'b64_json' },
      user,
    )
  const drawn = await draw({ store: 'asset' })
  expect(idsOf(drawn)).toHaveLength(1)
  const said = { model: 'up/tts-1', input: 'The sea is wide.', voice: 'alloy', store: 'asset' }
  expect(idsOf(await ask('/v1/audio/speech', said, user))).toHaveLength(1)
  for (const { body } of house.upstream.requests().slice(-2)) expect(body).not.toContain('store')
  expect(idsOf(await draw({ store: null }))).toEqual([])
  expect(house.upstream.requests().at(-1)?.body).not.toContain('store')
  await expectFetchedError(await draw({ store: 'file' }), 'invalid_parameter')
  await expectFetchedError(await draw({ store: true }), 'invalid_parameter')
  expect(await list('mia')).toHaveLength(2)
})

it('keeps speech, and the picture of an address', async () => {
  const speech = await ask('/v1/audio/speech', { model: 'up/tts-1', input: 'The sea is wide.', voice: 'alloy' }, store)
  const sound = Buffer.from(await speech.arrayBuffer())
  expect((await bytesOf(idsOf(speech)[0] as string)).equals(sound)).toBe(true)
  const picture = await ask('/image/A%20lighthouse?model=demo&width=256&height=256&store=asset', undefined, {
    'x-headgate-user': 'ann',
  })
  expect((await bytesOf(idsOf(picture)[0] as string)).equals(Buffer.from(await picture.arrayBuffer()))).toBe(true)
})

it('gives what was made also where it cannot be kept, and says so', async () => {
  const draw = (model: string, headers: Record<string, string>, by = key, more: object = {}) =>
    ask('/v1/images/generations', { model, prompt: 'A lighthouse', response_format: 'b64_json', ...more }, headers, by)
  const full = await draw('demo', store, small)
  expect([full.status, full.headers.get('x-headgate-asset')]).toEqual([200, null])
  expect(full.headers.get('x-headgate-warning')).toContain('not stored: asset_quota_exceeded')
  expect(((await full.json()) as { data: object[] }).data).toHaveLength(1)
  const away = await draw(kept, store)
  expect(away.headers.get('x-headgate-warning')).toContain('not stored: the provider keeps the picture')
  const before = (await list('ann')).length
  const wrong = [
    draw('demo', { ...store, 'x-headgate-store': 'file' }),
    ask('/v1/chat/completions', { model: 'demo', messages: [{ role: 'user', content: 'hi' }] }, store),
  ]
  for (const answer of wrong) await expectFetchedError(await answer, 'invalid_parameter')
  expect((await list('ann')).length).toBe(before)
})
