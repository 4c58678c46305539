import type { Sharp, SharpOptions } from 'sharp'
import { type Carrier, createCarrier, GRID } from './mark-carrier.ts'
import { changeFor, FINE, nameIn } from './mark-grid.ts'

/** As every reader of pictures in this process has them: what libvips may read is set for all of them at once. */
const readers = ['Png', 'Jpeg', 'Webp', 'Gif', 'Nsgif', 'Heif', 'Tiff'].map((name) => `VipsForeignLoad${name}`)
/** Beyond them a picture is left as it is: while it is marked it takes three or four bytes of memory a pixel, three times. */
const MOST_PIXELS = 33_554_432
/** Shorter sides hold no mark. */
const SHORTEST_SIDE = GRID
/** Below it too little of one is left: it is not looked for. */
const SHORTEST_SEARCHED = 96
const QUALITY = 95
/** Share of the bits that must be right in what leaves, so that something is left for what is done to it later. */
const SUREST = 0.9

/** Formats of pictures that carry a mark. */
const written = ['image/png', 'image/jpeg', 'image/webp']
export const isPicture = (format: string | null): format is string => format !== null && written.includes(format)

type Read = (bytes: Uint8Array, options?: SharpOptions) => Sharp
let loaded: Promise<Read> | null = null
/** @throws Error where it is not installed */
const load = (): Promise<Read> =>
  (loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false)
    sharp.concurrency(1)
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: readers })
    return sharp
  }))

const carriers = new Map<string, Carrier>()
const carrierOf = (key: Buffer): Carrier => {
  const id = key.toString('latin1')
  const carrier = carriers.get(id) ?? createCarrier(key)
  carriers.set(id, carrier)
  return carrier
}

/** Luminance (ITU-R BT.601) of a picture at the size of the grid. */
export const gridOf = async (picture: Sharp): Promise<Float64Array> => {
  const size = { width: GRID, height: GRID, fit: 'fill', fastShrinkOnLoad: false } as const
  const pixels = await picture.removeAlpha().toColourspace('srgb').resize(size).raw().toBuffer()
  return Float64Array.from(
    { length: GRID * GRID },
    (_, at) =>
      0.299 * (pixels[at * 3] as number) +
      0.587 * (pixels[at * 3 + 1] as number) +
      0.114 * (pixels[at * 3 + 2] as number),
  )
}

/** Four samples of one line and what each counts for between the middle two (Catmull and Rom). */
const tapsOf = (length: number): { at: Int32Array; share: Float64Array } => {
  const at = new Int32Array(length * 4)
  const share = new Float64Array(length * 4)
  for (let place = 0; place < length; place++) {
    const where = ((place + 0.5) * FINE) / length - 0.5
    const first = Math.floor(where)
    const t = where - first
    for (let tap = 0; tap < 4; tap++) at[place * 4 + tap] = Math.min(FINE - 1, Math.max(0, first - 1 + tap))
    share.set(
      [
        ((2 - t) * t - 1) * t * 0.5,
        ((3 * t - 5) * t * t + 2) * 0.5,
        ((4 - 3 * t) * t + 1) * t * 0.5,
        (t - 1) * t * t * 0.5,
      ],
      place * 4,
    )
  }
  return { at, share }
}

/** Adds a change of luminance, drawn out to the size of the picture, to the colours of its pixels in place. */
const addTo = (pixels: Uint8Array, width: number, height: number, channels: number, change: Float64Array): void => {
  const [across, down] = [tapsOf(width), tapsOf(height)]
  // Whole numbers are rounded and bounded by the array itself.
  const bounded = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length)
  const line = new Float64Array(FINE)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    for (let tap = 0; tap < 4; tap++) {
      const from = (down.at[y * 4 + tap] as number) * FINE
      const share = down.share[y * 4 + tap] as number
      for (let x = 0; x < FINE; x++) line[x] = (line[x] as number) + share * (change[from + x] as number)
    }
    for (let x = 0; x < width; x++) {
      let sum = 0
      for (let tap = 0; tap < 4; tap++)
        sum += (line[across.at[x * 4 + tap] as number] as number) * (across.share[x * 4 + tap] as number)
      const at = (y * width + x) * channels
      bounded[at] = (bounded[at] as number) + sum
      bounded[at + 1] = (bounded[at + 1] as number) + sum
      bounded[at + 2] = (bounded[at + 2] as number) + sum
    }
  }
}

/** Whether its pixels are kept exactly, by the name of its first chunk, or, of the extended format, of any (RFC 9649, 2.6 and 2.7). */
const isLosslessWebp = (file: Buffer): boolean =>
  file.includes('VP8L', 12, 'latin1') && !file.includes('VP8 ', 12, 'latin1')

const bounds = { limitInputPixels: MOST_PIXELS, failOn: 'error', sequentialRead: true } as const

/**
 * The picture with a name in its pixels, in the format that it had, in sRGB and without the metadata that it had; null where it
 * is too small or too large for one, moves, has more than eight bits a colour, or is so full of contrast that it does not hold one unseen.
 * @param key 32 bytes
 * @param name below 2^60
 * @throws Error where it cannot be read, or sharp is not installed
 */
export const withMark = async (format: string, file: Buffer, key: Buffer, name: bigint): Promise<Buffer | null> => {
  const sharp = await load()
  // The bound of pixels would throw here: too large is no fault.
  const { width, height, pages = 1, depth } = await sharp(file, { ...bounds, limitInputPixels: false }).metadata()
  if (Math.min(width, height) < SHORTEST_SIDE || width * height > MOST_PIXELS || pages > 1 || depth !== 'uchar')
    return null
  // Upright: what said how to turn it is lost with the other metadata.
  const picture = sharp(file, bounds).autoOrient().toColourspace('srgb')
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
  const { channels } = info
  const raw = { width: info.width, height: info.height, channels }
  const grid = await gridOf(sharp(data, { raw }))
  const carrier = carrierOf(key)
  addTo(data, info.width, info.height, channels, changeFor(grid, carrier, key, name))
  // A page full of small black text on white, for one, has more to say than a mark that is not seen.
  const found = nameIn(await gridOf(sharp(data, { raw })), carrier, key)
  if (found?.name !== name || found.agreement < SUREST) return null
  const made = sharp(data, { raw })
  if (format === 'image/png') return made.png().toBuffer()
  if (format === 'image/jpeg') return made.jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' }).toBuffer()
  return made.webp(isLosslessWebp(file) ? { lossless: true } : { quality: QUALITY }).toBuffer()
}

/** What was looked for in a picture: what it names and how many of its bits agree; `found` null where there is no mark. */
export interface MarkSearch {
  readonly found: { readonly name: bigint; readonly agreement: number } | null
}

/** Looks for a mark under a key; null where it cannot be looked for: sharp is not installed, or the picture cannot be read. */
export const searchMark = async (file: Buffer, key: Buffer): Promise<MarkSearch | null> => {
  try {
    const sharp = await load()
    const { width, height } = await sharp(file, bounds).metadata()
    if (Math.min(width, height) < SHORTEST_SEARCHED) return { found: null }
    return { found: nameIn(await gridOf(sharp(file, bounds)), carrierOf(key), key) }
  } catch {
    return null
  }
}
