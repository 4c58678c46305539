import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelLog } from './db.ts'
import { type MovedTable, moveStore } from './db-move.ts'
import { startEmbedded } from './embedded.ts'
import { EmbeddedUnavailable } from './embedded-binaries.ts'
import { lockFolder } from './embedded-lock.ts'
import { finishedUpgrade, upgradeFolder } from './embedded-upgrade-mark.ts'
import { migrate } from './migrate.ts'

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

const majorOf = async (directory: string): Promise<string> =>
  (await readFile(join(directory, 'PG_VERSION'), 'utf8').catch(() => '')).trim()

/** Puts the new cluster into its place and the old one aside; each step may have been done already. */
const takeOver = async (dataDirectory: string): Promise<string> => {
  const lock = await lockFolder(dataDirectory)
  try {
    const [old, made] = [join(dataDirectory, 'postgres'), join(upgradeFolder(dataDirectory), 'postgres')]
    const aside = (await readFile(finishedUpgrade(dataDirectory), 'utf8')).trim()
    if (await isThere(made)) {
      if (await isThere(old)) await rename(old, aside)
      await rename(made, old)
    }
    await rm(upgradeFolder(dataDirectory), { recursive: true, force: true })
    return aside
  } finally {
    lock.release()
  }
}

/** What an upgrade did. */
export interface Upgraded {
  readonly from: string
  readonly tables: readonly MovedTable[]
  /** Where the old cluster lies. */
  readonly aside: string
}

/**
 * Enters a new major version of the embedded PostgreSQL: the old cluster is started with the old version's programs, everything is copied into a
 * new one beside it, compared, and the two change places; the old one stays. Broken off, it begins again, or ends what was left to do.
 * @throws {EmbeddedUnavailable} when there is nothing to do or the old programs do not fit; {FolderInUse} when a server runs.
 */
export const upgradeStore = async (options: {
  readonly dataDirectory: string
  /** The folder of the platform package of the old version; that of this one, to write the same version anew. */
  readonly oldPackage?: string
  readonly log: KernelLog
  readonly onTable?: (moved: MovedTable) => void
}): Promise<Upgraded> => {
  const { dataDirectory, oldPackage, log, onTable } = options
  const old = join(dataDirectory, 'postgres')
  if (await isThere(finishedUpgrade(dataDirectory)))
    return { from: await majorOf(old), tables: [], aside: await takeOver(dataDirectory) }
  const from = await majorOf(old)
  if (from === '') throw new EmbeddedUnavailable(`There is no embedded database in ${dataDirectory}.`)
  const source = await startEmbedded({
    dataDirectory,
    log,
    ...(oldPackage !== undefined && { packageDirectory: oldPackage }),
  })
  let tables: readonly MovedTable[]
  try {
    await migrate({ connection: source.connection, log })
    const folder = upgradeFolder(dataDirectory)
    // What a broken off upgrade left.
    await rm(folder, { recursive: true, force: true })
    const target = await startEmbedded({ dataDirectory: folder, log })
    try {
      tables = await moveStore({ from: source.connection, to: target.connection, log, ...(onTable && { onTable }) })
    } finally {
      await target.stop()
    }
  } finally {
    await source.stop()
  }
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  await writeFile(finishedUpgrade(dataDirectory), `${old}-${from}-${time}`, { mode: 0o600 })
  return { from, tables, aside: await takeOver(dataDirectory) }
}
