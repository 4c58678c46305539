import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A checkpoint in a file: a line of JSON. */
export interface FiledCheckpoint {
  readonly size: number
  readonly at: string
  readonly note: string
}

/** Room for one line and more. */
const TAIL_BYTES = 65_536

/** Reads a line; null for what is none, such as one that a power cut left half. */
const readLine = (line: string): FiledCheckpoint | null => {
  try {
    const read = JSON.parse(line) as Partial<FiledCheckpoint>
    return typeof read.size === 'number' && typeof read.note === 'string' ? (read as FiledCheckpoint) : null
  } catch {
    return null
  }
}

/**
 * Appends to a file of checkpoints what `newer` gives for the last one in it, and waits until it is on the disk. The folder is made
 * where it is missing; nothing in the file is ever changed.
 */
export const extendCheckpointFile = async (
  path: string,
  newer: (last: FiledCheckpoint | null) => Promise<readonly FiledCheckpoint[]>,
): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+', 0o600)
  try {
    const { size } = await file.stat()
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
    await file.read(tail, 0, tail.length, size - tail.length)
    const text = tail.toString('utf8')
    const last = text
      .split('\n')
      .map(readLine)
      .findLast((one) => one !== null)
    const lines = await newer(last ?? null)
    if (lines.length === 0) return
    const start = text === '' || text.endsWith('\n') ? '' : '\n'
    await file.appendFile(start + lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
}
