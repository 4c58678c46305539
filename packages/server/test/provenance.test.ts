import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Asset, JPEG, PNG } from '@trustnxt/c2pa-ts/asset'
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf'
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

const terms = { licence: 'OpenRAIL-M', attribution: 'Painters “& Sons”' }
const image = { price: { image: '0.04' }, ...terms }
const kept = { url: 'https://pictures.example/1.png' }
const script = (answer: object): string => `up/dall-e-3;status=200;body=${encodeURIComponent(JSON.stringify(answer))}`
const noFormat = script({ data: [{ b64_json: 'R0lGODlh' }] })

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

let house: House
let key: string
let client: OpenAI
beforeAll(async () => {
  house = await startHouse({
    environment: {
      HEADGATE_PROVENANCE_SIGN: 'images,audio,text',
      HEADGATE_PROVENANCE_RECORD: 'images,audio,text',
      HEADGATE_PROVENANCE_SIGN_MS: '60000',
    },
    config: {
      models: {
        'up/dall-e-3': image,
        [script({ data: [kept] })]: image,
        [noFormat]: image,
        'up/gpt-image-1': { price: { image: '0.04' } },
        'up/tts-1': { price: { characters: '15' } },
        'up/tts-1;cut-at-byte=5000;cut=fin': { price: { characters: '15' } },
      },
    },
  })
  key = (await house.makeKey()).key
  client = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 })
})
afterAll(() => house.stop())

interface Verified {
  readonly verdict: string
  readonly failures: readonly string[]
  readonly manifest: { readonly assertions: readonly { readonly label: string; readonly data: object }[] } | null
}
const verify = async (file: Uint8Array, at = house): Promise<Verified> => {
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(file)]), 'file')
  const headers = { authorization: `Bearer ${at === house ? key : (await at.makeKey()).key}` }
  const answer = await fetch(`${at.url}/v1/verify`, { method: 'POST', headers, body: form })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Verified
}

const draw = async (format: string, model = 'up/dall-e-3') => {
  const { data, response } = await client.images
    .generate({ model, prompt: 'A lighthouse', response_format: 'b64_json', output_format: format as 'png' })
    .withResponse()
  const pictures = (data.data ?? []).map(({ b64_json: text = '' }) => Buffer.from(text, 'base64'))
  return { file: pictures[0] as Buffer, mark: response.headers.get('x-headgate-provenance'), response, data }
}
const speak = async (format: 'wav' | 'mp3' | 'pcm', model = 'up/tts-1') => {
  const answer = await client.audio.speech.create({ model, input: 'Welcome.', voice: 'alloy', response_format: format })
  return { file: Buffer.from(await answer.arrayBuffer()), mark: answer.headers.get('x-headgate-provenance') }
}

const flipped = (file: Buffer, at: number): Buffer => {
  const changed = Buffer.from(file)
  changed[at] = (changed[at] as number) ^ 1
  return changed
}
/** Where the manifest stands: its chunk or segment, whole. */
const manifestOf = (file: Buffer, format: string): [start: number, end: number] => {
  const name = { png: 'caBX', jpeg: '\u00ff\u00eb', webp: 'C2PA', wav: 'C2PA', mp3: 'GEOB' }[format] as string
  const at = file.indexOf(name, 0, 'latin1')
  if (format === 'png') return [at - 4, at + 8 + file.readUInt32BE(at - 4)]
  if (format === 'mp3')
    return [at, at + 10 + [4, 5, 6, 7].reduce((size, place) => (size << 7) | (file[at + place] as number), 0)]
  if (format === 'jpeg') return [at, at + 2 + file.readUInt16BE(at + 2)]
  return [at, at + 8 + file.readUInt32LE(at + 4)]
}

const formats = ['png', 'jpeg', 'webp', 'wav', 'mp3'] as const
const make = async (format: (typeof formats)[number]) =>
  format === 'wav' || format === 'mp3' ? speak(format) : draw(format)

describe('what models make', () => {
  it.each(formats)('is signed as %s under the root of this house, and any change is found', async (format) => {
    const { file, mark } = await make(format)
    expect(mark).toBe('signed')
    const { verdict, failures, manifest } = await verify(file)
    expect({ verdict, failures }).toEqual({ verdict: 'trusted', failures: [] })
    const told = Object.fromEntries(manifest?.assertions.map(({ label, data }) => [label, data]) ?? [])
    expect(told['c2pa.actions.v2']).toMatchObject({
      actions: [{ action: 'c2pa.created', digitalSourceType: expect.stringMatching(/\/trainedAlgorithmicMedia$/) }],
    })
    const isPicture = format !== 'wav' && format !== 'mp3'
    expect(told['org.headgate.origin']).toMatchObject({
      provider: 'up',
      model: isPicture ? 'dall-e-3' : 'tts-1',
      request_id: expect.stringMatching(/^req_/),
      ...(isPicture && terms),
    })
    // IPTC's mark for readers that know no manifests.
    expect(file.includes('<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trained')).toBe(
      true,
    )
    const [start, end] = manifestOf(file, format)
    expect(end - start).toBeGreaterThan(1_000)
    const outside = [...file.keys()].filter((at) => at < start || at >= end)
    const step = Math.ceil(outside.length / 40)
    for (const at of outside.filter((_, index) => index % step === 0))
      expect((await verify(flipped(file, at))).verdict, `byte ${at}`).not.toMatch(/trusted|signed/)
    for (const word of ['trainedAlgorithmicMedia', 'org.headgate.origin', 'c2pa.hash.data'])
      expect((await verify(flipped(file, file.indexOf(word, start)))).verdict, word).toBe('tampered')
    expect((await verify(flipped(file, outside.findLast((at) => at < file.length - 1) as number))).verdict).not.toBe(
      'trusted',
    )
  })

  it.each([
    ['png', PNG],
    ['jpeg', JPEG],
  ] as const)('holds as %s before a second implementation, which finds a change too', async (format, kind) => {
    const { file } = await draw(format)
    const holds = async (bytes: Buffer): Promise<boolean> => {
      const asset: Asset = new kind(new Uint8Array(bytes))
      const box = SuperBox.fromBuffer(new Uint8Array(asset.getManifestJUMBF() ?? []))
      return (await ManifestStore.read(box).validate(asset)).isValid
    }
    expect(await holds(file)).toBe(true)
    expect(await holds(flipped(file, file.length - 4))).toBe(false)
  })

  it('is signed by an address alone, too', async () => {
    const answer = await fetch(`${house.url}/image/Lighthouse?model=up/dall-e-3`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect(answer.headers.get('x-headgate-provenance')).toBe('signed')
    expect((await verify(Buffer.from(await answer.arrayBuffer()))).verdict).toBe('trusted')
  })

  it('leaves what it cannot sign as it was, and says so', async () => {
    const addressed = await draw('png', script({ data: [kept] }))
    expect(addressed.mark).toBe('unsigned; reason=address')
    expect(addressed.data.data).toEqual([kept])
    const odd = await draw('png', noFormat)
    expect([odd.mark, odd.file.toString('latin1')]).toEqual(['unsigned; reason=format', 'GIF89a'])
    expect((await speak('pcm')).mark).toBe('unsigned; reason=format')
  })

  it('tells a cut of speech that it held back as an ordinary error', async () => {
    await expect(speak('wav', 'up/tts-1;cut-at-byte=5000;cut=fin')).rejects.toMatchObject({
      code: 'upstream_truncated',
    })
  })
})

describe('texts', () => {
  const body = { model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }
  const originOf = async (path: string, more: object, at = house) => {
    const answer = await at.request(path, {
      body: { ...body, ...more },
      key: at === house ? key : (await at.makeKey()).key,
    })
    await answer.text()
    return [answer.status, answer.headers.get('x-headgate-origin'), answer.headers.get('x-request-id')]
  }

  it.each([
    ['whole', '/v1/chat/completions', {}],
    ['streamed', '/v1/chat/completions', { stream: true }],
    ['of /v1/responses', '/v1/responses', { messages: undefined, input: 'Hello' }],
    ['of /v1/messages', '/v1/messages', { max_tokens: 100 }],
  ])('%s tell in a header who wrote them', async (_, path, more) => {
    const [status, origin, id] = await originOf(path, more)
    expect([status, origin]).toEqual([200, `ai; model=gpt-4o-mini; provider=up; request=${id}`])
  })

  it('tell nothing where nobody asked for it', async () => {
    const other = await startHouse({ upstream: house.upstream })
    try {
      expect((await originOf('/v1/chat/completions', {}, other)).slice(0, 2)).toEqual([200, null])
    } finally {
      await other.stop()
    }
  })
})

describe('headgate provenance verify', () => {
  const run = (...words: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      const environment = {
        PATH: process.env['PATH'],
        HOME: folder,
        DATABASE_URL: house.databaseUrl,
        HEADGATE_DATA_DIR: house.dataDirectory,
      }
      execFile(
        process.execPath,
        [cli, 'provenance', 'verify', ...words],
        { cwd: folder, timeout: 60_000, env: environment },
        (error, out, errors) => resolve({ code: error ? Number(error.code ?? -1) : 0, out: out + errors }),
      )
    })
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headgate-verify-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('trusts what this house signed, under roots of its store or of a file, and ends with 1 for all else', async () => {
    const { file } = await draw('png')
    await writeFile(join(folder, 'made.png'), file)
    await writeFile(join(folder, 'changed.png'), flipped(file, file.length - 20))
    await writeFile(join(folder, 'none.txt'), 'Words')
    await writeFile(join(folder, 'roots.pem'), await (await fetch(`${house.url}/v1/provenance/roots`)).text())
    const trusted = await run('made.png', '--json')
    expect([trusted.code, trusted.out]).toEqual([0, trusted.out])
    expect(JSON.parse(trusted.out)).toMatchObject({ object: 'verification', verdict: 'trusted', format: 'image/png' })
    const read = await run('made.png', '--roots', 'roots.pem')
    expect([read.code, read.out]).toEqual([0, expect.stringMatching(/^verdict\ttrusted\n[^]*model\tdall-e-3\n/)])
    expect(await run('changed.png', '--roots', 'roots.pem')).toMatchObject({
      code: 1,
      out: expect.stringContaining('tampered'),
    })
    expect(await run('none.txt', '--roots', 'roots.pem')).toMatchObject({
      code: 1,
      out: expect.stringContaining('unknown'),
    })
  }, 60_000)
})

describe('roots', () => {
  const roots = async (): Promise<string[]> => {
    const answer = await fetch(`${house.url}/v1/provenance/roots`)
    return (await answer.text()).match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []
  }

  it('are given to anybody, and replaced without distrusting what was signed before', async () => {
    const { file } = await draw('png')
    const [before = ''] = await roots()
    const certificate = new X509Certificate(before)
    expect([certificate.ca, certificate.verify(certificate.publicKey)]).toEqual([true, true])
    const made = await house.request('/admin/v1/provenance/roots', { body: {} })
    expect(made.status).toBe(201)
    const { version, certificate: fresh } = (await made.json()) as { version: number; certificate: string }
    expect([version, await roots()]).toEqual([2, [fresh.trim(), before]])
    expect((await verify(file)).verdict).toBe('trusted')
    expect((await verify((await draw('png')).file)).verdict).toBe('trusted')
  })

  it('are those of one house: another knows the file is signed, and does not trust it', async () => {
    const { file } = await draw('png')
    const other = await startHouse({ upstream: house.upstream, environment: { HEADGATE_PROVENANCE_SIGN_MS: '60000' } })
    try {
      const { verdict, failures } = await verify(file, other)
      expect({ verdict, failures }).toEqual({ verdict: 'signed', failures: ['signingCredential.untrusted'] })
    } finally {
      await other.stop()
    }
  })
})
