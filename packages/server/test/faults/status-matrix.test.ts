import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { ask, type Door } from './support/ask.ts'

let house: House
let door: Door

beforeAll(async () => {
  house = await startHouse()
  door = { url: house.url, key: (await house.makeKey()).key }
})
afterAll(() => house.stop())

/** What a provider answers, and what our caller is told: never the caller's own 401, never a success. */
const matrix: readonly (readonly [script: string, status: number, code: string])[] = [
  ['status=400', 400, 'upstream_invalid_request'],
  ['status=401', 502, 'provider_auth_failed'],
  ['status=402', 502, 'provider_quota_exhausted'],
  ['status=403', 502, 'provider_auth_failed'],
  ['status=408', 504, 'upstream_timeout'],
  ['status=413', 400, 'upstream_invalid_request'],
  ['status=422', 400, 'upstream_invalid_request'],
  ['status=429;retry-after=1', 503, 'upstream_rate_limited'],
  ['status=429;retry-after=7', 503, 'upstream_rate_limited'],
  ['status=500', 502, 'upstream_error'],
  ['status=502', 502, 'upstream_error'],
  ['status=503', 503, 'upstream_overloaded'],
  ['status=504', 504, 'upstream_timeout'],
  ['status=529', 503, 'upstream_overloaded'],
  ['html', 502, 'upstream_malformed'],
]

describe("a provider's status", () => {
  it.each(matrix)('%s becomes %i %s', async (script, status, code) => {
    // A provider that asks for a pause is held as a whole: each line has a model, and this one a provider, of its own.
    const own = script.includes('retry-after=7') ? await startHouse() : null
    try {
      const at: Door = own ? { url: own.url, key: (await own.makeKey()).key } : door
      for (const stream of [false, true]) {
        if (own && stream) continue
        const answer = await ask(at, `up/gpt-4o-mini;${script}`, { stream })
        expect(answer).toMatchObject({ status, code })
        expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
        if (status === 503 || status === 429) {
          const seconds = Number(answer.headers.get('retry-after'))
          expect(seconds).toBeGreaterThanOrEqual(script.includes('=7') ? 7 : 1)
          expect(seconds).toBeLessThanOrEqual(60)
        }
        const body = JSON.parse(answer.text) as { error: { retryable: boolean } }
        if (!body.error.retryable) expect(answer.headers.get('x-should-retry')).toBe('false')
      }
    } finally {
      await own?.stop()
    }
  })

  it('is asked under the key of the provider, and told nothing of the caller', async () => {
    const answer = await fetch(`${house.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${door.key}`,
        'content-type': 'application/json',
        cookie: 'session=caller',
        'x-api-key': door.key,
        'x-forwarded-for': '203.0.113.9',
        'x-upstream-script': 'status=500',
        'x-own-header': 'caller',
        'user-agent': 'caller/1',
      },
      body: JSON.stringify({ model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }),
    })
    expect(answer.status).toBe(200)
    const last = house.upstream.requests().findLast(({ path }) => path === '/v1/chat/completions')
    const { headers = {} } = last ?? {}
    expect(headers['authorization']).toBe('Bearer provider-key')
    const known = ['accept', 'authorization', 'connection', 'content-length', 'content-type', 'host', 'user-agent']
    const others = Object.keys(headers).filter((name) => ![...known, 'x-request-id', 'accept-encoding'].includes(name))
    expect(others).toEqual([])
    expect(JSON.stringify(headers)).not.toContain(door.key)
    expect(JSON.stringify(headers)).not.toContain('caller')
  })
})
