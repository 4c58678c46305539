import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { expectError, expectFetchedError } from './error-shape.ts'
import { requestText, talk } from './raw.ts'

const page = 'https://app.example.org'
let house: House
let proxied: House
let key: string
let publishable: string

const addressLimit = {
  HEADGATE_LIMITS_PER_IP_RATE_PER_MINUTE: '1',
  HEADGATE_LIMITS_PER_IP_BURST: '3',
}
beforeAll(async () => {
  house = await startHouse({ environment: addressLimit })
  proxied = await startHouse({
    environment: { ...addressLimit, HEADGATE_TRUSTED_PROXIES: '127.0.0.1/32,10.0.0.0/8' },
  })
  key = (await house.makeKey()).key
  publishable = (await house.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })).key
})
afterAll(() => Promise.all([house.stop(), proxied.stop()]))

const body = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] })
const call = (at: House, credential: string, headers: Record<string, string> = {}) =>
  fetch(`${at.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json', ...headers },
    body,
  })
const admitted = async (
  at: House,
  credential: string,
  headers: (index: number) => Record<string, string>,
  calls = 8,
) => {
  let count = 0
  for (let index = 0; index < calls; index++)
    if ((await call(at, credential, { origin: page, ...headers(index) })).status === 200) count++
  return count
}
const browserKey = async (at: House) =>
  (await at.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })).key

describe('the address of a caller', () => {
  it('is not what a header claims', async () => {
    const spoofs = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip', 'x-client-ip']
    let sum = 0
    for (const name of spoofs)
      sum += await admitted(
        house,
        publishable,
        (index) => ({ [name]: name === 'forwarded' ? `for=203.0.113.${index}` : `203.0.113.${index}` }),
        3,
      )
    expect(sum).toBe(3)
  })

  it('is the right-most that no trusted proxy vouches past', async () => {
    const credential = await browserKey(proxied)
    const chain = (client: string) => ({ 'x-forwarded-for': `198.51.100.9, ${client}, 10.1.2.3` })
    expect(await admitted(proxied, credential, () => chain('203.0.113.7'))).toBe(3)
    expect(await admitted(proxied, credential, (index) => chain(`203.0.113.${100 + index}`))).toBe(8)
    expect(await admitted(proxied, credential, (i) => ({ 'x-forwarded-for': `192.0.2.${i}, 203.0.113.8` }))).toBe(3)
    expect(await admitted(proxied, credential, () => ({ forwarded: 'for=192.0.2.1, for="[2001:db8::1]:4711"' }))).toBe(
      3,
    )
    const nonsense = (index: number) => ({ 'x-forwarded-for': `1.1.1.${index}, unknown` })
    expect(await admitted(proxied, credential, nonsense)).toBe(3)
  })

  it('is one per IPv6 network', async () => {
    const credential = await browserKey(proxied)
    const inside = (index: number) => ({ 'x-forwarded-for': `2001:db8:1:2::${index}` })
    expect(await admitted(proxied, credential, inside)).toBe(3)
  })
})

describe('a request that proxies would read differently', () => {
  it.each([
    ['two hosts', 'GET /livez HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n'],
    ['two equal hosts', 'GET /livez HTTP/1.1\r\nhost: a\r\nHOST: a\r\n\r\n'],
    ['no host', 'GET /livez HTTP/1.1\r\n\r\n'],
    ['an absolute address', 'GET http://evil.example/livez HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an authority', 'GET evil.example:80 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a NUL in a header', 'GET /livez HTTP/1.1\r\nhost: a\r\nx-a: a\0b\r\n\r\n'],
    ['a bare carriage return', 'GET /livez HTTP/1.1\r\nhost: a\r\nx-a: a\rb: c\r\n\r\n'],
    ['a space in a name', 'GET /livez HTTP/1.1\r\nhost: a\r\nx a: b\r\n\r\n'],
    ['HTTP/2 in clear', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown version', 'GET /livez HTTP/9.9\r\nhost: a\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
    ['an encoded NUL', 'GET /v1/models/a%00b HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an encoded letter', 'GET /live%7A HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an encoded digit', 'GET /%761/models HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['huge headers', `GET /livez HTTP/1.1\r\nhost: a\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`],
  ])('%s: refused', async (_, text) => {
    const { answers } = await talk(house.url, text, { answers: 1 })
    expectError(answers[0]!, 'bad_http')
  })

  it('letters may be encoded in a query, and what must be in a path', async () => {
    expect((await fetch(`${house.url}/livez?a=%61`)).status).toBe(200)
    expect((await house.request('/v1/models/demo%2Fdemo', { key })).status).toBe(200)
  })

  it('HTTP/1.0 without a host is answered', async () => {
    const { answers, ending } = await talk(house.url, 'GET /livez HTTP/1.0\r\n\r\n')
    expect(answers[0]?.status).toBe(200)
    expect(ending).toBe('closed')
  })
})

describe('a request id', () => {
  it.each(['abc', 'A-1_2.3', 'x'.repeat(128), 'req_01ARZ3NDEKTSV4RRFFQ69G5FAV'])('%s is echoed', async (id) => {
    for (const path of ['/livez', '/v1/models', '/nowhere', '/admin/v1/keys']) {
      const response = await fetch(house.url + path, {
        headers: { 'x-request-id': id, authorization: `Bearer ${key}` },
      })
      expect(response.headers.get('x-request-id')).toBe(id)
      if (response.status >= 400) expect((await expectFetchedError(response)).request_id).toBe(id)
    }
  })

  it.each([
    '',
    ' ',
    'a b',
    'ä',
    'a/b',
    '<script>',
    'x'.repeat(129),
    'x'.repeat(10_000),
    'a,b',
    '%0d%0a',
    'a"b',
    '${x}',
    '../x',
  ])('%j is replaced by one of ours', async (id) => {
    const text = requestText('GET /nowhere', { 'x-request-id': id })
    const { answers } = await talk(house.url, text, { answers: 1 })
    expect(expectError(answers[0]!, 'route_not_found').request_id).toMatch(/^req_[0-9A-Z]{26}$/)
  })

  it('sent twice, or with a line break, is not trusted', async () => {
    const twice = 'GET /nowhere HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\nx-request-id: two\r\n\r\n'
    const { answers } = await talk(house.url, twice, { answers: 1 })
    expect(answers[0]?.headers.get('x-request-id')).toMatch(/^req_/)
    const split = 'GET /nowhere HTTP/1.1\r\nhost: a\r\nx-request-id: a\r\nset-cookie: b\r\n\r\n'
    expect((await talk(house.url, split, { answers: 1 })).answers[0]?.headers.get('set-cookie')).toBeNull()
  })

  it('is never a key: the same one twice is two calls', async () => {
    const before = house.upstream.requests().length
    const model = JSON.stringify({ ...JSON.parse(body), model: 'up/gpt-4o-mini;parts=1' })
    const ids = new Set<string>()
    for (let index = 0; index < 2; index++) {
      const response = await fetch(`${house.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-request-id': 'same' },
        body: model,
      })
      expect(response.headers.get('x-request-id')).toBe('same')
    }
    await house.settled()
    const list = (await (await house.request('/v1/usage?limit=100', { key })).json()) as {
      data: { id: string; request_id: string }[]
    }
    for (const row of list.data) if (row.request_id === 'same') ids.add(row.id)
    expect(ids.size).toBe(2)
    expect(house.upstream.requests().length - before).toBe(2)
  })
})

describe('a route', () => {
  it('that is not: 404 on any method', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'TRACE', 'QUERY']) {
      const { answers } = await talk(house.url, requestText(`${method} /v1/nowhere`), { answers: 1, patience: 1_000 })
      expect(answers[0]?.status, method).toBe(404)
      if (method !== 'HEAD') expectError(answers[0]!, 'route_not_found')
    }
  })

  it.each([
    ['/v1/chat/completions', 'POST, OPTIONS'],
    ['/chat/completions', 'POST, OPTIONS'],
    ['/admin/v1/keys', 'POST, GET, HEAD, OPTIONS'],
    ['/admin/v1/keys/AAAAAAAAAAAA', 'GET, HEAD, PATCH, OPTIONS'],
    ['/v1/models', 'GET, HEAD, OPTIONS'],
    ['/livez', 'GET, HEAD, OPTIONS'],
  ])('%s with another method: 405 and what it takes', async (path, allow) => {
    for (const method of ['DELETE', 'PUT', 'PROPFIND', 'TRACE', 'QUERY']) {
      const { answers } = await talk(house.url, requestText(`${method} ${path}`), { answers: 1 })
      expectError(answers[0]!, 'method_not_allowed')
      expect(answers[0]?.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort())
    }
    const options = await fetch(house.url + path, { method: 'OPTIONS' })
    expect(options.status).toBe(204)
    expect(options.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort())
  })

  it('answers HEAD as GET, without the body', async () => {
    for (const [path, credential] of [
      ['/livez', ''],
      ['/v1/models', key],
      ['/admin/v1/keys', adminKey],
      ['/v1/usage/unknown', key],
      ['/v1/models', 'nobody'],
    ] as const) {
      const headers = { authorization: `Bearer ${credential}` }
      const [get, head] = await Promise.all([
        fetch(house.url + path, { headers }),
        fetch(house.url + path, { headers, method: 'HEAD' }),
      ])
      expect(head.status).toBe(get.status)
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
      expect(await head.text()).toBe('')
      await get.text()
    }
  })
})

describe('a hint to retry', () => {
  it('is 1 to 60 seconds, never earlier than it helps, and spread', async () => {
    const slow = await house.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })
    const waits = new Set<string>()
    for (let index = 0; index < 12; index++) {
      const response = await call(house, slow.key, { origin: page })
      if (response.status === 200) continue
      await expectFetchedError(response, 'rate_limit_exceeded')
      const seconds = Number(response.headers.get('retry-after'))
      const milliseconds = Number(response.headers.get('retry-after-ms'))
      expect(seconds).toBe(Math.ceil(milliseconds / 1000))
      expect(seconds).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeLessThanOrEqual(60)
      waits.add(response.headers.get('retry-after-ms') ?? '')
    }
    expect(waits.size).toBeGreaterThanOrEqual(1)
  })

  it('is a clear no where nothing would change', async () => {
    for (const response of [
      // The address of this house has used up its limit.
      await call(proxied, 'nobody', { 'x-forwarded-for': '198.51.100.77' }),
      await house.request('/v1/chat/completions', { key, body: '{' }),
      await house.request('/v1/chat/completions', {
        key,
        body: { model: 'nobody-has-this', messages: [{ role: 'user', content: 'x' }] },
      }),
      await house.request('/nowhere', { key }),
      await house.request('/livez', { key, method: 'DELETE' }),
    ]) {
      expect(response.headers.get('x-should-retry')).toBe('false')
      expect(response.headers.get('retry-after')).toBeNull()
      expect((await expectFetchedError(response)).retryable).toBe(false)
    }
  })
})
