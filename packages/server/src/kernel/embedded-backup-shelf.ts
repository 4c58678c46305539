import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from './errors.ts'
import { measure, syncFolder } from './embedded-backup-sealed.ts'

/** A file on a shelf. */
export interface ShelvedFile {
  /** Below the shelf, with slashes. */
  readonly path: string
  readonly bytes: number
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number
}

/** A place that holds the files of a folder of backups: a folder, or a bucket. */
export interface Shelf {
  /** For operators: the folder, or the bucket. */
  readonly name: string
  /** @throws AppError `backup_failed` where it cannot be read */
  readonly list: () => Promise<ShelvedFile[]>
  /** A small file; null where it is not there. @throws AppError `backup_failed` */
  readonly read: (path: string) => Promise<Buffer | null>
  /** Copies a file of this machine, or what is given, there, whole or not at all. @throws AppError `backup_failed` */
  readonly put: (path: string, source: string | Buffer) => Promise<void>
  /** Copies a file from there to this machine. @throws AppError `backup_failed` */
  readonly fetch: (path: string, target: string) => Promise<void>
  /** Removes a file, which may be gone already. @throws AppError `backup_failed` */
  readonly remove: (path: string) => Promise<void>
}

/** Whether a fault of the disk says that a file is not there. */
export const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'

/** A file that is still being written. */
const draft = /\.new$/

/** What needs something comes before it, so that whatever is listed has what it needs in the list. */
const turnOf = (name: string): number => ['base', 'wal', 'objects'].indexOf(name) >>> 0

/** Files of a folder of backups, as they lie there now. @throws as `readdir`, but for a folder that is not there */
export const listFiles = async (directory: string): Promise<ShelvedFile[]> => {
  const found: ShelvedFile[] = []
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(directory, below), { withFileTypes: true }).catch((cause: unknown) => {
      if (isMissing(cause)) return []
      throw cause
    })
    for (const entry of entries.sort((one, other) => turnOf(one.name) - turnOf(other.name))) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) await walk(path)
      else if (entry.isFile() && !draft.test(entry.name)) {
        const state = await stat(join(directory, path)).catch((cause: unknown) => {
          // Removed in the meantime.
          if (isMissing(cause)) return null
          throw cause
        })
        if (state !== null) found.push({ path, bytes: state.size, at: state.mtimeMs })
      }
    }
  }
  await walk('')
  return found
}

const digestOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** A folder as a shelf. */
export const createFolderShelf = (directory: string): Shelf => {
  const failing = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      // What was to be copied is gone: that says nothing of the shelf.
      if (cause instanceof AppError || isMissing(cause)) throw cause
      throw new AppError('backup_failed', { cause, detail: `${directory} ${what}: ${(cause as Error).message}.` })
    }
  }
  return {
    name: directory,
    list: () => failing('cannot be read', () => listFiles(directory)),
    read: (path) =>
      failing('cannot be read', () =>
        readFile(join(directory, path)).catch((cause: unknown) => {
          if (isMissing(cause)) return null
          throw cause
        }),
      ),
    put: (path, source) =>
      failing('cannot be written to', async () => {
        const target = join(directory, path)
        const began = `${target}.${process.pid}.new`
        try {
          const mtime = typeof source === 'string' ? (await stat(source)).mtime : new Date()
          const content = typeof source === 'string' ? createReadStream(source) : Readable.from([source])
          await mkdir(dirname(target), { recursive: true, mode: 0o700 })
          const read = measure()
          await pipeline(content, read.pass, createWriteStream(began, { mode: 0o600, flush: true }))
          if ((await digestOf(began)) !== read.result().sha256)
            throw new AppError('backup_failed', { detail: `${target} reads otherwise than it was written.` })
          await utimes(began, mtime, mtime)
          await rename(began, target)
          await syncFolder(dirname(target))
        } catch (cause) {
          await rm(began, { force: true }).catch(() => undefined)
          throw cause
        }
      }),
    fetch: (path, target) =>
      failing('cannot be read', async () => {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        await pipeline(createReadStream(join(directory, path)), createWriteStream(target, { mode: 0o600 }))
      }),
    remove: (path) => failing('cannot be written to', () => rm(join(directory, path), { force: true })),
  }
}
