import { open, readdir, stat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type pg from 'pg'
import type { Bytes } from './embedded-backup-sealed.ts'
import type { Evidence, PackedFile, TableEvidence } from './embedded-backup-repository.ts'

/** Folders whose contents a restored server makes anew (PostgreSQL, "Making a Base Backup Using the Low Level API"). */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
const LEFT_OUT = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'backup_label',
  'tablespace_map',
  'backup_manifest',
  'current_logfiles',
  'recovery.signal',
  'standby.signal',
])
const isLeftOut = (name: string): boolean =>
  LEFT_OUT.has(name) || name.startsWith('pgsql_tmp') || name.startsWith('pg_internal.init')
/** Read last: it tells where recovery must begin at the earliest. */
const CONTROL = 'global/pg_control'
const CHUNK_BYTES = 256 * 1024

const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'

/** Files and folders of a cluster that belong into a base backup, by their paths within it. */
export const listCluster = async (cluster: string) => {
  const files: string[] = []
  const folders: string[] = []
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(join(cluster, folder), { withFileTypes: true }).catch((cause: unknown) => {
      // A database or a temporary folder that was dropped meanwhile.
      if (isMissing(cause) && folder !== '') return []
      throw cause
    })
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (isLeftOut(entry.name)) continue
      if (entry.isDirectory()) {
        folders.push(path)
        if (!EMPTIED.has(path)) await walk(path)
      } else if (entry.isFile() && path !== CONTROL) files.push(path)
    }
  }
  await walk('')
  folders.push('pg_wal/archive_status')
  return { files: [...files.sort(), CONTROL], folders: folders.sort() }
}

/** Bytes of files of a cluster, as far as they are still there. */
export const sizeOf = async (cluster: string, files: readonly string[]): Promise<number> => {
  let bytes = 0
  for (const path of files)
    bytes += await stat(join(cluster, path)).then(
      ({ size }) => size,
      () => 0,
    )
  return bytes
}

/** The files one after the other, each as it is while it is read; `packed` is told of each. One that is gone is left out. */
export const packFiles = async function* (
  cluster: string,
  files: readonly string[],
  packed: (file: PackedFile) => void,
): Bytes {
  for (const path of files) {
    const handle = await open(join(cluster, path), 'r').catch((cause: unknown) => {
      if (isMissing(cause) && path !== CONTROL) return null
      throw cause
    })
    if (handle === null) continue
    const hash = createHash('sha256')
    let bytes = 0
    try {
      for (;;) {
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, bytes)
        if (bytesRead === 0) break
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        bytes += bytesRead
        yield chunk
      }
    } finally {
      await handle.close()
    }
    packed({ path, bytes, sha256: hash.digest('hex') })
  }
}

/** Rows and sums of every table of Headgate, as the transaction of this client sees them. */
export const sumTables = async (client: pg.Client): Promise<Record<string, TableEvidence>> => {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'headgate' AND c.relkind = 'r' ORDER BY 1`,
  )
  const found: Record<string, TableEvidence> = {}
  for (const { name } of tables) {
    const { rows } = await client.query<TableEvidence>(
      `SELECT count(*)::text AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS checksum
         FROM headgate.${client.escapeIdentifier(name)} t`,
    )
    found[name] = rows[0] as TableEvidence
  }
  return found
}

const TRIES = 100
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Takes down what stands in the tables at a place of the WAL. A snapshot stands for such a place when no transaction that writes is
 * under way and nothing is written between the two looks at where the WAL ends.
 */
export const takeEvidence = async (client: pg.Client): Promise<Evidence> => {
  for (let attempt = 1; ; attempt += 1) {
    const before = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    try {
      const { rows } = await client.query<{ lsn: string; quiet: boolean; at: Date }>(
        `SELECT pg_current_wal_insert_lsn()::text AS lsn, clock_timestamp() AS at,
                pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot()) AS quiet`,
      )
      const found = rows[0] as { lsn: string; quiet: boolean; at: Date }
      const exact = found.quiet && found.lsn === before.rows[0]?.lsn
      if (exact || attempt === TRIES)
        return { lsn: found.lsn, at: found.at.toISOString(), exact, tables: await sumTables(client) }
    } finally {
      await client.query('COMMIT')
    }
    await pause(20)
  }
}
