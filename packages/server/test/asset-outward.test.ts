import type { AssetView } from '@headgate/contract/assets.ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { type Clamd, startClamd } from './support/clamd.ts'
import { type House, startHouse } from './support/house.ts'

let clamd: Clamd
let house: House
let key: string

const ask = (path: string, body?: string | Buffer, method = body === undefined ? 'GET' : 'POST', headers = {}) =>
  fetch(house.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body !== undefined && { body: Buffer.from(body) }),
  })
const keep = async (body: string | Buffer): Promise<AssetView> => {
  const answer = await ask('/v1/assets', body)
  expect(answer.status, await answer.clone().text()).toBe(201)
  return (await answer.json()) as AssetView
}
const addressOf = async (id: string, wish: object = {}): Promise<string> => {
  const answer = await ask(`/v1/assets/${id}/url`, JSON.stringify(wish), 'POST', { 'content-type': 'application/json' })
  return ((await answer.json()) as { url: string }).url
}

beforeAll(async () => {
  clamd = await startClamd(3_000_000)
  house = await startHouse({ environment: { HEADGATE_ASSETS_CLAMD: clamd.address } })
  key = (await house.makeKey()).key
}, 120_000)
afterAll(async () => {
  try {
    await house.stop()
  } finally {
    // Also where the house has not started.
    await clamd.stop()
  }
})

describe('an address that was signed', () => {
  it('opens one version to everybody, for caches of all kinds, until it is erased or its time is over', async () => {
    const { id, sha256 } = await keep('first')
    const url = await addressOf(id, { expires_in: 600 })
    expect(url.startsWith(`${house.url}/content/${sha256}/`)).toBe(true)
    await ask(`/v1/assets/${id}/content`, 'second', 'PUT')
    const answer = await fetch(url, { headers: { range: 'bytes=0-2' } })
    expect([answer.status, await answer.text(), answer.headers.get('etag')]).toEqual([206, 'fir', `"${sha256}"`])
    expect(answer.headers.get('cache-control')).toMatch(/^public, max-age=(600|59\d), immutable$/)
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
    expect((await fetch(url, { headers: { 'if-none-match': `"${sha256}"` } })).status).toBe(304)
    const old = await addressOf(id, { version: 1 })
    expect(await (await fetch(old)).text()).toBe('first')
    const short = await addressOf(id, { expires_in: 1 })
    expect((await fetch(short)).status).toBe(200)
    await vi.waitFor(async () => expectFetchedError(await fetch(short), 'asset_url_invalid'), 5_000)
    await ask(`/v1/assets/${id}`, undefined, 'DELETE')
    await expectFetchedError(await fetch(url), 'asset_not_found')
  })

  it('opens nothing once a letter of it is another', async () => {
    const [one, two] = [await keep('one'), await keep('two')]
    const [url, other] = [await addressOf(one.id), await addressOf(two.id)]
    const token = url.split('/').at(-1) as string
    const [payload = '', signature = ''] = token.split('.')
    const grant = JSON.parse(Buffer.from(payload, 'base64url').toString()) as unknown[]
    const forged = (at: number, value: unknown) =>
      Buffer.from(JSON.stringify(grant.map((part, index) => (index === at ? value : part)))).toString('base64url')
    const base = url.slice(0, -token.length)
    for (const bad of [
      base + token.slice(0, -2),
      `${base}${payload}.${other.split('.').at(-1)}`,
      ...[
        [0, 'other'],
        [1, two.id],
        [2, 2],
        [3, 1],
        [4, 9_999_999_999],
      ].map(([at, value]) => `${base}${forged(at as number, value)}.${signature}`),
      `${house.url}/content/${two.sha256}/${token}`,
      `${base}x.y`,
      `${base}x`,
    ])
      await expectFetchedError(await fetch(bad), 'asset_url_invalid')
  })
})

describe('the scanner', () => {
  it('lets nothing in that it finds, keeps nothing of it, and what it cannot see is not kept either', async () => {
    expect(await keep('harmless')).toMatchObject({ scanned: true })
    const before = await queryDatabase(house.databaseUrl, 'SELECT 1 FROM headgate.asset_chunks')
    // Over the edge of two objects, too.
    const long = Buffer.alloc(2_097_148, 'a')
    for (const body of [`a ${clamd.pattern} b`, Buffer.concat([long, Buffer.from(clamd.pattern)])]) {
      const { params } = await expectFetchedError(await ask('/v1/assets', body), 'asset_infected')
      expect(params['signature']).toBe('Test.Lantern.UNOFFICIAL')
    }
    const tus = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' }
    const begin = { ...tus, 'upload-length': String(clamd.pattern.length) }
    await expectFetchedError(await ask('/v1/uploads', clamd.pattern, 'POST', begin), 'asset_infected')
    await expectFetchedError(await ask('/v1/assets', Buffer.alloc(3_500_000)), 'asset_scan_unavailable')
    expect(await queryDatabase(house.databaseUrl, 'SELECT 1 FROM headgate.asset_chunks')).toEqual(before)
    await clamd.stop()
    await expectFetchedError(await ask('/v1/assets', 'harmless?'), 'asset_scan_unavailable')
    expect(await queryDatabase(house.databaseUrl, 'SELECT 1 FROM headgate.asset_uploads')).toEqual([])
  })
})
