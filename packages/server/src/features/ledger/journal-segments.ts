import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** A place in the journal: a segment's number and a byte in it. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

const COPY_BYTES = 1024 * 1024
const NAME = /^(\d{12})\.log$/

const fileOf = (directory: string, segment: number): string =>
  join(directory, `${String(segment).padStart(12, '0')}.log`)

/** The numbers of the segments in a folder, the oldest first. */
export const listSegments = (directory: string): number[] =>
  readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)

/** Makes a segment that did not exist, and its name durable. */
export const createSegment = (directory: string, segment: number): number => {
  const descriptor = openSync(fileOf(directory, segment), 'ax', 0o600)
  try {
    const folder = openSync(directory, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (cause) {
    closeSync(descriptor)
    throw cause
  }
  return descriptor
}

export const removeSegment = (directory: string, segment: number): Promise<void> => unlink(fileOf(directory, segment))

/**
 * Brings to the disk itself what a process left to the system when it died, and answers how many bytes it wrote for that. With
 * `anew` it writes the same bytes in their place: a sync of that process may have failed, and then the system takes for clean what
 * never got to the disk.
 */
export const syncSegment = async (directory: string, segment: number, anew: boolean): Promise<number> => {
  const file = await open(fileOf(directory, segment), 'r+')
  try {
    let written = 0
    if (anew) {
      const buffer = Buffer.allocUnsafe(COPY_BYTES)
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, COPY_BYTES, written)
        if (bytesRead === 0) break
        written += (await file.write(buffer, 0, bytesRead, written)).bytesWritten
      }
    }
    await file.datasync()
    return written
  } finally {
    await file.close()
  }
}

/** Whole lines of a segment from a byte on, and the byte after them; nothing when no whole line follows. */
export const readLines = async (
  directory: string,
  from: Position,
  maximumBytes: number,
): Promise<{ lines: string[]; offset: number }> => {
  const file = await open(fileOf(directory, from.segment), 'r')
  try {
    for (let size = maximumBytes; ; size *= 2) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, from.offset)
      const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1
      // A line longer than what was asked for: ask for more.
      if (end === 0 && bytesRead === size) continue
      const text = buffer.toString('utf8', 0, Math.max(end - 1, 0))
      return { lines: end === 0 ? [] : text.split('\n'), offset: from.offset + end }
    }
  } finally {
    await file.close()
  }
}
