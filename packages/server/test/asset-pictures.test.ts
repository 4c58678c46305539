import type { AssetView } from '@headgate/contract/assets.ts'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createImages } from '../src/features/assets/images.ts'
import { dumpDatabase, queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'

const place = 'lantern-at-the-pier'
let house: House
let key: string

const ask = (path: string, body?: Buffer | string, method = body === undefined ? 'GET' : 'POST', headers = {}) =>
  fetch(house.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body !== undefined && { body: Buffer.from(body) }),
  })
const keep = async (body: Buffer | string, query = ''): Promise<AssetView> => {
  const answer = await ask(`/v1/assets${query}`, body)
  expect(answer.status, await answer.clone().text()).toBe(201)
  return (await answer.json()) as AssetView
}
const bytesOf = async (path: string) => Buffer.from(await (await ask(path)).arrayBuffer())

/** A picture of so many pixels that says where it was taken, and lies on its side. */
const picture = (format: 'jpeg' | 'png' | 'webp' | 'avif' | 'tiff' | 'gif', width = 400, height = 300) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 40, b: 90 } } })
    .withMetadata({ orientation: 6 })
    .withExif({ IFD0: { ImageDescription: place, Copyright: place } })
    .toFormat(format)
    .toBuffer()
const crc = (bytes: Buffer): Buffer => {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1
  }
  const out = Buffer.alloc(4)
  out.writeUInt32BE((sum ^ 0xffffffff) >>> 0)
  return out
}
/** A PNG that says it is so wide and high, of a few bytes. */
const pixelBomb = (width: number, height: number): Buffer => {
  const head = Buffer.from([...Buffer.from('IHDR'), 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0])
  head.writeUInt32BE(width, 4)
  head.writeUInt32BE(height, 8)
  const data = Buffer.concat([Buffer.from('IDAT'), Buffer.from('789c030000000001', 'hex')])
  const chunk = (body: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length - 4)
    return Buffer.concat([length, body, crc(body)])
  }
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk(head), chunk(data), chunk(Buffer.from('IEND'))])
}

beforeAll(async () => {
  house = await startHouse({ environment: { HEADGATE_ASSETS_MAX_IMAGE_PIXELS: '1000000' } })
  key = (await house.makeKey()).key
}, 60_000)
afterAll(() => house.stop())

describe('a picture', () => {
  it.each(['jpeg', 'png', 'webp', 'avif', 'tiff'] as const)(
    'of %s is kept without what it says beside what is seen',
    async (format) => {
      const before = Buffer.concat([await picture(format), Buffer.from(`<script>${place}</script>`)])
      expect(before.includes(place)).toBe(true)
      const made = await keep(before, '?metadata=strip')
      expect(made.type).toBe(`image/${format}`)
      const after = await bytesOf(`/v1/assets/${made.id}/content`)
      expect(after.includes(place)).toBe(false)
      const { width, height, exif, orientation } = await sharp(after).metadata()
      expect([width, height, exif, orientation ?? 1]).toEqual([300, 400, undefined, 1])
    },
  )

  it('keeps its frames, becomes another format, and replaces a version', async () => {
    const frames = Buffer.from([255, 0, 0, 0, 0, 255])
    const moving = await sharp(frames, { raw: { width: 1, height: 2, channels: 3, pageHeight: 1 } })
      .gif()
      .toBuffer()
    const { id } = await keep(moving, '?metadata=strip')
    expect((await sharp(await bytesOf(`/v1/assets/${id}/content`), { animated: true }).metadata()).pages).toBe(2)
    const replaced = await ask(`/v1/assets/${id}/content?format=webp`, await picture('png'), 'PUT')
    expect(await replaced.json()).toMatchObject({ id, version: 2, type: 'image/webp' })
  })

  it('that comes by tus is kept so too where its metadata say `strip`, and is none of the house’s where it is no picture', async () => {
    const sent = Buffer.concat([await picture('jpeg'), Buffer.from(`<script>${place}</script>`)])
    const tus = { 'tus-resumable': '1.0.0', 'x-headgate-user': 'tus' }
    const begin = (length: number, strip = 'strip') =>
      ask('/v1/uploads', undefined, 'POST', {
        ...{ ...tus, 'upload-length': String(length) },
        'upload-metadata': `filename ${Buffer.from('a.jpg').toString('base64')},${strip}`,
      })
    const go = (path: string, from: number, bytes: Buffer) =>
      ask(path, bytes, 'PATCH', {
        ...{ ...tus, 'upload-offset': String(from), 'content-type': 'application/offset+octet-stream' },
      })
    const begun = await begin(sent.length)
    expect(begun.status, await begun.clone().text()).toBe(201)
    const path = begun.headers.get('location') as string
    expect((await go(path, 0, sent.subarray(0, 500))).headers.get('upload-offset')).toBe('500')
    const last = await go(path, 500, sent.subarray(500))
    expect([last.status, last.headers.get('upload-offset')]).toEqual([204, String(sent.length)])
    const id = last.headers.get('x-headgate-asset') as string
    const content = await ask(`/v1/assets/${id}/content`, undefined, 'GET', tus)
    const after = Buffer.from(await content.arrayBuffer())
    expect(after.includes(place)).toBe(false)
    expect((await sharp(after).metadata()).width).toBe(300)
    const used = `SELECT bytes::int FROM headgate.asset_owners WHERE subject = 'tus'`
    expect(await queryDatabase(house.databaseUrl, used)).toEqual([{ bytes: after.length }])
    const head = await ask(path, undefined, 'HEAD', tus)
    expect(head.headers.get('upload-offset')).toBe(head.headers.get('upload-length'))

    const text = (await begin(9)).headers.get('location') as string
    await expectFetchedError(await go(text, 0, Buffer.from('no image!')), 'asset_not_convertible')
    await expectFetchedError(await ask(text, undefined, 'GET', tus), 'upload_not_found')
    await expectFetchedError(await begin(9, `strip ${Buffer.from('perhaps').toString('base64')}`), 'invalid_parameter')
    await expectFetchedError(await begin(99_000_000), 'request_too_large')
  })

  it('of several pages is refused rather than cut, and no more are held in memory than there is room for', async () => {
    const pages = await sharp(Buffer.alloc(48, 7), { raw: { width: 2, height: 8, channels: 3, pageHeight: 4 } })
      .tiff()
      .toBuffer()
    expect((await sharp(pages).metadata()).pages).toBe(2)
    await expectFetchedError(await ask('/v1/assets?metadata=strip', pages), 'asset_not_convertible')
    expect((await ask('/v1/assets?metadata=strip&format=png', pages)).status).toBe(201)

    const images = createImages(() => ({ maxPixels: 1e6, maxBytes: 100 }))
    const [one, other] = [images.hold(), images.hold()]
    one.add(300)
    other.add(100)
    expect(() => other.add(1)).toThrow(expect.objectContaining({ code: 'overloaded' }))
    one.release()
    other.add(300)
  })

  it('that is none, is broken, or is larger than it says is refused, and nothing of it is kept', async () => {
    const wholePng = await picture('png', 800, 800)
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    const bad: [string, Buffer | string][] = [
      ['a text', 'no picture'],
      ['a program', svg],
      ['a document', '%PDF-1.7 and so on'],
      ['cut off', wholePng.subarray(0, wholePng.length / 2)],
      ['a bomb', pixelBomb(60_000, 60_000)],
      ['a page that looks like a picture', Buffer.from('GIF89a/*<html><script>alert(1)</script>*/')],
      [
        'too many frames',
        await sharp(Buffer.alloc(3_300_000, 'many colours of the sea'), {
          raw: { width: 1_000, height: 1_100, channels: 3, pageHeight: 100 },
        })
          .gif()
          .toBuffer(),
      ],
    ]
    for (const [name, bytes] of bad) {
      const answer = await ask('/v1/assets?metadata=strip', bytes)
      expect(answer.status, name).toBe(415)
      await expectFetchedError(answer, 'asset_not_convertible')
    }
    const limits = (await (await ask('/v1/assets?limit=100')).json()) as { data: { type: string }[] }
    expect(limits.data.some(({ type }) => /svg|pdf|plain/.test(type))).toBe(false)
    await expectFetchedError(await ask('/v1/assets?metadata=all', wholePng), 'invalid_parameter')
  })
})

describe('a thumbnail', () => {
  it('is made once for each content and width, stays sealed, and goes with its content', async () => {
    const { id, sha256 } = await keep(await picture('jpeg', 900, 600))
    const path = `/v1/assets/${id}/thumbnail`
    const [first, twin] = await Promise.all([ask(`${path}?width=128`), ask(`${path}?width=128`)])
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'image/webp'])
    const bytes = Buffer.from(await first.arrayBuffer())
    expect(Buffer.from(await twin.arrayBuffer()).equals(bytes)).toBe(true)
    const { width, height, exif } = await sharp(bytes).metadata()
    expect([width, height, exif]).toEqual([85, 128, undefined])
    expect(first.headers.get('etag')).toBe(`"${sha256}-128"`)
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    const named = await ask(`${path}?version=1&width=64`)
    expect(named.headers.get('cache-control')).toBe('private, max-age=31536000, immutable')
    const again = await ask(`${path}?width=128`, undefined, 'GET', { 'if-none-match': `"${sha256}-128"` })
    expect(again.status).toBe(304)
    await expectFetchedError(await ask(`${path}?width=129`), 'invalid_parameter')
    const rows = () => queryDatabase(house.databaseUrl, 'SELECT width FROM headgate.asset_thumbnails ORDER BY width')
    expect(await rows()).toEqual([{ width: 64 }, { width: 128 }])
    expect(await dumpDatabase(house.databaseUrl)).not.toContain('WEBP')
    expect((await ask(`/v1/assets/${id}`, undefined, 'DELETE')).status).toBe(200)
    expect(await rows()).toEqual([])
    await expectFetchedError(await ask(path), 'asset_not_found')
  })

  it('is made of what a content is, not of what it claims, and of no bomb', async () => {
    const text = await keep('GIF no picture', '?name=picture.png')
    await expectFetchedError(await ask(`/v1/assets/${text.id}/thumbnail`), 'asset_not_convertible')
    const bomb = await keep(pixelBomb(60_000, 60_000))
    expect(bomb.type).toBe('image/png')
    const refused = await ask(`/v1/assets/${bomb.id}/thumbnail`)
    expect(((await refused.clone().json()) as { error: { params: object } }).error.params).toEqual({
      limit_pixels: 1_000_000,
    })
    await expectFetchedError(refused, 'asset_not_convertible')
  })
})
