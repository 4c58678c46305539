import type { Sharp, SharpOptions } from 'sharp'
import { AppError } from '../../kernel/errors.ts'

/** Pictures that are read here, by their sniffed type, and what they are written as again. */
const formats = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/avif': 'avif',
  'image/tiff': 'tiff',
} as const
type Format = (typeof formats)[keyof typeof formats]
/** Those that a picture may be made into on request. */
export type WrittenFormat = Exclude<Format, 'gif' | 'tiff'>

/** Readers of exactly these; libvips has others, of formats that are programs. */
const readers = ['Png', 'Jpeg', 'Webp', 'Gif', 'Nsgif', 'Heif', 'Tiff'].map((name) => `VipsForeignLoad${name}`)

/** A picture holds a processor and, while it is decoded, four bytes for each of its pixels. */
const MOST_AT_ONCE = 2
const MOST_WAITING = 32
/** Pictures of the largest size that are held in memory at once, read or still coming. */
const MOST_HELD = 4
const MOST_SECONDS = 20
const QUALITY = 90
const THUMBNAIL_QUALITY = 80

export interface ImageBounds {
  /** Most pixels of a picture, those of all frames together. */
  readonly maxPixels: number
  /** Most bytes. */
  readonly maxBytes: number
}

/** Bytes of a picture that are held in memory. */
export interface HeldBytes {
  /** @throws AppError `overloaded` where those of all pictures are too many. */
  readonly add: (bytes: number) => void
  readonly release: () => void
}

const notConvertible = (detail: string, params?: Readonly<Record<string, number>>): AppError =>
  new AppError('asset_not_convertible', { detail, ...(params && { params }) })

const formatOf = (type: string): Format => {
  const format = (formats as Readonly<Record<string, Format>>)[type]
  if (format === undefined) throw notConvertible(`This is no picture that is read here, but ${type}.`)
  return format
}

/**
 * Reads and writes pictures, two at a time, in threads of libvips. It is loaded with the first one. All throw AppError
 * `asset_not_convertible` for what is no picture of a known type, is damaged, or has too many pixels; `overloaded` where too
 * many wait; `asset_images_unavailable` where libvips is not installed.
 */
export const createImages = (bounds: () => ImageBounds) => {
  let running = 0
  const waiting: (() => void)[] = []
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= MOST_AT_ONCE) {
      if (waiting.length >= MOST_WAITING) throw new AppError('overloaded')
      // Whoever ends hands its place on.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }

  let held = 0
  /** Room for the bytes of one picture, taken as they come. */
  const hold = (): HeldBytes => {
    let own = 0
    return {
      add: (bytes) => {
        if (held + bytes > MOST_HELD * bounds().maxBytes) throw new AppError('overloaded')
        held += bytes
        own += bytes
      },
      release: () => {
        held -= own
        own = 0
      },
    }
  }

  let loaded: Promise<(bytes: Buffer, options: SharpOptions) => Sharp> | null = null
  const load = async () => {
    const { default: sharp } = await import('sharp').catch((cause: unknown) => {
      throw new AppError('asset_images_unavailable', { cause })
    })
    sharp.cache(false)
    sharp.concurrency(1)
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: readers })
    return sharp
  }
  const make = (
    bytes: Buffer,
    options: SharpOptions,
    write: (picture: Sharp) => Sharp,
    keepsAll = false,
  ): Promise<Buffer> => {
    const { maxPixels, maxBytes } = bounds()
    if (bytes.length > maxBytes) throw notConvertible(`It has more than ${maxBytes} bytes.`, { limit_bytes: maxBytes })
    return inTurn(async () => {
      loaded ??= load().catch((fault: unknown) => {
        loaded = null
        throw fault
      })
      const sharp = await loaded
      const bounded = { limitInputPixels: maxPixels, failOn: 'error', sequentialRead: true } as const
      const tooMany = () => notConvertible(`It has more than ${maxPixels} pixels.`, { limit_pixels: maxPixels })
      try {
        const { width, height, pages = 1 } = await sharp(bytes, bounded).metadata()
        // The bound of libvips holds for one frame.
        if (options.animated && width * height * pages > maxPixels) throw tooMany()
        if (pages > 1 && keepsAll && !options.animated)
          throw notConvertible('It has several pages, of which only one would be kept.')
        const picture = sharp(bytes, { ...bounded, ...options }).timeout({ seconds: MOST_SECONDS })
        return await write(picture.autoOrient()).toBuffer()
      } catch (fault) {
        if (fault instanceof AppError) throw fault
        throw /pixel limit/i.test((fault as Error).message)
          ? tooMany()
          : new AppError('asset_not_convertible', { detail: 'The picture cannot be read.', cause: fault })
      }
    })
  }
  const written = (picture: Sharp, format: Format): Sharp => {
    switch (format) {
      case 'png':
        return picture.png()
      case 'jpeg':
        return picture.jpeg({ quality: QUALITY })
      case 'webp':
        return picture.webp({ quality: QUALITY })
      case 'avif':
        return picture.avif({ quality: 70, effort: 2 })
      case 'gif':
        return picture.gif()
      case 'tiff':
        return picture.tiff({ compression: 'deflate' })
    }
  }
  return {
    hold,

    /** Throws unless pictures of this type are read. */
    check: (type: string): void => void formatOf(type),

    /**
     * The picture anew, upright, in sRGB, with all of its frames, and with nothing that it said beside its pixels: no Exif, XMP,
     * ICC profile, comment, thumbnail, manifest, and no bytes behind its end. In the format that it had, unless another is named.
     */
    rewrite: async (bytes: Buffer, type: string, to?: WrittenFormat): Promise<Buffer> => {
      const format = to ?? formatOf(type)
      const isMoving = (type === 'image/gif' || type === 'image/webp') && (format === 'gif' || format === 'webp')
      formatOf(type)
      // In another format the first one is what is asked for.
      return make(bytes, isMoving ? { animated: true } : {}, (picture) => written(picture, format), to === undefined)
    },

    /** The picture, or its first frame, as WebP and at most so wide and high. */
    thumbnail: async (bytes: Buffer, type: string, width: number): Promise<Buffer> => {
      formatOf(type)
      return make(bytes, {}, (picture) =>
        picture
          .resize({ width, height: width, fit: 'inside', withoutEnlargement: true })
          .webp({ quality: THUMBNAIL_QUALITY }),
      )
    },
  }
}

export type Images = ReturnType<typeof createImages>
