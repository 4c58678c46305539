import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another process has the data folder open. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  /** Of the holder, if it could be read. */
  readonly pid: number | undefined

  constructor(directory: string, pid: number | undefined) {
    super(
      `The data folder ${directory} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}. ` +
        'Stop that one first, or name another folder.',
    )
    this.pid = pid
  }
}

const SQLITE_BUSY = 5

// A lock that nothing refers to would be freed by the garbage collector.
const held = new Set<DatabaseSync>()

/**
 * Locks the data folder, made if it is missing, for this process, until `release` or its end, however it ends.
 *
 * Node has no flock. SQLite, which Node brings, takes a record lock of the operating system (fcntl, LockFileEx) on
 * its file: one winner however many try at once, gone with the process even by kill -9, not inherited by the
 * PostgreSQL child, and held across containers that share the folder. A socket that answers with a pid, or a pid
 * file, would need a second step to clear what a killed holder left, and two starters can race there.
 * The pid lies beside the lock only to be shown: the lock decides.
 * @throws {FolderInUse} when another process holds it.
 */
export const lockFolder = async (directory: string): Promise<{ release: () => void }> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const pidFile = join(directory, 'headgate.pid')
  const lock = new DatabaseSync(join(directory, 'headgate.lock'))
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
    throw new FolderInUse(directory, pid || undefined)
  }
  await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 })
  held.add(lock)
  const release = () => {
    if (held.delete(lock)) lock.close()
  }
  return { release }
}

/** Who holds the data folder: null for nobody, undefined for a process that cannot be named. Takes nothing and makes nothing. */
export const lockHolder = async (directory: string): Promise<number | null | undefined> => {
  const file = join(directory, 'headgate.lock')
  try {
    await access(file)
  } catch {
    return null
  }
  const lock = new DatabaseSync(file)
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE; ROLLBACK')
    return null
  } catch (cause) {
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause
    return Number(await readFile(join(directory, 'headgate.pid'), 'utf8').catch(() => '')) || undefined
  } finally {
    lock.close()
  }
}
