import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { crc32, deflate } from 'node:zlib'

const compress = promisify(deflate)
const mostPixels = 2_048
const leastPixels = 16
const usualPixels = 512
const colours = 256
const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** Width and height of `512x256`, within what the demo draws. */
export const pixelsOf = (size: unknown): { width: number; height: number } => {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(typeof size === 'string' ? size : '')
  const bounded = (text: string | undefined) =>
    text === undefined ? usualPixels : Math.min(mostPixels, Math.max(leastPixels, Number(text)))
  return { width: bounded(match?.[1]), height: bounded(match?.[2]) }
}

/** One chunk of a PNG file: length, type, data, checksum (PNG specification, 5.3). */
const chunk = (type: string, data: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, checksum])
}

/** A way from one colour to another, in as many steps as a byte has. */
const paletteOf = (digest: Buffer): Buffer => {
  const palette = Buffer.alloc(colours * 3)
  for (let step = 0; step < colours; step++)
    for (let channel = 0; channel < 3; channel++) {
      const from = digest[channel] as number
      const to = digest[channel + 3] as number
      palette[step * 3 + channel] = Math.round(from + ((to - from) * step) / (colours - 1))
    }
  return palette
}

/** Waves around three centres: rows of one byte a pixel, each after the byte that says it is not filtered. */
const draw = (digest: Buffer, width: number, height: number): Buffer => {
  const rows = Buffer.alloc((width + 1) * height)
  const centres = [6, 8, 10].map((at) => ({
    x: ((digest[at] as number) / 255) * width,
    y: ((digest[at + 1] as number) / 255) * height,
  }))
  const scale = 12 / Math.max(width, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0
      for (const centre of centres) sum += Math.sin(Math.hypot(x - centre.x, y - centre.y) * scale)
      rows[y * (width + 1) + 1 + x] = Math.round(((sum + centres.length) / (2 * centres.length)) * (colours - 1))
    }
  return rows
}

/** A PNG that a text alone decides: the same words and the same seed give the same picture. */
export const drawPicture = async (words: string, width: number, height: number): Promise<Buffer> => {
  const digest = createHash('sha256').update(words).digest()
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // Eight bits a pixel, which name colours of a palette.
  header.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    pngSignature,
    chunk('IHDR', header),
    chunk('PLTE', paletteOf(digest)),
    chunk('tEXt', Buffer.from('Comment\0Simulated by the demo model of Headgate', 'latin1')),
    chunk('IDAT', await compress(draw(digest, width, height))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
