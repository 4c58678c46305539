import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import type { UploadView } from '@headgate/contract/assets.ts'
import { Upload, type UploadOptions } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startGateway } from './faults/support/gateway-process.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { expectError } from './input/error-shape.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'
import { temporaryDirectory } from './support/services.ts'
import { strongSecrets } from './support/configuration.ts'

const patience = { timeout: 20_000, interval: 30 }
let database: TestDatabase
let house: House
let other: House
let folder: string
let key: string

const replica = () =>
  startHouse({
    databaseUrl: database.url,
    environment: {
      HEADGATE_ROOT_KEY: strongSecrets[0] as string,
      HEADGATE_ASSETS_FOLDER: folder,
      HEADGATE_ASSETS_MAX_BYTES: '20000000',
    },
  })
beforeAll(async () => {
  database = await freshDatabase()
  folder = await temporaryDirectory('assets')
  house = await replica()
  other = await replica()
  key = (await house.makeKey()).key
}, 60_000)
afterAll(async () => {
  await Promise.all([house.stop(), other.stop()])
  await database.drop()
})

const bearer = (user?: string) => ({ authorization: `Bearer ${key}`, ...(user && { 'x-headgate-user': user }) })
/** Uploads by the official client; resolves to the id of the asset. */
const upload = (bytes: Buffer, options: Partial<UploadOptions> = {}, url = house.url): Promise<string> =>
  new Promise((resolve, reject) => {
    new Upload(bytes, {
      endpoint: `${url}/v1/uploads`,
      headers: bearer(),
      retryDelays: [20, 100, 500],
      onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('x-headgate-asset') as string),
      onError: reject,
      ...options,
    }).start()
  })
const contentOf = async (id: string, at = house) =>
  Buffer.from(await (await fetch(`${at.url}/v1/assets/${id}/content`, { headers: bearer() })).arrayBuffer())
const tus = (
  method: string,
  path: string,
  headers: Record<string, string | undefined> = {},
  body?: Buffer,
  at = house.url,
) => {
  const all = {
    'tus-resumable': '1.0.0',
    ...(body && { 'content-type': 'application/offset+octet-stream' }),
    ...bearer(),
    ...headers,
  }
  const sent = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return fetch(at + path, { method, headers: sent, ...(body && { body: new Uint8Array(body) }) })
}
const begin = async (length: number, headers: Record<string, string> = {}): Promise<string> => {
  const answer = await tus('POST', '/v1/uploads', { 'upload-length': String(length), ...headers })
  expect(answer.status, await answer.clone().text()).toBe(201)
  return answer.headers.get('location') as string
}
const offsetOf = async (path: string, at = house.url) =>
  Number((await tus('HEAD', path, {}, undefined, at)).headers.get('upload-offset'))
const refused = async (answer: Response | Promise<Response>, code: Parameters<typeof expectError>[1]) => {
  const { status, headers } = await answer
  expectError({ status, headers, text: await (await answer).text() }, code)
  expect(headers.get('tus-resumable')).toBe('1.0.0')
}
/** Sends the beginning of a body and then nothing, until it is cut. */
const startSending = (url: string, offset: number, bytes: Buffer, length: number) => {
  const sending = request(url, {
    method: 'PATCH',
    headers: {
      ...bearer(),
      'tus-resumable': '1.0.0',
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
      'content-length': String(length),
    },
  })
  sending.on('error', () => undefined)
  sending.write(bytes)
  return sending
}
const objects = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 2)
const named = async (table: string) =>
  (await queryDatabase<{ object: string }>(database.url, `SELECT object FROM headgate.${table}`)).map(
    ({ object }) => object,
  )
const usedBytes = async () =>
  ((await (await fetch(`${house.url}/v1/assets/limits`, { headers: bearer() })).json()) as { used_bytes: number })
    .used_bytes
/** Has a replica sweep now. */
const nudge = async (at: House) => {
  const begun = await tus('POST', '/v1/uploads', { 'upload-length': '9' }, undefined, at.url)
  await tus('DELETE', begun.headers.get('location') as string, {}, undefined, at.url)
}

describe('an upload by tus', () => {
  it('comes from the official client in chunks, in parallel parts, or empty, and is the same byte for byte', async () => {
    const bytes = randomBytes(5_300_007)
    const metadata = { filename: 'trip/sea.bin', filetype: 'image/png', album: 'Reise nach Süden' }
    const id = await upload(bytes, { chunkSize: 1_000_000, metadata })
    expect((await contentOf(id)).equals(bytes)).toBe(true)
    const told = await (await fetch(`${house.url}/v1/assets/${id}`, { headers: bearer() })).json()
    expect(told).toMatchObject({
      name: 'sea.bin',
      metadata: { album: metadata.album },
      type: 'application/octet-stream',
    })
    const parallel = await upload(bytes.subarray(1), { parallelUploads: 3 })
    expect((await contentOf(parallel, other)).equals(bytes.subarray(1))).toBe(true)
    expect((await contentOf(await upload(Buffer.alloc(0)))).length).toBe(0)
    const atOnce = await upload(bytes.subarray(2), { uploadDataDuringCreation: true, metadata: { asset_id: id } })
    expect(atOnce).toBe(id)
    expect((await contentOf(id)).equals(bytes.subarray(2))).toBe(true)
  })

  it('announces what it speaks, and takes nothing that is not said rightly', async () => {
    const options = await fetch(`${house.url}/v1/uploads`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('tus-version'), options.headers.get('tus-max-size')]).toEqual([
      ...[204, '1.0.0', '20000000'],
    ])
    for (const extension of ['creation', 'checksum', 'expiration', 'termination', 'concatenation'])
      expect(options.headers.get('tus-extension')?.split(',')).toContain(extension)
    await refused(
      tus('POST', '/v1/uploads', { 'tus-resumable': '0.2.2', 'upload-length': '1' }),
      'tus_version_unsupported',
    )
    await refused(tus('POST', '/v1/uploads', { 'upload-length': '20000001' }), 'request_too_large')
    for (const length of [undefined, '-1', '1e3', ''])
      await refused(tus('POST', '/v1/uploads', { 'upload-length': length }), 'invalid_parameter')
    for (const words of ['a b c', 'a !', 'a YQ==,a YQ==', `x${'y'.repeat(64)} YQ==`, 'n AA=='])
      await refused(tus('POST', '/v1/uploads', { 'upload-length': '1', 'upload-metadata': words }), 'invalid_parameter')
    const path = await begin(10, { 'upload-metadata': 'filename YQ==,album' })
    const head = await tus('HEAD', path)
    expect(Object.fromEntries(head.headers)).toMatchObject({
      'upload-offset': '0',
      'upload-length': '10',
      'upload-metadata': 'filename YQ==,album',
      'cache-control': 'private, no-store',
    })
    expect(Date.parse(head.headers.get('upload-expires') as string)).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    const send = (offset: string, body: Buffer, headers = {}) =>
      tus('PATCH', path, { 'upload-offset': offset, ...headers }, body)
    await refused(send('1', Buffer.from('a')), 'upload_offset_mismatch')
    await refused(send('0', Buffer.alloc(11)), 'request_too_large')
    await refused(send('0', Buffer.from('a'), { 'content-type': 'text/plain' }), 'unsupported_media_type')
    const sum = (text: string) => createHash('sha1').update(text).digest('base64')
    await refused(
      send('0', Buffer.from('abcde'), { 'upload-checksum': `sha1 ${sum('other')}` }),
      'upload_checksum_mismatch',
    )
    await refused(send('0', Buffer.from('a'), { 'upload-checksum': 'crc32 AA==' }), 'invalid_parameter')
    expect(await offsetOf(path)).toBe(0)
    expect((await send('0', Buffer.from('abcde'), { 'upload-checksum': `sha1 ${sum('abcde')}` })).status).toBe(204)
    await refused(
      tus('HEAD', path.replace(/.$/, '0')).then(() => tus('GET', path.replace(/.{5}$/, '00000'))),
      'upload_not_found',
    )
    await refused(tus('PATCH', path, { ...bearer('ann'), 'upload-offset': '5' }, Buffer.from('f')), 'upload_not_found')
    await refused(tus('DELETE', path, bearer('ann')), 'upload_not_found')
    const part = await begin(3, { 'upload-concat': 'partial' })
    await refused(tus('POST', '/v1/uploads', { 'upload-concat': `final;${part}` }), 'upload_incomplete')
    await refused(tus('POST', '/v1/uploads', { 'upload-concat': `final;${part} ${part}` }), 'invalid_parameter')
    await refused(tus('POST', '/v1/uploads', { 'upload-concat': `final;${path}` }), 'upload_not_found')
    for (const one of [part, path]) expect((await tus('DELETE', one)).status).toBe(204)
    await refused(tus('GET', path), 'upload_not_found')
  })

  it('keeps what had come when the caller left, and one of two writers at once wins', async () => {
    const bytes = randomBytes(4_000_000)
    const path = await begin(bytes.length)
    const sending = startSending(house.url + path, 0, bytes.subarray(0, 3_000_000), bytes.length)
    await vi.waitFor(async () => expect(await offsetOf(path)).toBe(2_097_152), patience)
    // The rest of what was sent has arrived, too: the caller leaves.
    await new Promise((resolve) => setTimeout(resolve, 50))
    sending.destroy()
    await vi.waitFor(async () => expect(await offsetOf(path)).toBeGreaterThan(2_097_152), patience)
    const offset = await offsetOf(path)
    const rest = bytes.subarray(offset)
    const both = [house, other].map((at) => tus('PATCH', path, { 'upload-offset': String(offset) }, rest, at.url))
    const statuses = (await Promise.all(both)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([204, 409]))
    const { asset_id: id, version } = (await (await tus('GET', path)).json()) as UploadView
    expect(version).toBe(1)
    expect((await contentOf(id as string)).equals(bytes)).toBe(true)
  })

  it('goes on after its server was killed, and leaves no object that nobody knows', async () => {
    const environment = { HEADGATE_ROOT_KEY: strongSecrets[0] as string, HEADGATE_ASSETS_FOLDER: folder }
    const gateway = await startGateway({ databaseUrl: database.url, upstreamUrl: house.upstream.url, environment })
    const bytes = randomBytes(9_000_000)
    const path = await begin(bytes.length)
    startSending(gateway.url + path, 0, bytes.subarray(0, 8_000_000), bytes.length)
    await vi.waitFor(async () => expect(await offsetOf(path)).toBeGreaterThan(0), patience)
    await gateway.kill()
    const offset = await offsetOf(path)
    expect(offset % 2_097_152).toBe(0)
    const id = await upload(bytes, { uploadUrl: house.url + path })
    expect((await contentOf(id, other)).equals(bytes)).toBe(true)
    // As if the time in which an object is written had passed.
    await queryDatabase(database.url, 'UPDATE headgate.asset_doomed SET due_at = now()')
    await Promise.all([nudge(house), nudge(other)])
    await vi.waitFor(async () => expect(await named('asset_doomed')).toEqual([]), patience)
    expect(
      objects()
        .map((name) => name.slice(3))
        .sort(),
    ).toEqual((await named('asset_chunks')).sort())
  })

  it('that nobody goes on with is erased after its time by one of the replicas, with its room', async () => {
    const before = await usedBytes()
    const paths = await Promise.all(Array.from({ length: 6 }, () => begin(100_000)))
    for (const path of paths) await tus('PATCH', path, { 'upload-offset': '0' }, randomBytes(50_000))
    expect(await usedBytes()).toBe(before + 600_000)
    await queryDatabase(database.url, 'UPDATE headgate.asset_uploads SET expires_at = now() WHERE version IS NULL')
    await refused(tus('GET', paths[0] as string), 'upload_not_found')
    await Promise.all([nudge(house), nudge(other)])
    await vi.waitFor(async () => expect(await usedBytes()).toBe(before), patience)
    await vi.waitFor(async () => expect(await named('asset_doomed')).toEqual([]), patience)
    expect(
      objects()
        .map((name) => name.slice(3))
        .sort(),
    ).toEqual((await named('asset_chunks')).sort())
  })
})
