import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

const [width, height] = [400, 320]

/** A hill under a sky with some noise, the same each time. */
const drawn = async (format: 'png' | 'jpeg' | 'webp'): Promise<Buffer> => {
  const pixels = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const isHill = y > 200 + 40 * Math.sin(x / 60)
      const noise = isHill ? ((x * 7919 + y * 104_729) % 23) - 11 : 0
      const base = isHill ? [60, 120, 50] : [90 + y / 4, 140 + y / 4, 220]
      for (const [channel, value] of base.entries()) pixels[(y * width + x) * 3 + channel] = value + noise
    }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    [format]({ quality: 95 })
    .toBuffer()
}
const formats = ['png', 'jpeg', 'webp'] as const
const pictures = Object.fromEntries(
  await Promise.all(formats.map(async (format) => [format, await drawn(format)] as const)),
) as Record<(typeof formats)[number], Buffer>
/** The scripted provider gives back what is sent for an edit. */
const model = 'up/dall-e-2;echo-picture'

let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({
    environment: {
      HEADGATE_PROVENANCE_SIGN: 'images',
      HEADGATE_PROVENANCE_RECORD: 'images',
      HEADGATE_PROVENANCE_INVISIBLE_MARK: 'true',
      HEADGATE_PROVENANCE_SIGN_MS: '60000',
    },
    config: { models: { [model]: { price: { image: '0.04' } } } },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

interface Verified {
  readonly verdict: string
  readonly invisible_mark: { readonly found: boolean; readonly id: string | null; readonly confidence: number } | null
  readonly origins: readonly { readonly id: string; readonly kind: string }[]
}
const verify = async (file: Uint8Array, at = house, by = key): Promise<Verified> => {
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(file)]), 'file')
  const headers = { authorization: `Bearer ${by}` }
  const answer = await fetch(`${at.url}/v1/verify`, { method: 'POST', headers, body: form })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Verified
}
const edit = async (picture: Buffer) => {
  const form = new FormData()
  form.set('model', model)
  form.set('prompt', 'The same')
  form.set('image', new Blob([new Uint8Array(picture)]), 'picture')
  const headers = { authorization: `Bearer ${key}` }
  const answer = await fetch(`${house.url}/v1/images/edits`, { method: 'POST', headers, body: form })
  expect(answer.status).toBe(200)
  const { data } = (await answer.json()) as { data: readonly { readonly b64_json: string }[] }
  return {
    file: Buffer.from(data[0]?.b64_json ?? '', 'base64'),
    mark: answer.headers.get('x-headgate-provenance'),
    id: /request=(req_\w+)/.exec(answer.headers.get('x-headgate-origin') ?? '')?.[1] ?? '',
  }
}

/** Peak signal to noise ratio of two pictures of one size, in decibels. */
const likeness = async (one: Buffer, other: Buffer): Promise<number> => {
  const [first, second] = await Promise.all([one, other].map((file) => sharp(file).removeAlpha().raw().toBuffer()))
  const squares = (first as Buffer).reduce(
    (sum, value, at) => sum + (value - ((second as Buffer)[at] as number)) ** 2,
    0,
  )
  return 10 * Math.log10(255 ** 2 / (squares / (first as Buffer).length))
}

const none = { found: false, id: null, confidence: 0 }

describe('the mark in the pixels', () => {
  it.each(formats)('names the request, of a signed %s, and is not seen', async (format) => {
    const { file, mark, id } = await edit(pictures[format])
    expect(mark).toBe('signed; invisible')
    expect(await sharp(file).metadata()).toMatchObject({ format, width, height })
    const { verdict, invisible_mark: found, origins } = await verify(file)
    expect([verdict, found?.found, found?.id]).toEqual(['trusted', true, id.slice(0, 16)])
    expect(origins).toMatchObject([{ id, kind: 'image' }])
    expect(await likeness(pictures[format], file)).toBeGreaterThan(40)
  })

  it('is found, and its request with it, after the metadata are gone, in JPEG, smaller and turned', async () => {
    const { file, id } = await edit(pictures.png)
    const copy = await sharp(file).resize(300).rotate(90).jpeg({ quality: 75 }).toBuffer()
    const { verdict, invisible_mark: found, origins } = await verify(copy)
    expect({ verdict, found, origins }).toMatchObject({
      verdict: 'unknown',
      found: { found: true, id: id.slice(0, 16) },
      origins: [{ id }],
    })
    await house.request('/admin/v1/projects', { body: { id: 'others', name: 'others' } })
    expect(found?.confidence).toBeGreaterThan(0.85)
    const other = (await house.makeKey({ project: 'others' })).key
    expect(await verify(copy, house, other)).toMatchObject({ invisible_mark: { found: true }, origins: [] })
  })

  it('is found in no other picture, and by no other house', async () => {
    expect((await verify(pictures.png)).invisible_mark).toEqual(none)
    const { file } = await edit(pictures.png)
    const other = await startHouse({ upstream: house.upstream, environment: { HEADGATE_PROVENANCE_SIGN_MS: '60000' } })
    try {
      expect((await verify(file, other, (await other.makeKey()).key)).invisible_mark).toEqual(none)
    } finally {
      await other.stop()
    }
  })

  it('is left out of what is too small, which the header tells, and looked for in pictures alone', async () => {
    const { mark } = await edit(await sharp(pictures.png).resize(200).png().toBuffer())
    expect(mark).toBe('signed')
    expect((await verify(Buffer.from('Words'))).invisible_mark).toBeNull()
  })
})
