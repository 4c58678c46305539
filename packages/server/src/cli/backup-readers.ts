import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../config/config.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Wanted } from '../kernel/embedded-backup-fetch.ts'
import { readIdentities } from '../kernel/embedded-backup-keys.ts'
import { AppError } from '../kernel/errors.ts'
import type { Flags } from './open-store.ts'

/** What was given to a command. */
export type Given = Record<string, unknown>

/** An option that is a text. */
export const textOf = (given: Given, name: string): string | undefined =>
  typeof given[name] === 'string' ? (given[name] as string) : undefined

/** What reads backups works on. */
export interface BackupReaders {
  readonly directory: string
  readonly rootKey: string
  readonly keysDirectory: string | null
  readonly identities: readonly string[]
}

interface Fetching {
  /** What of a bucket is fetched whole. */
  readonly wanted: Wanted
  /** A folder in which what is fetched has room; it is removed afterwards. */
  readonly beside: string
}

/**
 * Gives the folder of backups that `--from` names, and what opens them: a folder, or `copy` for the second place that is configured. What is
 * in a bucket is fetched for the time of the work. @throws AppError `backup_unavailable`, `backup_failed`
 */
export const withReaders = async <T>(
  flags: Flags,
  given: Given,
  { wanted, beside }: Fetching,
  work: (readers: BackupReaders) => Promise<T>,
): Promise<T> => {
  const { config, secrets } = await loadConfig({ flags })
  const { backups } = config
  const from = textOf(given, 'from')
  const isCopy = from === 'copy'
  const keys = isCopy ? (backups.copy.keys_directory ?? backups.keys_directory) : backups.keys_directory
  const readers = {
    rootKey: secrets.root_key.reveal(),
    keysDirectory: textOf(given, 'keys') ?? keys ?? null,
    identities: await readIdentities(textOf(given, 'identity') ?? backups.identity_file),
  }
  if (isCopy && backups.copy.directory === undefined) {
    const { bucketOf } = await import('../compose/blob-store.ts')
    const bucket = bucketOf(backups.copy.s3, secrets.backups_s3)
    if (bucket === null)
      throw new AppError('backup_unavailable', { detail: 'backups.copy names neither a folder nor a bucket.' })
    const { createBucketShelf } = await import('../kernel/embedded-backup-bucket.ts')
    const { fetchBackups } = await import('../kernel/embedded-backup-fetch.ts')
    await mkdir(beside, { recursive: true })
    const directory = await mkdtemp(join(beside, 'headgate-fetched-'))
    try {
      const shelf = createBucketShelf(bucket, { clock: systemClock, random: Math.random })
      await fetchBackups(shelf, directory, wanted)
      const reports = async () =>
        (await readdir(join(directory, 'drills')).catch(() => [])).map((one) => `drills/${one}`)
      const before = await reports()
      const done = await work({ ...readers, directory })
      // What a drill wrote stays where the backups are.
      for (const path of await reports()) if (!before.includes(path)) await shelf.put(path, join(directory, path))
      return done
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  const directory = isCopy ? backups.copy.directory : (from ?? backups.directory)
  if (directory === undefined)
    throw new AppError('backup_unavailable', { detail: 'backups.directory is not set; name the folder with --from.' })
  return work({ ...readers, directory })
}
