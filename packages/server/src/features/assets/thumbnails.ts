import type { Owner } from './assets.ports.ts'
import type { AssetVersion } from './assets.store.ts'
import type { Images } from './images.ts'
import type { ReadChunks } from './read-chunks.ts'
import { AppError } from '../../kernel/errors.ts'
import type { ThumbnailStore } from './thumbnails.store.ts'

interface ThumbnailsOptions {
  readonly images: Pick<Images, 'check' | 'thumbnail' | 'hold'>
  readonly store: ThumbnailStore
  readonly read: ReadChunks
  /** Most bytes of a picture. */
  readonly maxBytes: () => number
}

/** Small pictures, each made once for each content and width, however many ask at once. */
export const createThumbnails = ({ images, store, read, maxBytes }: ThumbnailsOptions) => {
  const running = new Map<string, Promise<Buffer>>()
  const make = async (owner: Owner, { blob, bytes, type }: AssetVersion, width: number): Promise<Buffer> => {
    const held = images.hold()
    try {
      held.add(bytes)
      const pieces: Buffer[] = []
      for await (const piece of await read.open(owner.project, blob, { from: 0, bytes })) pieces.push(piece)
      const picture = await images.thumbnail(Buffer.concat(pieces), type, width)
      await store.put(owner, blob, width, picture)
      return picture
    } finally {
      held.release()
    }
  }
  return {
    /** @throws AppError `asset_not_convertible`, `asset_store_unavailable`, `overloaded`. */
    of: async (owner: Owner, version: AssetVersion, width: number): Promise<Buffer> => {
      images.check(version.type)
      if (version.bytes > maxBytes())
        throw new AppError('asset_not_convertible', {
          detail: `It has more than ${maxBytes()} bytes.`,
          params: { limit_bytes: maxBytes() },
        })
      const kept = await store.get(owner, version.blob, width)
      if (kept !== null) return kept
      const name = `${owner.project}/${version.blob}/${width}`
      const made = running.get(name) ?? make(owner, version, width).finally(() => running.delete(name))
      running.set(name, made)
      return made
    },
  }
}

export type Thumbnails = ReturnType<typeof createThumbnails>
