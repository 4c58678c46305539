import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdtemp, open, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../kernel/errors.ts'

/** An input that can be read from its beginning, more than once where that was asked for. */
export interface Input {
  readonly open: () => AsyncIterable<string>
  readonly close: () => Promise<void>
}

/** Texts of a stream of bytes; what is not UTF-8 is refused, for it would be written as something else. */
export async function* texts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new AppError('anonymise_input_invalid', { detail: 'The input is not UTF-8 throughout.', cause })
  }
}

/** Opens a file, or standard input by `-`; the latter is kept in a private file for the moment where it is read twice. */
export const openInput = async (path: string, twice: boolean): Promise<Input> => {
  if (path !== '-') return { open: () => texts(createReadStream(path)), close: async () => {} }
  if (!twice) return { open: () => texts(process.stdin), close: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'headgate-anonymise-'))
  const close = () => rm(folder, { recursive: true, force: true })
  const kept = join(folder, 'input')
  try {
    await pipeline(process.stdin, createWriteStream(kept, { mode: 0o600 }))
  } catch (cause) {
    await close()
    throw cause
  }
  return { open: () => texts(createReadStream(kept)), close }
}

/** Where an output goes: it exists when all of it is there and was found good, and not before. */
export interface Target {
  /** Writes all of it and returns its SHA-256. */
  readonly write: (parts: AsyncIterable<string>) => Promise<string>
  /** Puts it in its place. */
  readonly keep: () => Promise<void>
  /** Takes away what was written, where it was not kept. */
  readonly drop: () => Promise<void>
}

const hashing = (hash: ReturnType<typeof createHash>) =>
  async function* (parts: AsyncIterable<string>) {
    let buffer = ''
    for await (const part of parts) {
      buffer += part
      if (buffer.length < 65_536) continue
      const bytes = Buffer.from(buffer)
      hash.update(bytes)
      yield bytes
      buffer = ''
    }
    const bytes = Buffer.from(buffer)
    hash.update(bytes)
    yield bytes
  }

/** An output on standard output: what was written cannot be taken back there. */
const standardOutput = (): Target => ({
  write: async (parts) => {
    const hash = createHash('sha256')
    await pipeline(Readable.from(hashing(hash)(parts)), process.stdout, { end: false })
    return hash.digest('hex')
  },
  keep: async () => {},
  drop: async () => {},
})

/** Opens an output; a file that is there already is refused, the input among them. `-` is standard output. */
export const openTarget = async (path: string): Promise<Target> => {
  if (path === '-') return standardOutput()
  const draft = join(dirname(resolve(path)), `.${basename(path)}.${process.pid}.new`)
  const handle = await open(draft, 'wx', 0o600)
  const drop = () => rm(draft, { force: true })
  return {
    write: async (parts) => {
      const hash = createHash('sha256')
      await pipeline(Readable.from(hashing(hash)(parts)), handle.createWriteStream({ flush: true }))
      return hash.digest('hex')
    },
    keep: async () => {
      // A link, not a renaming: a file that came there in the meantime stays.
      await link(draft, path)
      await unlink(draft)
    },
    drop: async () => {
      await handle.close().catch(() => {})
      await drop()
    },
  }
}
