import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestText, talk } from '../input/raw.ts'
import { type House, startHouse } from '../support/house.ts'
import { dumpDatabase } from './support/ledger-rows.ts'

const page = 'https://app.example.org'
let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_LIMITS_PER_IP_RATE_PER_MINUTE: '1', HEADGATE_LIMITS_PER_IP_BURST: '3' },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

const model = 'up/gpt-4o-mini;parts=1'
const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
const call = async (headers: Record<string, string>, credential = key) => {
  const head = { authorization: `Bearer ${credential}`, 'content-type': 'application/json', ...headers }
  const { answers } = await talk(house.url, requestText('POST /v1/chat/completions', head, body), { answers: 1 })
  return answers[0]!
}

/** What proxies say of those before them, in every way that is in use. */
const claims: Record<string, string> = {
  'x-forwarded-for': '203.0.113.7',
  'x-real-ip': '203.0.113.7',
  'x-client-ip': '203.0.113.7',
  'true-client-ip': '203.0.113.7',
  'cf-connecting-ip': '203.0.113.7',
  forwarded: 'for=203.0.113.7;host=evil.example;proto=https',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'gopher',
  'x-forwarded-prefix': '/evil',
  'x-original-url': '/admin/v1/keys',
  'x-rewrite-url': '/admin/v1/keys',
  'x-http-method-override': 'DELETE',
  'x-user-id': 'somebody-else',
  'x-project': 'somebody-else',
  'x-api-version': 'evil',
  via: '1.1 evil.example',
}

describe('what a caller says of hops before it', () => {
  it('makes it nobody else: not in the answer, the ledger, or what the provider gets', async () => {
    const answer = await call(claims)
    expect(answer.status, answer.text).toBe(200)
    await house.settled()
    const kept = await dumpDatabase(house.databaseUrl)
    expect(kept).toContain(answer.headers.get('x-request-id'))
    expect(kept).not.toMatch(/evil|203\.0\.113|somebody/)
    const told = house.upstream.requests().at(-1)
    for (const name of Object.keys(claims)) expect(told?.headers[name], name).toBeUndefined()
    expect(JSON.stringify(told?.headers)).not.toMatch(/evil|203\.0\.113|somebody/)
  })

  it('opens no other route, and stands in no address that it is told', async () => {
    const { answers } = await talk(house.url, requestText('GET /v1/nowhere', claims), { answers: 1 })
    const { text } = answers[0]!
    expect(answers[0]?.status).toBe(404)
    expect(text).toContain(`"doc_url":"${house.url}/docs/errors/route-not-found"`)
    expect(text).not.toMatch(/evil|gopher/)
    const home = await fetch(house.url, { headers: { ...claims, accept: 'text/html' } })
    expect(await home.text()).not.toMatch(/evil|gopher/)
  })

  it('counts as its true address in every limit', async () => {
    const browser = await house.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })
    const statuses: number[] = []
    for (let index = 0; index < 6; index++) {
      const spoofed = Object.fromEntries(
        Object.entries(claims).map(([name, value]) => [name, value.replaceAll('203.0.113.7', `203.0.113.${index}`)]),
      )
      statuses.push((await call({ ...spoofed, origin: page }, browser.key)).status)
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429])
  })
})

describe('a header of one hop', () => {
  it.each([
    ['connection', 'close, authorization, x-request-id'],
    ['proxy-authorization', 'Basic cGxhbnRlZA=='],
    ['te', 'trailers'],
    ['trailer', 'x-late'],
    ['upgrade', 'websocket'],
    ['keep-alive', 'timeout=9999'],
    ['proxy-connection', 'keep-alive'],
  ])('%s: %s takes nothing from the request, and ends here', async (name, value) => {
    const answer = await call({ [name]: value, 'x-request-id': `hop-${name}` })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.headers.get('x-request-id')).toBe(`hop-${name}`)
    const told = house.upstream.requests().at(-1)
    expect(told?.headers[name]).not.toBe(value)
    expect(JSON.stringify(told?.headers)).not.toContain('planted')
  })
})

describe('a request id', () => {
  it.each([
    ['of 10 KB', 'x'.repeat(10_000)],
    ['with an encoded line break', 'a%0d%0aset-cookie: b'],
    ['with a tab', 'a\tb'],
  ])('%s is replaced by one of ours', async (_, id) => {
    const answer = await call({ 'x-request-id': id })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9A-Z]{26}$/)
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it('with a line break is two headers, the second of which means nothing', async () => {
    const answer = await call({ 'x-request-id': 'a\r\nset-cookie: planted=1\r\nx-user-id: b' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-request-id')).toBe('a')
    expect(answer.headers.get('set-cookie')).toBeNull()
  })
})
