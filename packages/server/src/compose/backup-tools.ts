import { join } from 'node:path'
import packageDescription from '../../package.json' with { type: 'json' }
import type { Settings } from '../config/config.ts'
import { objectNames } from '../features/assets/object-names.store.ts'
import { readJournal } from '../features/privacy/journal.store.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Database, type DatabaseConnection, openDatabase } from '../kernel/db.ts'
import type { Bucket } from '../kernel/bucket.ts'
import { outboxIn } from '../kernel/embedded-archive.ts'
import { createBucketShelf } from '../kernel/embedded-backup-bucket.ts'
import { type Copied, type CopyState, createCopier } from '../kernel/embedded-backup-copy.ts'
import { backUpRootKey, readIdentities, readRootKeys, rootKeyFile } from '../kernel/embedded-backup-keys.ts'
import { type Ladder, pruneBackups } from '../kernel/embedded-backup-prune.ts'
import { createBackupSigner, type Manifest, placesIn, type TellProgress } from '../kernel/embedded-backup-repository.ts'
import { holdBackups, readFacts, runBackup, withClient } from '../kernel/embedded-backup-run.ts'
import { createVault, textBytes } from '../kernel/embedded-backup-sealed.ts'
import { createShipper } from '../kernel/embedded-backup-ship.ts'
import { type Verified, verifyBackup } from '../kernel/embedded-backup-verify.ts'
import { createFolderShelf, type Shelf } from '../kernel/embedded-backup-shelf.ts'
import { FolderInUse, lockFolder } from '../kernel/embedded-lock.ts'
import { AppError } from '../kernel/errors.ts'
import { silentLog } from '../kernel/log.ts'
import { bucketOf } from './blob-store.ts'

/** What makes backups needs to know; it can be handed to a worker. */
export interface BackupOptions {
  readonly directory: string
  readonly keysDirectory: string | null
  /** Where the backups are copied to: a folder or a bucket; null: nowhere. */
  readonly copy: string | Bucket | null
  readonly copyKeysDirectory: string | null
  readonly recipients: readonly string[]
  readonly keep: Ladder
  readonly dataDirectory: string
  /** The folder of contents of assets; null where they are in a bucket. */
  readonly objects: string | null
  readonly rootKey: string
  /** File with an identity that opens the backups; null: they are verified from outside only. */
  readonly identityFile: string | null
}

/** As configured. @throws AppError `backup_unavailable` where no backups are made. */
export const backupOptions = ({ config, secrets }: Pick<Settings, 'config' | 'secrets'>): BackupOptions => {
  if (secrets.database_url !== undefined)
    throw new AppError('backup_unavailable', {
      detail:
        'The database is an external one (database_url): set backups.engine to pgbackrest, or use tools of its own.',
    })
  const { directory, keys_directory, recipients, keep, copy, identity_file } = config.backups
  if (directory === undefined) throw new AppError('backup_unavailable', { detail: 'backups.directory is not set.' })
  return {
    ...{ directory, recipients, keep, dataDirectory: config.data_dir },
    keysDirectory: keys_directory ?? null,
    copy: copy.directory ?? bucketOf(copy.s3, secrets.backups_s3),
    copyKeysDirectory: copy.keys_directory ?? null,
    objects: config.assets.s3.bucket === undefined ? (config.assets.folder ?? join(config.data_dir, 'assets')) : null,
    rootKey: secrets.root_key.reveal(),
    identityFile: identity_file ?? null,
  }
}

/** Where the backups are copied to. */
export const shelfOf = (place: string | Bucket, clock: Clock): Shelf =>
  typeof place === 'string' ? createFolderShelf(place) : createBucketShelf(place, { clock, random: Math.random })

/** A base backup that was made, and what was done beside it. */
export interface MadeBackup extends Manifest {
  readonly root_key: 'backed up' | 'not backed up' | 'elsewhere'
  /** Backups that the ladder keeps no longer. */
  readonly removed: readonly string[]
}

interface ToolGround {
  readonly database: Database
  readonly connection: DatabaseConnection
  readonly clock: Clock
  /** Told how far the copy is. */
  readonly onCopyState?: (state: CopyState) => void
}

/** What makes backups of a store that is open. */
export const createBackupTools = async (
  options: BackupOptions,
  { database, connection, clock, onCopyState }: ToolGround,
) => {
  const { directory, keysDirectory, copyKeysDirectory, dataDirectory, rootKey, keep } = options
  const vault = await createVault(options.recipients)
  const signer = createBackupSigner(rootKey)
  const shipper = createShipper({ ...options, outbox: outboxIn(dataDirectory), vault, signer })
  const shelf = options.copy === null ? null : shelfOf(options.copy, clock)
  const copier =
    shelf === null
      ? null
      : createCopier({ directory, shelf, now: clock.now, ...(onCopyState && { onState: onCopyState }) })
  /** As it was written last. */
  let journal: string | null = null
  const writeJournal = async (): Promise<void> => {
    const text = (await readJournal(database)).map((entry) => `${JSON.stringify(entry)}\n`).join('')
    if (text === journal) return
    await vault.write(placesIn(directory).erasures, textBytes(text))
    journal = text
  }
  const keepRootKey = async (): Promise<MadeBackup['root_key']> => {
    if ((await rootKeyFile(dataDirectory)) !== rootKey) return 'elsewhere'
    if (keysDirectory === null && copyKeysDirectory === null) return 'not backed up'
    for (const folder of [keysDirectory, copyKeysDirectory])
      if (folder !== null) await backUpRootKey(vault, folder, rootKey, clock.now())
    return 'backed up'
  }
  return {
    /** Takes over what is new: contents, segments, erasures. @throws AppError `backup_running`, `backup_failed` */
    ship: async (): Promise<{ readonly segments: number; readonly objects: number }> => {
      const held = await holdBackups(dataDirectory)
      try {
        await writeJournal()
        return await shipper.ship((await withClient(connection, readFacts)).system)
      } finally {
        held.release()
      }
    },
    /** Makes a base backup with all that belongs to it. @throws AppError `backup_running`, `backup_failed`, `backup_unavailable` */
    run: async (onProgress: TellProgress = () => {}): Promise<MadeBackup> => {
      await writeJournal()
      const manifest = await runBackup({
        ...{ connection, directory, vault, shipper, dataDirectory },
        ...{ signer, onProgress },
        version: packageDescription.version,
        now: clock.now,
      })
      await writeJournal()
      const root_key = await keepRootKey()
      return { ...manifest, root_key, removed: await pruneBackups(createFolderShelf(directory), keep) }
    },
    /** Reads a backup whole, decrypted where an identity is at hand. @throws AppError `backup_not_found`, `backup_damaged`, `backup_key_wrong` */
    verify: async (id: string, onProgress: TellProgress = () => {}): Promise<Verified> => {
      const identities = await readIdentities(options.identityFile ?? undefined)
      const keys =
        keysDirectory === null || identities.length === 0 ? [] : await readRootKeys(keysDirectory, identities)
      const signers = [signer, ...keys.map(createBackupSigner)]
      return verifyBackup(directory, id, identities, signers, onProgress)
    },
    /**
     * Copies to the second place what is missing there; once a base backup has arrived, the ladder holds there too, by itself: what is lost
     * here is not removed there. Null where there is none, or another process is at it. @throws AppError `backup_failed`
     */
    copy: async (): Promise<Copied | null> => {
      if (copier === null || shelf === null) return null
      const lock = await lockFolder(join(dataDirectory, 'backup-copy-lock')).catch((cause: unknown) => {
        if (cause instanceof FolderInUse) return null
        throw cause
      })
      if (lock === null) return null
      try {
        const copied = await copier.copy()
        if (copied.hasBase && (await pruneBackups(shelf, keep)).length > 0) copier.forget()
        return copied
      } finally {
        lock.release()
      }
    },
  }
}

/** The names of all contents in a restored database. */
export const namesIn = async function* (connection: DatabaseConnection): AsyncIterable<string> {
  const database = openDatabase({ connection, log: silentLog, poolSize: 1, statementTimeoutMs: 600_000 })
  try {
    yield* objectNames(database)
  } finally {
    await database.close()
  }
}
