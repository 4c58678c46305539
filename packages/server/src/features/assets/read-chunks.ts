import type { BlobPort } from './assets.ports.ts'
import type { Chunk, ChunkStore } from './chunks.store.ts'
import { storeFault } from './write-chunks.ts'

/** A part of a content: from this byte, so many. */
export interface Span {
  readonly from: number
  readonly bytes: number
}

/** Gives a content back, or a part of it, chunk by chunk. Throws AppError `asset_store_unavailable` where an object is lost. */
export const createChunkReader = (chunks: Pick<ChunkStore, 'of' | 'open'>, blobs: Pick<BlobPort, 'get'>) => {
  const read = async function* (
    project: string,
    held: readonly Chunk[],
    { from, bytes }: Span,
  ): AsyncGenerator<Buffer> {
    let at = 0
    for (const chunk of held) {
      const [start, end] = [Math.max(0, from - at), Math.min(chunk.bytes, from + bytes - at)]
      at += chunk.bytes
      if (start >= end) continue
      const sealed = await blobs.get(chunk.object).catch((cause: unknown) => {
        throw storeFault(cause)
      })
      const plain = await chunks.open(project, chunk, sealed)
      yield plain.subarray(start, end)
    }
  }
  return {
    /** The bytes of a holder, of whose chunks the list is read before this resolves. */
    open: async (project: string, holder: string, span: Span): Promise<AsyncGenerator<Buffer>> =>
      read(project, await chunks.of(project, holder), span),
  }
}

export type ReadChunks = ReturnType<typeof createChunkReader>
