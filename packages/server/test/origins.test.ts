import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRoot, makeSigner } from '../src/features/provenance/certificates.ts'
import { makeCertificate } from './support/certificate.ts'
import { type House, startHouse } from './support/house.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const images = { price: { image: '0.04' } }
const speech = { price: { characters: '15' } }
let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_PROVENANCE_RECORD: 'images,audio,text' },
    config: { models: { 'up/dall-e-3': images, 'up/tts-1': speech } },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

/** Parts of answers that are read here. */
interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly data: readonly { readonly b64_json: string }[]
  readonly error: { readonly code: string }
}
interface Found {
  readonly verdict: string
  readonly origins: readonly Record<string, string>[]
}
const verify = async (fields: { file?: Uint8Array | string; id?: string }, by = key, at = house): Promise<Found> => {
  const form = new FormData()
  if (fields.file !== undefined) form.set('file', new Blob([fields.file as string]), 'file')
  if (fields.id !== undefined) form.set('id', fields.id)
  const answer = await fetch(`${at.url}/v1/verify`, {
    method: 'POST',
    headers: { authorization: `Bearer ${by}` },
    body: form,
  })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Found
}
const post = (path: string, body: object, by = key) => house.request(path, { body, key: by })
const idOf = (answer: Response): string =>
  /request=(req_\w+)/.exec(answer.headers.get('x-headgate-origin') ?? '')?.[1] ?? ''
const chat = { model: 'demo', messages: [{ role: 'user', content: 'Tell me of the sea' }] }
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

/** The words of a stream. */
const wordsOf = (events: string): string =>
  events
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? '')
    .join('')

describe('the record of origins', () => {
  it('finds a text by a copy of it and by its request, whole, streamed and of other protocols', async () => {
    const whole = await post('/v1/chat/completions', chat)
    const words = ((await whole.json()) as Answer).choices[0]?.message.content as string
    const [byId, byCopy] = [await verify({ id: idOf(whole) }), await verify({ file: `\n${words}\r\n` })]
    expect(byId.origins).toEqual([
      expect.objectContaining({ id: idOf(whole), kind: 'text', provider: 'demo', sha256: sha256(words.trim()) }),
    ])
    expect(byCopy).toMatchObject({ verdict: 'unknown', origins: [{ id: idOf(whole) }] })

    const streamed = await post('/v1/chat/completions', {
      ...chat,
      messages: [{ role: 'user', content: 'And of the wind' }],
      stream: true,
    })
    const streamedWords = wordsOf(await streamed.text())
    expect((await verify({ file: streamedWords })).origins.map(({ id }) => id)).toEqual([idOf(streamed)])

    const message = await post('/v1/messages', { ...chat, max_tokens: 200 })
    await message.text()
    expect((await verify({ id: idOf(message) })).origins).toHaveLength(1)
  })

  it('finds pictures and speech that were not signed, byte for byte', async () => {
    const drawn = await post('/v1/images/generations', {
      ...{ model: 'up/dall-e-3', prompt: 'A lighthouse', response_format: 'b64_json' },
    })
    expect(drawn.headers.get('x-headgate-provenance')).toBe(null)
    const picture = Buffer.from(((await drawn.json()) as Answer).data[0]?.b64_json as string, 'base64')
    expect((await verify({ file: picture })).origins[0]).toMatchObject({
      ...{ id: idOf(drawn), kind: 'image', model: 'dall-e-3', provider: 'up', sha256: sha256(picture) },
    })
    const spoken = await post('/v1/audio/speech', { model: 'up/tts-1', input: 'Welcome.', voice: 'alloy' })
    const sound = new Uint8Array(await spoken.arrayBuffer())
    expect((await verify({ file: sound })).origins[0]).toMatchObject({ id: idOf(spoken), kind: 'audio' })
    const changed = Buffer.from(picture)
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1
    expect((await verify({ file: changed })).origins).toEqual([])
  })

  it('tells nobody of another project, and refuses a form that asks nothing', async () => {
    const answer = await post('/v1/chat/completions', chat)
    await answer.text()
    await house.request('/admin/v1/projects', { body: { id: 'strangers', name: 'strangers' } })
    const stranger = (await house.makeKey({ project: 'strangers' })).key
    expect((await verify({ id: idOf(answer) }, stranger)).origins).toEqual([])
    const form = new FormData()
    form.set('note', 'nothing')
    const refused = await fetch(`${house.url}/v1/verify`, {
      ...{ method: 'POST', headers: { authorization: `Bearer ${key}` }, body: form },
    })
    expect([refused.status, ((await refused.json()) as Answer).error.code]).toEqual([400, 'invalid_multipart'])
  })
})

describe('a certificate of one’s own', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headgate-signer-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const paths = async (certificate: string, privateKey: string) => {
    const [one, other] = [join(folder, 'signer.pem'), join(folder, 'signer.key')]
    await writeFile(one, certificate)
    await writeFile(other, privateKey)
    return {
      HEADGATE_PROVENANCE_SIGN: 'images',
      HEADGATE_PROVENANCE_CERTIFICATE: one,
      HEADGATE_PROVENANCE_KEY: other,
      HEADGATE_PROVENANCE_SIGN_MS: '60000',
    }
  }

  it('signs, and is trusted by the root that came with it', async () => {
    const root = makeRoot(Date.now())
    const own = makeSigner(root, Date.now())
    const other = await startHouse({
      upstream: house.upstream,
      environment: await paths(own.certificate + root.certificate, own.key),
      config: { models: { 'up/dall-e-3': images } },
    })
    try {
      const { key: theirs } = await other.makeKey()
      const drawn = await other.request('/v1/images/generations', {
        key: theirs,
        body: { model: 'up/dall-e-3', prompt: 'A lighthouse', response_format: 'b64_json' },
      })
      expect(drawn.headers.get('x-headgate-provenance')).toBe('signed')
      const picture = Buffer.from(((await drawn.json()) as Answer).data[0]?.b64_json as string, 'base64')
      expect((await verify({ file: picture }, theirs, other)).verdict).toBe('trusted')
      expect((await (await fetch(`${other.url}/v1/provenance/roots`)).text()).trim()).toBe(root.certificate.trim())
      const kept = join(folder, 'own.png')
      await writeFile(kept, picture)
      const told = await promisify(execFile)(process.execPath, [cli, 'provenance', 'verify', kept, '--json'], {
        cwd: folder,
        env: {
          ...(await paths(own.certificate + root.certificate, own.key)),
          PATH: process.env['PATH'],
          DATABASE_URL: other.databaseUrl,
          HEADGATE_DATA_DIR: other.dataDirectory,
        },
      })
      expect(JSON.parse(told.stdout)).toMatchObject({ verdict: 'trusted' })
      // To a house that knows nothing of that root it is somebody else’s.
      expect((await verify({ file: picture })).verdict).toBe('signed')
    } finally {
      await other.stop()
    }
  })

  it.each([
    ['an authority', (root: ReturnType<typeof makeRoot>) => [root.certificate, root.key], 'begins with an authority'],
    [
      'the key of another',
      (root: ReturnType<typeof makeRoot>) => [makeSigner(root, Date.now()).certificate, root.key],
      'does not belong to the certificate',
    ],
    [
      'a chain that does not hold',
      (root: ReturnType<typeof makeRoot>) => {
        const { certificate, key: own } = makeSigner(root, Date.now())
        return [certificate + makeRoot(Date.now()).certificate, own]
      },
      'certificate 2 did not issue the one before it',
    ],
    [
      'one that has ended',
      (root: ReturnType<typeof makeRoot>) => {
        const { certificate, key: own } = makeSigner(root, Date.now() - 500 * 86_400_000)
        return [certificate, own]
      },
      'is not valid now',
    ],
  ] as const)('is refused at the start: %s', async (_, make, problem) => {
    const [certificate, own] = make(makeRoot(Date.now())) as [string, string]
    const start = startHouse({ upstream: house.upstream, environment: await paths(certificate, own) })
    await expect(start).rejects.toThrow(problem)
  })

  it('is refused at the start: one of a web server, which has no such purpose', async () => {
    const { cert, key: own } = await makeCertificate('pictures.example')
    const start = startHouse({ upstream: house.upstream, environment: await paths(cert, own) })
    await expect(start).rejects.toThrow(/begins with an authority|has no purpose/)
  })
})
