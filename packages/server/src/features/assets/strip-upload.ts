import { AppError } from '../../kernel/errors.ts'
import type { Chunk, ChunkStore } from './chunks.store.ts'
import type { ReadChunks } from './read-chunks.ts'
import { type Rewriting, rewrittenBody } from './rewritten-body.ts'
import type { Upload, UploadStore } from './uploads.store.ts'
import type { WriteChunks } from './write-chunks.ts'

interface StripOptions {
  readonly store: Pick<UploadStore, 'replace' | 'get'>
  readonly chunks: Pick<ChunkStore, 'drop'>
  readonly read: ReadChunks
  readonly write: WriteChunks
  readonly images: Rewriting['images']
  /** Most bytes of a picture that is written anew. */
  readonly maxBytes: () => number
  /** Told when something is to be erased. */
  readonly onDropped: () => void
}

/** Writes the picture of an upload anew, in the place of what was sent. */
export const createStripUpload = ({ store, chunks, read, write, images, maxBytes, onDropped }: StripOptions) => {
  /** The upload as it stands then. @throws AppError `asset_not_convertible`, `asset_images_unavailable`, `overloaded`, `request_too_large`, `upload_not_found`, `asset_store_unavailable` */
  const strip = async (upload: Upload): Promise<Upload> => {
    const { project, id, length } = upload
    const sent = await read.open(project, id, { from: 0, bytes: length })
    const body = await rewrittenBody({ length, pieces: () => sent }, { images, maxBytes: maxBytes(), to: undefined })
    const written: Chunk[] = []
    let replaced: Upload | null = null
    try {
      await write(upload, body.pieces(), async (chunk) => {
        written.push(chunk)
      })
      replaced = await store.replace(upload, written)
    } finally {
      if (replaced === null) await chunks.drop(project, written).catch(() => undefined)
      onDropped()
    }
    if (replaced !== null) return replaced
    const other = await store.get(upload, id)
    if (other === null) throw new AppError('upload_not_found')
    return other
  }
  return strip
}

export type StripUpload = ReturnType<typeof createStripUpload>
