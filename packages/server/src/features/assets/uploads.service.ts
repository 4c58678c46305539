import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import type { BodyStream } from '../../kernel/route.ts'
import type { AssetBounds } from './assets.ports.ts'
import type { Chunk, ChunkStore } from './chunks.store.ts'
import type { Finish } from './finish-upload.ts'
import type { Checksum } from './tus-headers.ts'
import type { NewUpload, Upload, UploadStore } from './uploads.store.ts'
import type { WriteChunks } from './write-chunks.ts'

interface UploadsOptions {
  readonly store: UploadStore
  readonly chunks: Pick<ChunkStore, 'drop'>
  readonly write: WriteChunks
  readonly finish: Finish
  readonly bounds: () => AssetBounds
  /** Largest content. */
  readonly maxBytes: number
  /** Told when something is to be erased. */
  readonly onDropped: () => void
}

/** The rules of uploads: what is taken, where it goes on, when it has become an asset. */
export const createUploads = (options: UploadsOptions) => {
  const { store, chunks, write, finish, bounds, maxBytes, onDropped } = options
  const tooLarge = (limit: number): AppError =>
    new AppError('request_too_large', { detail: `There is room for ${limit} bytes.`, params: { limit_bytes: limit } })
  const elsewhere = (offset: number): AppError => new AppError('upload_offset_mismatch', { params: { offset } })

  /** Begins an upload. @throws AppError `request_too_large`, `asset_quota_exceeded`. */
  const begin = (caller: Caller, upload: NewUpload): Promise<Upload> => {
    if (upload.length > maxBytes) throw tooLarge(maxBytes)
    const { ownerBytes, uploadSeconds } = bounds()
    return store.add(upload, ownerBytes(caller), uploadSeconds)
  }

  /**
   * Goes on with an upload at its offset. What had come when the caller left is kept, unless a checksum was promised for the whole.
   * @returns the upload as it then stands.
   * @throws AppError `upload_offset_mismatch`, `upload_checksum_mismatch`, `request_too_large`, `client_closed_request`,
   * `asset_store_unavailable`.
   */
  const append = async (
    upload: Upload,
    offset: number,
    body: BodyStream,
    checksum: Checksum | null,
  ): Promise<Upload> => {
    if (offset !== upload.received) throw elsewhere(upload.received)
    const room = upload.length - upload.received
    if ((body.length ?? 0) > room) throw tooLarge(room)
    const { uploadSeconds } = bounds()
    const at = { received: upload.received, chunks: upload.chunks }
    const pending: Chunk[] = []
    const keep = async (more: readonly Chunk[]): Promise<void> => {
      if (more.length === 0) return
      if (!(await store.append(upload, at, more, uploadSeconds))) throw elsewhere(at.received)
      at.received += more.reduce((sum, { bytes }) => sum + bytes, 0)
      at.chunks += more.length
    }
    const pieces = async function* (): AsyncGenerator<Buffer> {
      let size = 0
      for await (const piece of body.pieces()) {
        size += piece.length
        if (size > room) throw tooLarge(room)
        checksum?.update(piece)
        yield piece
      }
    }
    let last: Chunk | null = null
    try {
      await write(upload, pieces(), async (chunk) => {
        last = chunk
        pending.push(chunk)
        if (checksum === null) await keep(pending.splice(0))
        last = null
      })
      if (checksum !== null && !checksum.fits()) throw new AppError('upload_checksum_mismatch')
      await keep(pending.splice(0))
    } catch (fault) {
      const lost = [...pending, ...(last === null ? [] : [last])]
      if (lost.length > 0) {
        await chunks.drop(upload.project, lost).catch(() => undefined)
        onDropped()
      }
      throw fault
    }
    return { ...upload, ...at }
  }

  return {
    begin,
    append,

    /** Takes a content that is sent at once: all of it, or nothing stays. @throws AppError as `begin`, `append` and `finish` do, `length_required`. */
    whole: async (caller: Caller, upload: Omit<NewUpload, 'length' | 'role'>, body: BodyStream): Promise<number> => {
      if (body.length === null) throw new AppError('length_required')
      const begun = await begin(caller, { ...upload, role: 'whole', length: body.length })
      try {
        const there = await append(begun, 0, body, null)
        if (there.received < there.length) throw new AppError('client_closed_request')
        return (await finish(there)) as number
      } finally {
        await store.remove(begun, begun.id)
        onDropped()
      }
    },
  }
}

export type Uploads = ReturnType<typeof createUploads>
