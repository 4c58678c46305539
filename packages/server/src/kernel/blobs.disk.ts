import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Blobs, BlobsUnavailable, checkedName } from './blobs.ts'

const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'
const unavailable = (cause: unknown): BlobsUnavailable => new BlobsUnavailable('The folder of assets fails', { cause })

/** Files and folders that only the owner reads. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** Makes a name of a folder last: rename alone may be lost with the power. Not every file system lets a folder be synced. */
const syncFolder = async (folder: string): Promise<void> => {
  let handle: FileHandle | null = null
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } catch (cause) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'EACCES'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause
  } finally {
    await handle?.close()
  }
}

/**
 * Objects as files of a folder: written beside, synced, renamed, and the folder synced, so that a name never stands for half an object.
 * Names are spread over 256 folders.
 */
export const createDiskBlobs = (root: string): Blobs => {
  const folderOf = (name: string): string => join(root, name.slice(0, 2))
  /** One for each name, so that a crash leaves nothing that `remove` does not know. */
  const draftOf = (name: string): string => join(folderOf(name), `${name}.new`)
  const made = new Set<string>()

  const ready = async (folder: string): Promise<void> => {
    if (made.has(folder)) return
    const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
    if (first !== undefined) await syncFolder(root)
    made.add(folder)
  }

  const write = async (name: string, bytes: Buffer): Promise<void> => {
    const folder = folderOf(name)
    await ready(folder)
    const draft = draftOf(name)
    try {
      const handle = await open(draft, 'w', FILE_MODE)
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, join(folder, name))
    } catch (cause) {
      await rm(draft, { force: true }).catch(() => undefined)
      throw cause
    }
    await syncFolder(folder)
  }

  return {
    put: async (name, bytes) => {
      try {
        await write(checkedName(name), bytes)
      } catch (cause) {
        if (!isMissing(cause)) throw unavailable(cause)
        // Somebody has taken the folder away: it is made anew, once.
        made.clear()
        await write(name, bytes).catch((again: unknown) => {
          throw unavailable(again)
        })
      }
    },
    get: (name) =>
      readFile(join(folderOf(checkedName(name)), name)).catch((cause: unknown) => {
        throw unavailable(cause)
      }),
    remove: async (name) => {
      try {
        await rm(join(folderOf(checkedName(name)), name), { force: true })
        await rm(draftOf(name), { force: true })
      } catch (cause) {
        throw unavailable(cause)
      }
    },
  }
}
