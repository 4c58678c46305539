import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { clientConfig, type DatabaseConnection } from './db.ts'
import { AppError } from './errors.ts'
import { listCluster, packFiles, sizeOf, takeEvidence } from './embedded-backup-base.ts'
import {
  type BackupSigner,
  digestNames,
  listBackups,
  type Manifest,
  type PackedFile,
  placesIn,
  type TellProgress,
  writeManifest,
} from './embedded-backup-repository.ts'
import { type createShipper, listArchive } from './embedded-backup-ship.ts'
import { type Vault, writeWhole } from './embedded-backup-sealed.ts'
import { nameSegment, segmentOf } from './embedded-backup-segments.ts'
import { FolderInUse, lockFolder } from './embedded-lock.ts'

export interface RunBackupOptions {
  readonly connection: DatabaseConnection
  readonly dataDirectory: string
  readonly directory: string
  readonly vault: Vault
  readonly shipper: ReturnType<typeof createShipper>
  readonly signer: BackupSigner
  /** Version of Headgate. */
  readonly version: string
  readonly now: () => number
  /** Longest wait until the last segment was archived. */
  readonly archiveMs?: number
  readonly onProgress?: TellProgress
}

const ARCHIVE_MS = 120_000
const POLL_MS = 200
/** A server that takes segments over holds it for a moment. */
const TRIES = 50
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Holds what only one process at a time may do. @throws AppError `backup_running` */
export const holdBackups = async (dataDirectory: string, tries = 1): Promise<{ release: () => void }> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await lockFolder(join(dataDirectory, 'backup-lock'))
    } catch (cause) {
      if (!(cause instanceof FolderInUse)) throw cause
      if (attempt >= tries) throw new AppError('backup_running')
      await pause(POLL_MS)
    }
  }
}

interface Facts {
  readonly system: string
  readonly timeline: number
  readonly archives: boolean
  readonly elsewhere: string
  readonly major: string
}

/** What the cluster says of itself. */
export const readFacts = async (client: pg.Client): Promise<Facts> => {
  const { rows } = await client.query<Facts>(
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
            ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline,
            current_setting('archive_mode') = 'on' AS archives,
            (SELECT count(*)::text FROM pg_tablespace WHERE spcname NOT LIKE 'pg\\_%') AS elsewhere,
            (current_setting('server_version_num')::int / 10000)::text AS major`,
  )
  return rows[0] as Facts
}

/** Opens a client without bounds on time, for as long as the work takes. */
export const withClient = async <T>(connection: DatabaseConnection, work: (client: pg.Client) => Promise<T>) => {
  const client = new pg.Client({ ...clientConfig(connection), application_name: 'headgate-backup' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET timezone = 'UTC'")
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Makes a base backup while the database is in use: `pg_backup_start`, a copy of the files, `pg_backup_stop`, what stands in the tables
 * at a place of the WAL after it, and everything archived up to there. It counts once its manifest is written.
 * @throws AppError `backup_running`, `backup_unavailable`, `backup_failed`
 */
export const runBackup = async (options: RunBackupOptions): Promise<Manifest> => {
  const {
    connection,
    dataDirectory,
    directory,
    vault,
    shipper,
    signer,
    now,
    archiveMs = ARCHIVE_MS,
    onProgress = () => {},
  } = options
  const places = placesIn(directory)
  const started = new Date(now()).toISOString()
  const id = `${started.replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}-${randomBytes(2).toString('hex')}`
  const cluster = join(dataDirectory, 'postgres')
  const work = async (client: pg.Client): Promise<Manifest> => {
    const facts = await readFacts(client)
    if (!facts.archives)
      throw new AppError('backup_unavailable', {
        detail: 'PostgreSQL was started without an archive: set backups.directory and start Headgate anew.',
      })
    if (facts.elsewhere !== '0')
      throw new AppError('backup_unavailable', { detail: 'The database has tablespaces outside of its folder.' })
    await shipper.ship(facts.system)
    const begun = await client.query<{ lsn: string }>('SELECT pg_backup_start($1, true)::text AS lsn', [
      `headgate ${id}`,
    ])
    const startLsn = begun.rows[0]?.lsn as string
    const { files, folders } = await listCluster(cluster)
    const packed: PackedFile[] = []
    const total = await sizeOf(cluster, files)
    let done = 0
    const pack = await vault.write(
      places.pack(id),
      packFiles(cluster, files, (file) => {
        packed.push(file)
        done += file.bytes
        onProgress({ stage: 'files', done, total: Math.max(total, done) })
      }),
    )
    const ended = await client.query<{ lsn: string; label: string }>(
      'SELECT lsn::text, labelfile AS label FROM pg_backup_stop(false)',
    )
    const { lsn: stopLsn, label } = ended.rows[0] as { lsn: string; label: string }
    onProgress({ stage: 'archive', done, total: done })
    const evidence = await takeEvidence(client)
    await client.query(`SELECT pg_create_restore_point($1)`, [`headgate-${id}`])
    const last = await client.query<{ segment: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS segment')
    await client.query('SELECT pg_switch_wal()')
    const endSegment = last.rows[0]?.segment as string
    const deadline = performance.now() + archiveMs
    for (;;) {
      await shipper.ship(facts.system)
      if ((await listArchive(directory)).has(endSegment)) break
      if (performance.now() > deadline)
        throw new AppError('backup_failed', {
          detail: `PostgreSQL did not archive ${endSegment} in time; see its log.`,
        })
      await pause(POLL_MS)
    }
    const names = await shipper.listObjects()
    if (names !== null) await writeWhole(places.objectList(id), names.map((name) => `${name}\n`).join(''))
    const manifest: Manifest = {
      format: 1,
      id,
      started_at: started,
      finished_at: new Date(now()).toISOString(),
      headgate: options.version,
      postgres: facts.major,
      system: facts.system,
      timeline: facts.timeline,
      start_lsn: startLsn,
      stop_lsn: stopLsn,
      start_segment: nameSegment(facts.timeline, segmentOf(startLsn)),
      end_segment: endSegment,
      label,
      pack: {
        bytes: pack.bytes,
        stored_bytes: pack.stored_bytes,
        stored_sha256: pack.stored_sha256,
        files: packed,
      },
      folders,
      evidence,
      objects: names === null ? null : { count: names.length, sha256: digestNames(names) },
      signed_head: true,
    }
    await writeManifest(places.manifest(id), manifest, signer)
    return manifest
  }
  const held = await holdBackups(dataDirectory, TRIES)
  try {
    // What a run left that was ended halfway; nobody else is at it now.
    const whole = new Set(await listBackups(directory))
    for (const name of await readdir(places.bases).catch(() => [] as string[]))
      if (!whole.has(name)) await rm(places.base(name), { recursive: true, force: true })
    return await withClient(connection, work)
  } catch (cause) {
    await rm(places.base(id), { recursive: true, force: true }).catch(() => undefined)
    if (cause instanceof AppError) throw cause
    throw new AppError('backup_failed', { cause, detail: `${(cause as Error).message}.` })
  } finally {
    held.release()
  }
}
