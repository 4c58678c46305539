import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { expectFetchedError } from './error-shape.ts'
import { halves, naughty } from './naughty-texts.ts'
import { talk } from './raw.ts'

let house: House
let key: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

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
