import { AppError } from '../../kernel/errors.ts'
import type { BlobPort, Owner } from './assets.ports.ts'
import type { Chunk, ChunkStore } from './chunks.store.ts'

/** Bytes of an object before it is sealed: what a crash may cost of an upload, and what one upload holds in memory. */
export const CHUNK_BYTES = 2_097_152

/** What the store of objects throws is the house’s own matter. */
export const storeFault = (cause: unknown): AppError =>
  cause instanceof AppError ? cause : new AppError('asset_store_unavailable', { cause })

/**
 * Cuts a stream into chunks, of which the last may be short. Where the stream breaks off, what had come is given before the fault is
 * thrown.
 */
async function* cut(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let size = 0
  const take = (): Buffer => {
    const chunk = Buffer.concat(waiting, size)
    waiting = []
    size = 0
    return chunk
  }
  let fault: unknown = null
  try {
    for await (const piece of pieces)
      for (let at = 0; at < piece.length; ) {
        const part = piece.subarray(at, at + CHUNK_BYTES - size)
        waiting.push(part)
        size += part.length
        at += part.length
        if (size === CHUNK_BYTES) yield take()
      }
  } catch (cause) {
    fault = cause
  }
  if (size > 0) yield take()
  if (fault !== null) throw fault
}

/** Seals and stores chunks, one after the other; each is told to `taken` once it will survive a crash. */
export const createChunkWriter =
  (chunks: Pick<ChunkStore, 'prepare'>, blobs: Pick<BlobPort, 'put'>) =>
  async (owner: Owner, pieces: AsyncIterable<Buffer>, taken: (chunk: Chunk) => Promise<void>): Promise<void> => {
    for await (const plain of cut(pieces)) {
      const { chunk, sealed } = await chunks.prepare(owner, plain)
      await blobs.put(chunk.object, sealed).catch((cause: unknown) => {
        throw storeFault(cause)
      })
      await taken(chunk)
    }
  }

export type WriteChunks = ReturnType<typeof createChunkWriter>
