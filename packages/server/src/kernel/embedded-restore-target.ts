import { readdir, readFile, realpath, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from './errors.ts'
import { lockHolder } from './embedded-lock.ts'
import { syncFolder } from './embedded-backup-sealed.ts'

/** What the start of a command may have made in a folder that is otherwise empty. */
const HARMLESS = new Set(['root.key', 'headgate.lock', 'headgate.pid'])

const listed = (folder: string): Promise<string[]> =>
  readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw new AppError('restore_refused', { cause, detail: `${folder} cannot be used: ${cause.message}.` })
  })

/** Nothing is ever restored over something. @throws AppError `restore_refused` */
export const checkEmpty = async (folder: string): Promise<void> => {
  const names = await listed(folder)
  const holder = await lockHolder(folder)
  if (holder !== null)
    throw new AppError('restore_refused', {
      detail: `The folder ${folder} is in use by process ${holder ?? 'unknown'}.`,
    })
  const other = names.filter((name) => !HARMLESS.has(name))
  if (other.length > 0)
    throw new AppError('restore_refused', { detail: `The folder ${folder} is not empty: it has ${other[0]}.` })
}

/** Puts what was restored in place, in one step; a root key that stood there is kept beside where it is another. @throws AppError `restore_refused` */
export const putInPlace = async (draft: string, folder: string): Promise<void> => {
  await checkEmpty(folder)
  const keyOf = (path: string) => readFile(join(path, 'root.key'), 'utf8').catch(() => null)
  const [there, restored] = [await keyOf(folder), await keyOf(draft)]
  if (there !== null && there !== restored)
    await rename(join(folder, 'root.key'), join(draft, restored === null ? 'root.key' : 'root.key.before-restore'))
  for (const name of await listed(folder)) await rm(join(folder, name), { force: true })
  await rmdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause
  })
  await rename(draft, folder)
  await syncFolder(dirname(await realpath(folder)))
}

/** Removes a folder that was restored into, with the folder of its socket where that is elsewhere. */
export const discard = async (folder: string): Promise<void> => {
  const socket = (await readFile(join(folder, 'socket-folder'), 'utf8').catch(() => '')).trim()
  if (/\/headgate-[A-Za-z0-9]+$/.test(socket)) await rm(socket, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
}
