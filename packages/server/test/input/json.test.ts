import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { expectFetchedError } from './error-shape.ts'
import { accepted, open } from './json-accepted.ts'
import { misencoded, rejected } from './json-rejected.ts'

let house: House
let key: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

const post = (path: string, body: string | Buffer | Uint8Array) =>
  fetch(house.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${path.startsWith('/admin') ? adminKey : key}`,
      'content-type': 'application/json',
    },
    body: new Uint8Array(Buffer.from(body)),
  })
const doors = ['/admin/v1/keys', '/admin/v1/projects', '/v1/chat/completions', '/v1/embeddings']
const parseFaults = new Set(['invalid_json', 'invalid_encoding', 'json_too_deep'])
const all = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>) => {
  for (let at = 0; at < items.length; at += 16) await Promise.all(items.slice(at, at + 16).map(work))
}

describe('JSON of RFC 8259', () => {
  it('has enough texts', () => {
    expect(new Set(accepted.map(String)).size).toBeGreaterThanOrEqual(60)
    expect(new Set(rejected.map(String)).size).toBeGreaterThanOrEqual(120)
  })

  it.each(doors)('%s parses what is valid', (path) =>
    all(accepted, async (text) => {
      const response = await post(path, text)
      const error = await expectFetchedError(response)
      expect(parseFaults, `${text}: ${error.message}`).not.toContain(error.code)
    }),
  )

  it('takes every valid value inside a chat, as it is', () =>
    all(accepted, async (text) => {
      const response = await post(
        '/v1/chat/completions',
        `{"model":"demo","messages":[{"role":"user","content":"Hello"}],"metadata":${text}}`,
      )
      expect(response.status, `${text}: ${await response.text()}`).toBe(200)
    }))

  it.each(doors)('%s refuses what is not', (path) =>
    all(rejected, async (text) => {
      const error = await expectFetchedError(await post(path, text), 'invalid_json')
      expect(error.message, String(text)).not.toBe('')
    }),
  )

  it.each(doors)('%s refuses what is not UTF-8', (path) =>
    all(misencoded, async (text) => {
      await expectFetchedError(await post(path, text), ['invalid_encoding', 'invalid_json'])
    }),
  )

  it.each(doors)('%s survives what the standard leaves open', (path) =>
    all(open, async (text) => {
      expect((await post(path, text)).status, text).toBeLessThan(500)
    }),
  )
})

describe('nesting', () => {
  const chat = (value: string) => `{"model":"demo","messages":[{"role":"user","content":"Hello"}],"metadata":${value}}`
  const arrays = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const objects = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)

  it('goes 64 deep', async () => {
    for (const value of [arrays(63), objects(63)])
      expect((await post('/v1/chat/completions', chat(value))).status).toBe(200)
  })

  it.each([64, 100, 1_000, 10_000, 100_000, 5_000_000])('not %d levels deeper', async (levels) => {
    for (const value of [arrays(levels), objects(levels)])
      await expectFetchedError(await post('/v1/chat/completions', chat(value)), 'json_too_deep')
    await expectFetchedError(await post('/v1/chat/completions', '['.repeat(levels + 1)), 'json_too_deep')
  })

  it('is refused by operators’ routes too', async () => {
    for (const levels of [65, 1_000, 30_000])
      await expectFetchedError(await post('/admin/v1/keys', `{"name":${arrays(levels)}}`), 'json_too_deep')
  })

  it('holds no memory and little time', async () => {
    const deep = '['.repeat(5_000_000)
    await post('/v1/chat/completions', deep)
    const before = process.memoryUsage().rss
    const started = performance.now()
    for (let round = 0; round < 10; round++)
      await expectFetchedError(await post('/v1/chat/completions', deep), 'json_too_deep')
    expect(performance.now() - started).toBeLessThan(10 * 500)
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 2 ** 20)
  })

  it('does not count brackets inside strings', async () => {
    const text = JSON.stringify(`${'[{'.repeat(500)}\\"${'"['.repeat(500)}`)
    expect((await post('/v1/chat/completions', chat(text))).status).toBe(200)
  })
})
