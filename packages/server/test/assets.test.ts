import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AssetListSchema, AssetView } from '@headgate/contract/assets.ts'
import type { Static } from 'typebox'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { dumpDatabase, queryDatabase } from './faults/support/ledger-rows.ts'
import { expectError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'

const secret = 'lantern-in-the-asset'
let house: House
let key: string

interface Ask {
  readonly method?: string
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly by?: string
  readonly user?: string
}
const ask = (path: string, { method, body, headers, by = key, user }: Ask = {}) =>
  fetch(house.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${by}`, ...(user && { 'x-headgate-user': user }), ...headers },
    ...(body !== undefined && { body: Buffer.from(body) }),
  })
const keep = async (body: string | Buffer, more: Ask & { name?: string } = {}): Promise<AssetView> => {
  const answer = await ask(`/v1/assets?name=${encodeURIComponent(more.name ?? 'file')}`, { body, ...more })
  expect(answer.status, await answer.clone().text()).toBe(201)
  return (await answer.json()) as AssetView
}
const bytesOf = async (path: string, options: Ask = {}) => Buffer.from(await (await ask(path, options)).arrayBuffer())
const refused = async (answer: Response | Promise<Response>, code: Parameters<typeof expectError>[1]) => {
  const { status, headers } = await answer
  expectError({ status, headers, text: await (await answer).text() }, code)
}
const objects = (): string[] => {
  const folder = join(house.dataDirectory, 'assets')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 2)
}
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')
const limits = async (user?: string) =>
  (await (await ask('/v1/assets/limits', user === undefined ? {} : { user })).json()) as {
    used_bytes: number
    limit_bytes: number
  }

beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_ASSETS_MAX_BYTES: '6000000', HEADGATE_ASSETS_VERSIONS: '3' },
    config: { tiers: { small: { requests: { rate_per_minute: 1e6, burst: 1e5 }, asset_bytes: 1_000 } } },
  })
  key = (await house.makeKey()).key
}, 60_000)
afterAll(() => house.stop())

describe('assets', () => {
  it('are kept sealed, told of, read whole and in parts, and erased with their objects', async () => {
    const bytes = Buffer.from(`${secret} ü\n`.repeat(210_000)).subarray(0, 5_000_001)
    const made = await keep(bytes, { name: `${secret}.txt` })
    expect(made).toMatchObject({
      name: `${secret}.txt`,
      bytes: 5_000_001,
      type: 'text/plain',
      charset: 'utf-8',
      version: 1,
    })
    expect(made.sha256).toBe(sha256(bytes))
    expect(await (await ask(`/v1/assets/${made.id}`)).json()).toEqual(made)

    const whole = await ask(`/v1/assets/${made.id}/content`)
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      etag: `"${made.sha256}"`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'content-disposition': `attachment; filename="${secret}.txt"; filename*=UTF-8''${secret}.txt`,
      'cache-control': 'private, no-cache',
    })
    const path = `/v1/assets/${made.id}/content`
    for (const [range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=2097150-2097153', 2_097_150, 2_097_154],
      ['bytes=-5', 4_999_996, 5_000_001],
      ['bytes=4999999-9999999', 4_999_999, 5_000_001],
    ] as const) {
      const part = await ask(path, { headers: { range } })
      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/5000001`])
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to)), range).toBe(true)
    }
    const outside = await ask(path, { headers: { range: 'bytes=5000001-' } })
    expect(outside.headers.get('content-range')).toBe('bytes */5000001')
    await refused(outside, 'range_not_satisfiable')
    expect((await ask(path, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } })).status).toBe(200)
    expect((await ask(path, { headers: { range: 'bytes=0-1,5-6' } })).status).toBe(200)
    expect((await ask(path, { headers: { 'if-none-match': `W/"${made.sha256}"` } })).status).toBe(304)
    expect((await ask(`${path}?version=1`)).headers.get('cache-control')).toBe('private, max-age=31536000, immutable')
    const head = await ask(path, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '5000001'])

    expect(objects()).toHaveLength(3)
    for (const name of objects()) {
      const stored = readFileSync(join(house.dataDirectory, 'assets', name))
      expect(stored.includes(secret)).toBe(false)
      expect(sha256(stored)).toBe(name.slice(3))
    }
    expect(await dumpDatabase(house.databaseUrl)).not.toContain(secret)

    expect((await ask(`/v1/assets/${made.id}`, { method: 'DELETE' })).status).toBe(200)
    await refused(ask(path), 'asset_not_found')
    await vi.waitFor(() => expect(objects()).toEqual([]))
    expect((await limits()).used_bytes).toBe(0)
  })

  it('store a content once for everybody who has it, each under a key of their own, until the last is erased', async () => {
    const bytes = Buffer.alloc(3_000_000, 7)
    const [one, two] = [await keep(bytes, { user: 'ann' }), await keep(bytes, { user: 'ben' })]
    const again = await keep(bytes, { user: 'ben' })
    await vi.waitFor(() => expect(objects()).toHaveLength(4))
    expect((await limits('ann')).used_bytes).toBe(3_000_000)
    await ask(`/v1/assets/${one.id}`, { method: 'DELETE', user: 'ann' })
    expect((await bytesOf(`/v1/assets/${two.id}/content`, { user: 'ben' })).equals(bytes)).toBe(true)
    await Promise.all([
      ask(`/v1/assets/${two.id}`, { method: 'DELETE', user: 'ben' }),
      ask(`/v1/assets/${again.id}`, { method: 'DELETE', user: 'ben' }),
      keep(bytes, { user: 'cleo' }).then(({ id }) => ask(`/v1/assets/${id}`, { method: 'DELETE', user: 'cleo' })),
    ])
    await vi.waitFor(() => expect(objects()).toEqual([]))
    const left = await queryDatabase(house.databaseUrl, 'SELECT 1 FROM headgate.asset_chunks')
    expect(left).toEqual([])
  })

  it('belong to a person: for every other they are as if they were not', async () => {
    const { id } = await keep('mine', { user: 'ann' })
    await house.request('/admin/v1/projects', { body: { id: 'other', name: 'other' } })
    const stranger = (await house.makeKey({ project: 'other' })).key
    const missing = 'asset_01ARZ3NDEKTSV4RRFFQ69G5FAV'
    const ways: Ask[] = [{}, { user: 'ben' }, { by: stranger, user: 'ann' }, { by: stranger }]
    const told = async (path: string, options: Ask) => {
      const answer = await ask(path, options)
      return [answer.status, (await answer.text()).replace(/req_\w{26}/g, '')]
    }
    for (const way of ways) {
      for (const [suffix, method] of [
        ['', 'GET'],
        ['', 'DELETE'],
        ['/content', 'GET'],
        ['/text', 'GET'],
        ['/versions', 'GET'],
      ] as const) {
        const theirs = await told(`/v1/assets/${id}${suffix}`, { ...way, method })
        expect(theirs).toEqual(await told(`/v1/assets/${missing}${suffix}`, { ...way, method }))
        expect(theirs[0]).toBe(404)
      }
      await refused(ask(`/v1/assets/${id}/content`, { ...way, method: 'PUT', body: 'x' }), 'asset_not_found')
      const list = (await (await ask('/v1/assets', way)).json()) as Static<typeof AssetListSchema>
      expect(list.data.map((one) => one.id)).not.toContain(id)
    }
    expect(await bytesOf(`/v1/assets/${id}/content`, { user: 'ann' })).toEqual(Buffer.from('mine'))
  })

  it('have versions, of which the last stay, and a change is refused that does not know the present one', async () => {
    const { id, sha256: first } = await keep('one')
    const put = (body: string, headers = {}) => ask(`/v1/assets/${id}/content`, { method: 'PUT', body, headers })
    expect((await put('two', { 'if-match': `"${first}"` })).status).toBe(200)
    await refused(put('never', { 'if-match': `"${first}"` }), 'asset_changed')
    for (const body of ['three', 'four']) expect((await put(body)).status).toBe(200)
    const versions = (await (await ask(`/v1/assets/${id}/versions`)).json()) as { data: { version: number }[] }
    expect(versions.data.map(({ version }) => version)).toEqual([4, 3, 2])
    expect(await bytesOf(`/v1/assets/${id}/content?version=2`)).toEqual(Buffer.from('two'))
    await refused(ask(`/v1/assets/${id}/content?version=1`), 'asset_not_found')
    await queryDatabase(house.databaseUrl, `UPDATE headgate.assets SET updated_at = updated_at - interval '1 day'`)
    const before = (await (await ask(`/v1/assets/${id}`)).json()) as AssetView
    expect(before.updated_at).toBeLessThan(before.created_at)
    const change = await ask(`/v1/assets/${id}`, {
      method: 'PATCH',
      body: JSON.stringify({ name: 'né.txt', metadata: { album: 'sea' } }),
      headers: { 'content-type': 'application/json' },
    })
    const changed = (await change.json()) as AssetView
    expect(changed).toMatchObject({ name: 'né.txt', metadata: { album: 'sea' }, version: 4 })
    expect(changed.updated_at).toBeGreaterThanOrEqual(changed.created_at)
    expect(await (await ask(`/v1/assets/${id}`)).json()).toEqual(changed)
    const { headers } = await ask(`/v1/assets/${id}/content`)
    expect(headers.get('content-disposition')).toBe(`attachment; filename="n_.txt"; filename*=UTF-8''n%C3%A9.txt`)
  })

  it('are refused before their bytes where they are too large or have no room', async () => {
    const small = (await house.makeKey({ tier: 'small' })).key
    const options = await ask('/v1/assets', { method: 'OPTIONS' })
    expect(options.headers.get('tus-max-size')).toBe('6000000')
    await refused(ask('/v1/assets', { body: Buffer.alloc(6_000_001) }), 'request_too_large')
    const of = (size: number) => ask('/v1/assets', { body: Buffer.alloc(size, 1), by: small, user: 'small' })
    expect((await of(600)).status).toBe(201)
    const answers = await Promise.all(Array.from({ length: 8 }, () => of(100)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4)
    await refused(of(1), 'asset_quota_exceeded')
    const stream = new ReadableStream({
      start: (controller) => (controller.enqueue(Buffer.from('x')), controller.close()),
    })
    const headers = { authorization: `Bearer ${key}` }
    const unknown = { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit
    await refused(fetch(`${house.url}/v1/assets`, unknown), 'length_required')
  })

  it('are what they show, not what is claimed, and texts come out in UTF-8', async () => {
    const text = 'Grüße aus Köln, schöne Straßen überall; dies ist ein längerer Satz für die Erkennung.\r\n'
    const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le')
    for (const [body, type, charset] of [
      [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]), 'image/png', null],
      [Buffer.from('<script>alert(1)</script>'), 'text/html', 'utf-8'],
      [Buffer.from(`<!-- ${'long '.repeat(200)}--><script>alert(1)</script>`), 'text/html', 'utf-8'],
      // Each comment might end at the next one, too: who tries all ways never comes to an end.
      [Buffer.from(`${'<!---->'.repeat(72)}x`), 'text/plain', 'utf-8'],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'), 'image/svg+xml', 'utf-8'],
      [Buffer.from('%PDF-1.7 <script>'), 'application/pdf', null],
      [Buffer.from([1, 2, 3, 0, 5]), 'application/octet-stream', null],
      [Buffer.from(text), 'text/plain', 'utf-8'],
      [utf16, 'text/plain', 'utf-16le'],
      [utf16.subarray(2), 'text/plain', 'utf-16le'],
      [Buffer.from(text, 'latin1'), 'text/plain', 'windows-1252'],
      [
        Buffer.from('8365834c8358836782c582b7814282b182ea82cd93fa967b8cea82cc95b68e9a97f182c582b78142', 'hex'),
        'text/plain',
        'shift_jis',
      ],
      [Buffer.alloc(0), 'text/plain', 'utf-8'],
    ] as const) {
      const made = await keep(body, { name: 'picture.png', headers: { 'content-type': 'image/png' } })
      expect([made.type, made.charset], made.type).toEqual([type, charset])
      const { headers } = await ask(`/v1/assets/${made.id}/content?disposition=inline`)
      expect(headers.get('content-disposition')?.startsWith(type === 'image/png' ? 'inline' : 'attachment')).toBe(true)
      const answer = await ask(`/v1/assets/${made.id}/text`)
      if (charset === null) await refused(answer, 'asset_not_convertible')
      else expect(new TextDecoder(charset).decode(body)).toBe(await answer.text())
    }
  })

  it('take no name or address out of their folder, and lose nothing to a store that is away', async () => {
    for (const name of ['../../../etc/passwd', '..\\x', 'a/b', '.', '%2e%2e'])
      expect((await keep('x', { name })).name).toBe(name)
    for (const id of ['..%2f..%2fetc', '%00', '..', `asset_${'A'.repeat(600)}`]) {
      const { status } = await ask(`/v1/assets/${id}/content`)
      expect([400, 404], id).toContain(status)
    }
    for (const name of ['\0', 'a\nb'])
      expect((await ask(`/v1/assets?name=${encodeURIComponent(name)}`, { body: 'x' })).status).toBe(400)
    const folder = join(house.dataDirectory, 'assets')
    const before = await limits()
    await rename(folder, `${folder}.away`)
    await writeFile(folder, 'no folder')
    await refused(ask('/v1/assets', { body: 'lost' }), 'asset_store_unavailable')
    await rm(folder)
    await rename(`${folder}.away`, folder)
    expect(await limits()).toEqual(before)
    expect((await keep('found')).bytes).toBe(5)
  })
})
