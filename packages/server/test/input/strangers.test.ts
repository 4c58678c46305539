import { afterAll, beforeAll, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { expectFetchedError } from './error-shape.ts'

let house: House
let key: string
let publishable: string
const page = 'https://app.example.org'

beforeAll(async () => {
  house = await startHouse({
    environment: {
      HEADGATE_TRUSTED_PROXIES: '127.0.0.1',
      HEADGATE_LIMITS_PER_IP_RATE_PER_MINUTE: '1',
      HEADGATE_LIMITS_PER_IP_BURST: '3',
    },
  })
  key = (await house.makeKey()).key
  publishable = (await house.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })).key
})
afterAll(() => house.stop())

const ask = (path: string, credential: string | null, address: string) =>
  fetch(house.url + path, {
    headers: {
      'x-forwarded-for': address,
      ...(credential !== null && { authorization: `Bearer ${credential}` }),
      ...(credential === publishable && { origin: page }),
    },
  })

it('callers without a valid key are limited by address, on every route that asks for one', async () => {
  const address = '192.0.2.1'
  await expectFetchedError(await ask('/v1/models', null, address), 'api_key_missing')
  await expectFetchedError(await ask('/v1/usage', 'hg_sk_nonsense', address), 'invalid_api_key')
  await expectFetchedError(await ask('/admin/v1/keys', 'a'.repeat(32), address), 'invalid_api_key')
  for (const [path, credential] of [
    ['/v1/models', null],
    ['/v1/usage', 'hg_sk_nonsense'],
    ['/admin/v1/keys', 'a'.repeat(32)],
  ] as const) {
    const refused = await ask(path, credential, address)
    expect(refused.headers.get('ratelimit')).toMatch(/^"address";r=0;t=\d+$/)
    expect(refused.headers.get('retry-after')).not.toBeNull()
    const body = (await refused.clone().json()) as Record<string, unknown>
    expect(body['violated-policies']).toEqual(['address'])
    await expectFetchedError(refused, 'rate_limit_exceeded')
  }
  await expectFetchedError(await ask('/v1/models', null, '192.0.2.2'), 'api_key_missing')
})

it('valid keys of a refused address are served, and are not counted', async () => {
  const address = '192.0.2.3'
  expect((await ask('/v1/models', key, address)).status).toBe(200)
  for (let request = 0; request < 4; request++) await ask('/v1/models', null, address)
  for (let request = 0; request < 4; request++) {
    expect((await ask('/v1/models', key, address)).status).toBe(200)
    expect((await ask('/admin/v1/keys', adminKey, address)).status).toBe(200)
  }
  await expectFetchedError(await ask('/v1/models', null, address), 'rate_limit_exceeded')
})

it('browser keys are counted by key and address where no provider is asked, too', async () => {
  const address = '192.0.2.4'
  for (const path of ['/v1/models', '/v1/models/demo', '/v1/usage/req_unknown']) {
    const response = await ask(path, publishable, address)
    expect(response.status, path).not.toBe(429)
    expect(response.headers.get('ratelimit')).toMatch(/^"key";r=\d+.*, "address";r=[012];t=\d+$/)
  }
  for (const path of ['/v1/models', '/v1/models/demo', '/v1/usage/req_unknown']) {
    await expectFetchedError(await ask(path, publishable, address), 'rate_limit_exceeded')
  }
  expect((await ask('/v1/models', key, address)).headers.get('ratelimit')).toBeNull()
})
