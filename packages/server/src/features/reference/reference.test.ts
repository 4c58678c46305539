import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'

interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, { operationId: string; security: unknown[] }>>
}

let house: House
beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.stop())

const ask = (headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${house.url}/openapi.json`, { method, headers })

describe('GET /openapi.json', () => {
  it('describes the API to anyone', async () => {
    const answer = await ask()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300, must-revalidate')
    const document = (await answer.json()) as Document
    expect(document.openapi).toBe('3.1.1')
    expect(document.paths['/v1/chat/completions']?.['post']?.operationId).toBe('createChatCompletion')
  })

  it('says the same as the reference of this version, but for what the configuration opens', async () => {
    const served = (await (await ask()).json()) as Document
    const path = new URL('../../../../../docs/reference/openapi.json', import.meta.url)
    const written = JSON.parse(readFileSync(path, 'utf8')) as Document
    // On a loopback address the metrics need no key.
    expect(served.paths['/metrics']?.['get']?.security).toEqual([])
    const { '/metrics': _open, ...paths } = served.paths
    const { '/metrics': _closed, ...reference } = written.paths
    expect(paths).toEqual(reference)
  })

  it('is not sent again to who has it', async () => {
    const etag = (await ask()).headers.get('etag') as string
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await ask({ 'if-none-match': tags })
      expect([again.status, await again.text(), again.headers.get('etag')], tags).toEqual([304, '', etag])
    }
    expect((await ask({ 'if-none-match': '"other"' })).status).toBe(200)
  })

  it('can be asked for without its body', async () => {
    const whole = await (await ask()).text()
    const head = await ask({}, 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(Number(head.headers.get('content-length'))).toBe(Buffer.byteLength(whole))
  })
})
