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

/** Texts that have broken programs: by their bytes, their direction, their look, or by what another language makes of them. */
const naughty = [
  ...[
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\u0000',
    'a\u0000b',
    '\u0001\u001f\u007f',
    '\u0085\u009f',
    '\u00a0\u2003\u3000',
    '\u200b\u200d\u2060\ufeff',
  ],
  ...[
    'undefined',
    'null',
    'NaN',
    'true',
    '0',
    '-1',
    '1e400',
    '0x7fffffff',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '[object Object]',
  ],
  ...[
    "' OR 1=1 --",
    '"; DROP TABLE headgate.projects; --',
    '$1',
    '$$',
    '%s%n%d',
    '${7*7}',
    '{{7*7}}',
    '<%= 1 %>',
    '`id`',
    '$(id)',
    '| id',
    '../../etc/passwd',
  ],
  ...[
    '<script>alert(1)</script>',
    '<!--',
    ']]>',
    '&amp;',
    '"><img src=x>',
    'javascript:alert(1)',
    '\\',
    '\\\\',
    '\\"',
    '\\u0000',
    '/',
    '//',
    '?#&=;',
  ],
  ...[
    'Ω≈ç√∫˜µ≤≥÷',
    'ÅÍÎÏ',
    '田中さん',
    '社會科學',
    'الكل في المجمو عة',
    'בְּרֵאשִׁית',
    'Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤',
    '\u202etest\u202c',
    '\u2066a\u2069',
    'a\u0301',
    'á',
    'ﬁ',
    'ǅ',
    'İ',
    'ß',
  ],
  ...[
    '😀',
    '👨‍👩‍👧‍👦',
    '🇩🇪',
    '👍🏿',
    '\u{10FFFF}',
    '\u{1F600}\u{FE0F}',
    '\ufffd',
    '\ufffe',
    '\uffff',
    '\ue000',
    'x'.repeat(200),
    '😀'.repeat(100),
    'é'.repeat(200),
  ],
]
const halves = ['\ud800', '\udc00', 'a\ud83d', '\ude00\ud83d', '\udfff!']
const isStorable = (text: string) => !/[\u0000-\u001f\u007f]/.test(text)

const chat = (text: string, more: object = {}, headers: Record<string, string> = {}) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'up/gpt-4o-mini;parts=1', messages: [{ role: 'user', content: text }], ...more }),
  })

describe('a text of the conversation', () => {
  it('reaches the provider as it was sent', async () => {
    for (const text of [...naughty.filter((text) => text.trim() !== ''), ...halves]) {
      const response = await chat(text)
      expect(response.status, JSON.stringify(text)).toBe(200)
      await response.text()
      const sent = JSON.parse(house.upstream.requests().at(-1)?.body ?? '') as { messages: { content: string }[] }
      expect(sent.messages[0]?.content).toBe(text)
    }
    await house.settled()
  })
})

describe('a name', () => {
  it('of a key comes back as it was sent, or is a 400', async () => {
    for (const name of [...naughty, ...halves]) {
      const response = await house.request('/admin/v1/keys', { body: { name } })
      const stored = isStorable(name) && name !== '' && name.isWellFormed()
      if (!stored) {
        await expectFetchedError(response, ['invalid_parameter', 'invalid_encoding'])
        continue
      }
      expect(response.status, JSON.stringify(name)).toBe(201)
      const { id } = (await response.json()) as { id: string }
      const read = (await (await house.request(`/admin/v1/keys/${id}`)).json()) as { name: string }
      expect(read.name).toBe(name)
    }
    expect((await house.request('/admin/v1/audit?limit=100')).status).toBe(200)
  })

  it('of a project, a tier, a model, a reason or an origin is never a 500', async () => {
    const { id } = await house.makeKey()
    for (const text of [...naughty, ...halves]) {
      const answers = await Promise.all([
        house.request('/admin/v1/projects', { body: { name: text } }),
        house.request('/admin/v1/projects', { body: { id: text, name: 'x' } }),
        house.request('/admin/v1/keys', { body: { name: 'x', project: text } }),
        house.request('/admin/v1/keys', { body: { name: 'x', tier: text } }),
        house.request('/admin/v1/keys', { body: { name: 'x', models: [text] } }),
        house.request('/admin/v1/keys', { body: { name: 'x', kind: 'publishable', origins: [text] } }),
        house.request(`/admin/v1/keys/${id}`, { method: 'PATCH', body: { name: 'x', reason: text } }),
        house.request('/admin/v1/keys', { body: { name: 'x', expires_at: text } }),
        house.request('/admin/v1/keys', { body: { name: 'x', budget: { limit_usd: text, window: 'day' } } }),
        house.request('/admin/v1/keys', { body: { name: 'x', [text]: 1 } }),
      ])
      for (const answer of answers) {
        expect(answer.status, `${JSON.stringify(text)} ${answer.url}`).toBeLessThan(500)
        if (answer.status >= 400) await expectFetchedError(answer)
        else await answer.text()
      }
    }
  })

  it('of a model is answered, whatever it is', async () => {
    for (const text of [...naughty, ...halves]) {
      for (const model of [text, `up/${text}`, `demo/${text}`, `gpt-4o-mini ${text}`]) {
        const response = await chat('Hello', { model })
        expect(response.status, JSON.stringify(model)).toBeLessThan(500)
        if (response.status >= 400) await expectFetchedError(response)
        else await response.text()
      }
    }
    await house.settled()
  })
})

describe('a person', () => {
  it('named in the body is stored as sent, or refused', async () => {
    for (const user of [...naughty, ...halves]) {
      const response = await chat('Hello', { user })
      const fine = !/[\p{Cc}\p{Cs}]/u.test(user)
      if (!fine) {
        expect((await expectFetchedError(response, 'invalid_parameter')).param).toBe('user')
        continue
      }
      expect(response.status, JSON.stringify(user)).toBe(200)
      await house.settled()
      const usage = await house.request(`/v1/usage/${response.headers.get('x-request-id')}`, { key })
      expect((await usage.json()) as object).toMatchObject({ user })
    }
  })

  it('named in the header is read as UTF-8, or refused', async () => {
    for (const user of naughty) {
      const head = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] })
      const line = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n`
      const fields = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
      const bytes = Buffer.from(`${line}${fields.join('')}x-headgate-user: ${user}\r\n\r\n${body}`)
      const { answers } = await talk(house.url, bytes, { answers: 1 })
      const [answer] = answers
      if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(user)) {
        expect([400, 200]).toContain(answer?.status)
        continue
      }
      if (/\p{Cc}/u.test(user.trim())) {
        expect(answer?.status).toBe(400)
        continue
      }
      expect(answer?.status, JSON.stringify(user)).toBe(200)
      await house.settled()
      const usage = await house.request(`/v1/usage/${answer?.headers.get('x-request-id')}`, { key })
      const sent = user.replace(/^[ \t]+|[ \t]+$/g, '')
      expect((await usage.json()) as object).toMatchObject({ user: sent === '' ? null : sent })
    }
    const long = await chat('Hello', {}, { 'x-headgate-user': 'x'.repeat(257) })
    expect((await expectFetchedError(long, 'invalid_parameter')).param).toBe('x-headgate-user')
  })
})

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
})
