import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { expectFetchedError } from './error-shape.ts'

const page = 'https://app.example.org'
let house: House
let key: string
let publishable: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
  publishable = (await house.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })).key
})
afterAll(() => house.stop())

const call = (credential: string, headers: Record<string, string> = {}) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
  })

describe('a browser', () => {
  const preflight = (origin: string, path = '/v1/chat/completions') =>
    fetch(house.url + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type, x-headgate-user',
      },
    })

  it('asks first, without a key, and is told yes for the origins of publishable keys', async () => {
    const response = await preflight(page)
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe(page)
    expect(response.headers.get('access-control-allow-methods')).toContain('POST')
    expect(response.headers.get('access-control-allow-headers')).toContain('x-headgate-user')
    expect(response.headers.get('vary')).toMatch(/origin/i)
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  it.each(['https://evil.example', 'http://app.example.org', `${page}.evil.example`, 'null', `${page}:8443`, 'x'])(
    'is told nothing on %s',
    async (origin) => {
      for (const response of [await preflight(origin), await call(key, { origin }), await call('x', { origin })]) {
        expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
        await response.text()
      }
    },
  )

  it('reads answers and errors, and all our headers', async () => {
    for (const response of [
      await call(key, { origin: page }),
      await call(publishable, { origin: page }),
      await call('nobody', { origin: page }),
      await fetch(`${house.url}/nowhere`, { headers: { origin: page } }),
      await fetch(`${house.url}/livez`, { method: 'DELETE', headers: { origin: page } }),
      await fetch(`${house.url}/v1/usage`, { headers: { origin: page, authorization: `Bearer ${publishable}` } }),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBe(page)
      expect(response.headers.get('vary')).toMatch(/origin/i)
      const exposed = response.headers.get('access-control-expose-headers')?.split(', ') ?? []
      const ours = [...response.headers.keys()].filter((name) => /^x-|^ratelimit|^retry-after/.test(name))
      expect(ours.filter((name) => !exposed.includes(name))).toEqual([])
      expect(exposed).toContain('x-request-id')
      if (response.status >= 400) await expectFetchedError(response)
    }
  })

  it('on a page the key is not bound to is refused', async () => {
    await expectFetchedError(await call(publishable, { origin: 'https://evil.example' }), 'origin_not_allowed')
    await expectFetchedError(await call(publishable), 'origin_not_allowed')
    await expectFetchedError(await call(publishable, { origin: 'null', referer: `${page}/x` }), 'origin_not_allowed')
  })
})
