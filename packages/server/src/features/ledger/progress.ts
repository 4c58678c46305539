import { closeSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { randomHex } from '../../kernel/ids.ts'

/** How many output tokens each open call has handed to its caller at least, in a file that outlives this process. */
export interface Progress {
  /** A free slot and the tag that tells this use of it from others; slot -1 when the disk gave no room. */
  take(): { readonly slot: number; readonly tag: number }
  write(slot: number, tag: number, tokens: number): void
  free(slot: number): void
  close(): void
}

const RECORD_BYTES = 8
const FIRST_SLOTS = 1024
const NAME = /^(\d{12})\.progress$/

const fileOf = (directory: string, segment: number): string =>
  join(directory, `${String(segment).padStart(12, '0')}.progress`)

/** Opens the slots of a process whose journal begins at `segment`; a file of that number has no journal any more. */
export const openProgress = (directory: string, segment: number): Progress => {
  const record = Buffer.alloc(RECORD_BYTES)
  const free: number[] = []
  let descriptor = -1
  let slots = 0
  // Unlike those of other processes: after a power cut the file of an earlier one may stand where this one's did.
  let tags = Number.parseInt(randomHex(4), 16)

  /** Writes zeros, because a hole in a file could find the disk full at the moment of marking. */
  const grow = (): boolean => {
    try {
      if (descriptor < 0) descriptor = openSync(fileOf(directory, segment), 'w', 0o600)
      const more = Math.max(FIRST_SLOTS, slots)
      const zeros = Buffer.alloc(more * RECORD_BYTES)
      if (writeSync(descriptor, zeros, 0, zeros.length, slots * RECORD_BYTES) !== zeros.length) return false
      for (let slot = slots + more - 1; slot >= slots; slot--) free.push(slot)
      slots += more
      return true
    } catch {
      return false
    }
  }

  return {
    take: () => {
      tags = (tags + 1) >>> 0 || 1
      return { slot: free.length > 0 || grow() ? (free.pop() as number) : -1, tag: tags }
    },
    write: (slot, tag, tokens) => {
      if (slot < 0 || descriptor < 0) return
      record.writeUInt32LE(tag, 0)
      record.writeUInt32LE(tokens, 4)
      writeSync(descriptor, record, 0, RECORD_BYTES, slot * RECORD_BYTES)
    },
    free: (slot) => {
      if (slot >= 0) free.push(slot)
    },
    close: () => {
      if (descriptor >= 0) closeSync(descriptor)
      descriptor = -1
    },
  }
}

/** Reads what processes up to a segment left: the tokens marked for a slot's tag, by the segment of its intent. */
export const readProgress = (directory: string, lastSegment: number) => {
  const files = readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .filter((segment) => segment <= lastSegment)
    .sort((a, b) => a - b)
  const contents = new Map(files.map((segment) => [segment, readFileSync(fileOf(directory, segment))]))
  return {
    tokensOf: (segment: number, slot: number, tag: number): number => {
      const owner = files.findLast((first) => first <= segment)
      const bytes = owner === undefined ? undefined : contents.get(owner)
      const offset = slot * RECORD_BYTES
      if (!bytes || slot < 0 || offset + RECORD_BYTES > bytes.length || bytes.readUInt32LE(offset) !== tag) return 0
      return bytes.readUInt32LE(offset + 4)
    },
    remove: () => {
      for (const segment of files) unlinkSync(fileOf(directory, segment))
    },
  }
}
