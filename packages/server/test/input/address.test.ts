import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { expectError, expectFetchedError } from './error-shape.ts'
import { requestText, talk } from './raw.ts'

let house: House
let key: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

describe('a path or query', () => {
  const odd = [
    '%00',
    'a%00b',
    '%',
    '%zz',
    '%ff',
    '%c0%af',
    '%e2%82',
    '..%2f..',
    '%2e%2e',
    '\\',
    '%F0%9F%98%80',
    "'",
    '%22',
    '%0d%0aset-cookie:x',
    'x'.repeat(600),
    '%ED%A0%80',
    '__proto__',
    '*',
    ':id',
  ]
  const paths = [
    '/v1/usage/',
    '/v1/models/',
    '/admin/v1/keys/',
    '/',
    '/v1/',
    '/v1/usage?after=',
    '/v1/usage?from=',
    '/v1/usage?scope=',
    '/admin/v1/keys?project=',
    '/admin/v1/usage?group_by=',
    '/admin/v1/usage?project=',
    '/admin/v1/audit?after=',
  ]
  it('of any bytes is a 4xx of ours', async () => {
    for (const path of paths) {
      for (const text of odd) {
        const credential = path.startsWith('/admin') ? adminKey : key
        const request = requestText(`GET ${path}${text}`, {
          authorization: `Bearer ${credential}`,
          connection: 'close',
        })
        const { answers } = await talk(house.url, request, { answers: 1 })
        const [answer] = answers
        // Some name a project that may exist: then it is a list like any other.
        if (answer?.status === 200) expect(answer.text).toMatch(/^{"object":"list"/)
        else expectError(answer!)
        expect(answer?.status, `${path}${text} ${answer?.text}`).toBeLessThan(500)
      }
    }
  })

  it.each([
    '0000-01-01',
    '0001-01-01',
    '1969-12-31',
    '9999-12-31T23:59:59-23:59',
    '9999-12-31',
    '2026-02-30',
    '2026-13-01',
    '2026-01-01T99:00:00Z',
    '2026-01-01T00:00:00+99:99',
  ])('a time like %s is never a 500', async (time) => {
    for (const path of [`/v1/usage?from=${encodeURIComponent(time)}`, `/v1/usage?to=${encodeURIComponent(time)}`])
      expect((await house.request(path, { key })).status).toBeLessThan(500)
    const report = await house.request(`/admin/v1/usage?from=${encodeURIComponent(time)}`)
    expect(report.status).toBeLessThan(500)
  })
})

describe('prototype pollution', () => {
  const texts = [
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"\\u005f_proto__":{"polluted":1}}',
    '{"a":{"__proto__":{"polluted":1}}}',
    '[{"__proto__":{"polluted":1}}]',
  ]
  const clean = () => expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()

  it('is data or a 400 in bodies, queries and headers', async () => {
    for (const text of texts) {
      const response = await house.request('/admin/v1/keys', { body: text })
      await expectFetchedError(response, ['unknown_parameter', 'invalid_parameter'])
      const members = `"model":"up/gpt-4o-mini;parts=1","messages":[{"role":"user","content":"x","extra":${text}}]`
      const passed = await house.request('/v1/chat/completions', { key, body: `{${members},"metadata":${text}}` })
      expect(passed.status).toBe(200)
      const merged = `{${members},${text.replace(/^\[|\]$/g, '').slice(1, -1)}}`
      expect((await house.request('/v1/chat/completions', { key, body: merged })).status).toBeLessThan(500)
      clean()
    }
    for (const query of [
      '__proto__[polluted]=1',
      '__proto__.polluted=1',
      'constructor[prototype][polluted]=1',
      '__proto__=1',
    ]) {
      expect((await house.request(`/v1/models?${query}`, { key })).status).toBe(200)
      await expectFetchedError(await house.request(`/admin/v1/keys?${query}`), [
        'unknown_parameter',
        'invalid_parameter',
      ])
      clean()
    }
  })

  it('cannot supply what a body lacks', async () => {
    const body = '{"__proto__":{"model":"demo","messages":[{"role":"user","content":"x"}]}}'
    await expectFetchedError(await house.request('/v1/chat/completions', { key, body }), 'model_missing')
    const created = await house.request('/admin/v1/keys', { body: '{"__proto__":{"name":"x"}}' })
    await expectFetchedError(created, ['invalid_parameter', 'unknown_parameter'])
  })

  const asked: Readonly<Record<string, object>> = {
    'chat/completions': { messages: [{ role: 'user', content: 'Hello' }] },
    completions: { prompt: 'Hello' },
    responses: { input: 'Hello' },
    messages: { max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] },
    embeddings: { input: 'Hello' },
    moderations: { input: 'Hello' },
    'images/generations': { prompt: 'A house' },
    'audio/speech': { input: 'Hello', voice: 'alloy' },
  }
  it.each(Object.keys(asked))('is no name that /v1/%s stumbles over', async (path) => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf']) {
      const body = JSON.stringify({ model: 'up/gpt-4o-mini', ...asked[path], tool_choice: { type: name } })
      const answers = [
        await house.request(`/v1/${path}`, { key, body: body.replace('{', `{"${name}":{"polluted":1},`) }),
        await house.request(`/v1/${path}`, { key, body }),
      ]
      for (const answer of answers) expect(answer.status, `${name}: ${await answer.text()}`).toBeLessThan(500)
    }
    clean()
  })
})
