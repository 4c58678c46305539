import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createDiskBlobs } from './blobs.disk.ts'
import type { DatabaseConnection } from './db.ts'
import { AppError } from './errors.ts'
import { sumTables } from './embedded-backup-base.ts'
import { checkChain, checkPack, checkSignature, readObject } from './embedded-backup-check.ts'
import { readRootKeys } from './embedded-backup-keys.ts'
import {
  type BackupSigner,
  createBackupSigner,
  type FoundManifest,
  listBackups,
  placesIn,
  readHead,
  readManifest,
  type TableEvidence,
} from './embedded-backup-repository.ts'
import { withClient } from './embedded-backup-run.ts'
import { readSealed } from './embedded-backup-sealed.ts'
import { readSegmentName, segmentName } from './embedded-backup-segments.ts'
import { erasuresToReplay } from './embedded-erasures.ts'
import { layOut, recover, type Target } from './embedded-restore-recover.ts'
import { checkEmpty, discard, putInPlace } from './embedded-restore-target.ts'

export interface RestoreOptions {
  readonly directory: string
  readonly keysDirectory: string | null
  readonly identities: readonly string[]
  /** The root key at hand. */
  readonly rootKey: string
  readonly into: string
  readonly to: 'latest' | 'evidence' | { readonly time: Date }
  /** This base backup; else the one that fits. */
  readonly backup?: string
  /** The names of the contents that rows name, in the restored database. */
  readonly objectNames: (connection: DatabaseConnection) => AsyncIterable<string>
}

/** What a restore did. */
export interface Restored {
  readonly backup: string
  readonly folder: string
  /** The time of the last change that is there; null where none followed the base backup. */
  readonly last_change_at: string | null
  readonly files: number
  readonly segments: number
  readonly objects: number
  /** Contents that rows name and that are in no backup: erased soon after. */
  readonly objects_missing: number
  /** Whether the root key came from its own backup; else the one at hand fits. */
  readonly root_key: 'restored' | 'at hand'
  /** Erasures of people that the first start replays before it opens. */
  readonly erasures: number
  /** False: the note of the newest segment is of a Headgate that did not sign it, so that a cut at the end would not be seen. */
  readonly head_signed: boolean
  readonly tables: Readonly<Record<string, TableEvidence>>
}

/** The base backup that a restore begins with. @throws AppError `restore_time_out_of_reach`, `backup_not_found`, `backup_damaged` */
export const chooseBackup = async ({
  directory,
  backup,
  to,
}: Pick<RestoreOptions, 'directory' | 'backup' | 'to'>): Promise<FoundManifest> => {
  if (backup !== undefined) return readManifest(directory, backup)
  const ids = await listBackups(directory)
  const manifests: FoundManifest[] = []
  for (const id of ids) manifests.push(await readManifest(directory, id))
  if (typeof to === 'object') {
    const before = manifests.filter(({ evidence }) => Date.parse(evidence.at) <= to.time.getTime())
    const found = before.at(-1)
    if (found !== undefined) return found
    throw new AppError('restore_time_out_of_reach', {
      detail: `No backup is as old as that; the oldest is of ${manifests[0]?.evidence.at ?? 'no time'}.`,
    })
  }
  const head = await readHead(directory)
  const timeline = head !== null && segmentName.test(head.segment) ? readSegmentName(head.segment).timeline : undefined
  const newest = manifests.filter((one) => one.timeline === timeline).at(-1) ?? manifests.at(-1)
  if (newest === undefined) throw new AppError('backup_not_found', { detail: `There is no backup in ${directory}.` })
  return newest
}

/** Timelines that are taken already: a promoted server takes the next free one. */
const markTimelines = async (directory: string, segments: string): Promise<void> => {
  for (const name of await readdir(placesIn(directory).wal).catch(() => [] as string[])) {
    const timeline = /^[0-9A-F]{8}/.exec(name)?.[0]
    if (timeline !== undefined) await writeFile(join(segments, `${timeline}.history`), '')
  }
}

/**
 * Restores into an empty folder, made beside and renamed at the end: files, the whole chain of the WAL, contents of assets, the root key,
 * and the erasures that were asked for up to now. Before everything was checked nothing stands there.
 * @throws AppError `restore_refused`, `restore_time_out_of_reach`, `backup_not_found`, `backup_damaged`, `backup_key_wrong`
 */
export const restoreBackup = async (options: RestoreOptions): Promise<Restored> => {
  const { directory, keysDirectory, identities, to, objectNames } = options
  const folder = resolve(options.into)
  if (identities.length === 0) throw new AppError('backup_key_wrong', { detail: 'No identity was given.' })
  await checkEmpty(folder)
  const manifest = await chooseBackup(options)
  const restoredKeys = keysDirectory === null ? [] : await readRootKeys(keysDirectory, identities)
  const isMine = (key: string): boolean => createBackupSigner(key).isMine(manifest.text, manifest.signature)
  const rootKey = restoredKeys.find(isMine) ?? null
  const signers: BackupSigner[] = [options.rootKey, ...restoredKeys].map(createBackupSigner)
  checkSignature(manifest, signers)
  const erasures = (await readSealed(placesIn(directory).erasures, identities)).toString()

  const draft = `${folder}.restoring-${process.pid}`
  const segments = join(draft, 'wal-restored')
  await mkdir(dirname(draft), { recursive: true })
  await mkdir(segments, { recursive: true, mode: 0o700 })
  try {
    const cluster = await layOut(draft, manifest.folders)
    await checkPack(directory, manifest, identities, cluster)
    await writeFile(join(cluster, 'backup_label'), manifest.label, { mode: 0o600 })
    const until = typeof to === 'object' ? 'gap' : 'head'
    const chain = await checkChain({ directory, manifest, identities, signers, until, into: segments })
    await markTimelines(directory, segments)
    const target: Target =
      to === 'evidence'
        ? { lsn: manifest.evidence.lsn }
        : to === 'latest'
          ? 'latest'
          : { time: to.time.toISOString().replace('T', ' ').replace('Z', '+00') }
    const found = await recover(
      { folder: draft, segments, target, postgres: manifest.postgres },
      async (connection) => {
        const state = await withClient(connection, async (client) => {
          const { rows } = await client.query<{ at: Date | null }>('SELECT pg_last_xact_replay_timestamp() AS at')
          return { at: rows[0]?.at ?? null, tables: await sumTables(client) }
        })
        const blobs = createDiskBlobs(join(draft, 'assets'))
        const kept = new Set(
          (await readdir(placesIn(directory).objects, { recursive: true }).catch(() => [])) as string[],
        )
        let objects = 0
        let missing = 0
        if (manifest.objects !== null)
          for await (const name of objectNames(connection)) {
            if (!kept.has(join(name.slice(0, 2), `${name}.age`))) missing += 1
            else {
              await blobs.put(name, await readObject(directory, name, identities))
              objects += 1
            }
          }
        return { ...state, objects, missing }
      },
    ).catch((cause: unknown) => {
      if (chain.missing === null || !(cause instanceof AppError) || cause.code !== 'restore_time_out_of_reach')
        throw cause
      throw new AppError('backup_damaged', { cause, detail: `The segment ${chain.missing} of the WAL is missing.` })
    })
    if (found.missing > 0 && to !== 'evidence' && typeof to !== 'object')
      throw new AppError('backup_damaged', { detail: `${found.missing} contents of assets are in no backup.` })
    await rm(segments, { recursive: true, force: true })
    if (rootKey !== null) await writeFile(join(draft, 'root.key'), `${rootKey}\n`, { mode: 0o600 })
    await writeFile(join(draft, erasuresToReplay), erasures, { mode: 0o600, flush: true })
    await putInPlace(draft, folder)
    return {
      backup: manifest.id,
      folder,
      last_change_at: found.at?.toISOString() ?? null,
      files: manifest.pack.files.length,
      segments: chain.segments,
      objects: found.objects,
      objects_missing: found.missing,
      root_key: rootKey === null ? 'at hand' : 'restored',
      erasures: erasures.split('\n').filter((line) => line !== '').length,
      head_signed: chain.isHeadSigned,
      tables: found.tables,
    }
  } catch (cause) {
    await discard(draft)
    throw cause
  }
}
