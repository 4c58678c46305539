import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseConnection } from './db.ts'
import { chooseAccount, type PostgresAccount } from './embedded-account.ts'
import { EmbeddedUnavailable, locateBinaries } from './embedded-binaries.ts'
import { launchPostgres } from './embedded-cluster.ts'
import { stopPostgres } from './embedded-orphan.ts'
import { prepareWayIn } from './embedded-way-in.ts'
import { embeddedSettings } from './embedded.ts'
import { AppError } from './errors.ts'

/** Where recovery ends: at the end of what there is, at a time, or before what stands at a place of the WAL. */
export type Target = 'latest' | { readonly time: string } | { readonly lsn: string }

/** Replaying the WAL of a busy week takes its time. */
const RECOVERY_MS = 6 * 3_600_000

const targetSettings = (target: Target): Readonly<Record<string, string>> => {
  if (target === 'latest') return {}
  const end = 'time' in target ? { recovery_target_time: target.time } : { recovery_target_lsn: target.lsn }
  return { ...end, recovery_target_inclusive: 'time' in target ? 'true' : 'false', recovery_target_action: 'promote' }
}

const ownAll = async (folder: string, account: PostgresAccount): Promise<void> => {
  await account.own(folder)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await ownAll(path, account)
    else await account.own(path)
  }
}

interface RecoverOptions {
  /** The data folder that is being restored; the cluster is `postgres` within. */
  readonly folder: string
  /** Where the segments lie, plain. */
  readonly segments: string
  readonly target: Target
  readonly postgres: string
}

/**
 * Recovers a copied cluster up to its target, and gives the way into it while `work` runs; then PostgreSQL is stopped.
 * @throws AppError `restore_time_out_of_reach`, `backup_unavailable`, `backup_damaged`
 */
export const recover = async <T>(
  { folder, segments, target, postgres }: RecoverOptions,
  work: (connection: DatabaseConnection) => Promise<T>,
): Promise<T> => {
  const account = await chooseAccount()
  await account.admit(folder)
  const binaries = await locateBinaries({ runtimeDirectory: join(folder, 'runtime') })
  if (binaries.major !== postgres)
    throw new AppError('backup_unavailable', {
      detail: `The backup is of PostgreSQL ${postgres}, this Headgate brings ${binaries.major}: restore it with the Headgate that made it.`,
    })
  const cluster = join(folder, 'postgres')
  await writeFile(join(cluster, 'recovery.signal'), '')
  await ownAll(cluster, account)
  await ownAll(segments, account)
  await chmod(cluster, 0o700)
  const wayIn = await prepareWayIn(folder, account)
  const lines: string[] = []
  const server = await launchPostgres({
    ...{ binaries, account, directory: cluster, startTimeoutMs: RECOVERY_MS },
    settings: {
      ...embeddedSettings,
      ...wayIn.settings,
      ...targetSettings(target),
      max_connections: '40',
      // Before the end nobody has anything to look for in it.
      hot_standby: 'off',
      archive_mode: 'off',
      restore_command: `cp '${segments.replaceAll("'", "'\\''").replaceAll('%', '%%')}/%f' "%p" 2>/dev/null`,
      recovery_target_timeline: 'current',
    },
    onLine: (line) => {
      lines.push(line)
      if (lines.length > 50) lines.shift()
    },
  }).catch((cause: unknown) => {
    if (!(cause instanceof EmbeddedUnavailable)) throw cause
    if (/recovery ended before configured recovery target was reached/.test(cause.message)) {
      const last = /last completed transaction was at log time (.+)/.exec(lines.join('\n'))?.[1]
      throw new AppError('restore_time_out_of_reach', {
        cause,
        detail: `The WAL that was archived ends before that time${last === undefined ? '' : `: its last transaction is of ${last}`}.`,
      })
    }
    throw new AppError('backup_damaged', { cause, detail: `PostgreSQL does not recover: ${cause.message}` })
  })
  try {
    const { host, port, password } = wayIn
    return await work({ host, port, user: 'headgate', database: 'headgate', ...(password && { password }) })
  } finally {
    await stopPostgres(server.pid)
  }
}

/** Makes the folders of a cluster in which a backup is laid out. */
export const layOut = async (folder: string, folders: readonly string[]): Promise<string> => {
  const cluster = join(folder, 'postgres')
  await mkdir(cluster, { recursive: true, mode: 0o700 })
  for (const path of folders) {
    if (path.startsWith('/') || path.split('/').includes('..'))
      throw new AppError('backup_damaged', { detail: `${path} is no path.` })
    await mkdir(join(cluster, path), { recursive: true, mode: 0o700 })
  }
  return cluster
}
