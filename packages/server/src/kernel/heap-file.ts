import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'

/** A snapshot of the heap on its way out. */
export interface HeapFile {
  readonly bytes: number
  readonly chunks: () => AsyncIterable<Buffer>
  /** Lets go what is left of it. Later calls are ignored. */
  readonly close: () => Promise<void>
}

const CHUNK_BYTES = 262_144

async function* read(handle: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Bytes that a file in this folder can have. */
export const roomIn = async (folder: string): Promise<number> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Removes what a process left that ended in the middle of a snapshot. */
export const clearHeapFiles = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })

/**
 * Writes the heap of this thread to a file in `folder` and opens it: it has no name any more when this resolves, so it is gone with
 * the last reader, or with the process. The event loop stands still while it is written. On the disk and not in memory, because V8 makes its text at once.
 */
export const writeHeapFile = async (folder: string): Promise<HeapFile> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${process.pid}.heapsnapshot`)
  try {
    // Made beforehand, so that nobody else may read it for a moment.
    const handle = await open(path, 'wx+', 0o600)
    try {
      writeHeapSnapshot(path)
      const { size } = await handle.stat()
      let closing: Promise<void> | null = null
      return { bytes: size, chunks: () => read(handle), close: () => (closing ??= handle.close()) }
    } catch (cause) {
      await handle.close()
      throw cause
    }
  } finally {
    await rm(path, { force: true })
  }
}
