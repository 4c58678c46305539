import { mkdir, readFile, writeFile } from 'node:fs/promises'
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
