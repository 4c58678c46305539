import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from './errors.ts'
import {
  type BackupSigner,
  placesIn,
  readHead,
  readManifest,
  type TableEvidence,
} from './embedded-backup-repository.ts'
import { writeWhole } from './embedded-backup-sealed.ts'
import { restoreBackup, type RestoreOptions } from './embedded-restore.ts'
import { checkEmpty, discard } from './embedded-restore-target.ts'

/** Names of tables in which a restored database is not what was backed up. */
export const differingTables = (
  backedUp: Readonly<Record<string, TableEvidence>>,
  restored: Readonly<Record<string, TableEvidence>>,
): string[] =>
  [...new Set([...Object.keys(backedUp), ...Object.keys(restored)])]
    .filter((name) => {
      const [one, other] = [backedUp[name], restored[name]]
      return one?.rows !== other?.rows || one?.checksum !== other?.checksum
    })
    .sort()

/** What a drill found: whether the backup gives back what was put in, and how long that takes. */
export interface DrillReport {
  readonly format: 1
  readonly started_at: string
  readonly finished_at: string
  readonly headgate: string
  /** The base backup that was restored; null where none could be chosen. */
  readonly backup: string | null
  readonly passed: boolean
  /** Why it did not pass. */
  readonly failure: { readonly code: string; readonly message: string } | null
  /** Seconds from the first byte read to a database that answers, its tables summed up: the recovery time. */
  readonly rto_seconds: number | null
  /** Seconds since the newest change that was archived: what a loss of the machine at the start of the drill would have cost. */
  readonly rpo_seconds: number | null
  /** False: while the backup was made too much was written for figures of one moment, and tables could not be compared. */
  readonly exact: boolean
  readonly tables: number
  readonly rows: number
  readonly differing: readonly string[]
  readonly files: number
  readonly segments: number
  readonly objects: number
  readonly objects_missing: number
}

export interface DrillOptions extends Omit<RestoreOptions, 'to'> {
  readonly signer: BackupSigner
  /** Version of Headgate. */
  readonly version: string
  readonly now: () => number
}

const SECOND_MS = 1_000

/** Tries a restore of the newest backup, or of the named one, in `into`, which is removed again. Faults of the backup are findings. */
const tryRestore = async (options: DrillOptions): Promise<Omit<DrillReport, 'finished_at'>> => {
  const { directory, now, version } = options
  const started = now()
  const head = await readHead(directory).catch(() => null)
  const none = { format: 1, started_at: new Date(started).toISOString(), headgate: version, exact: false } as const
  const figures = { tables: 0, rows: 0, differing: [], files: 0, segments: 0, objects: 0, objects_missing: 0 }
  const rpo = head === null ? null : (started - Date.parse(head.at)) / SECOND_MS
  try {
    const restored = await restoreBackup({ ...options, to: 'evidence' })
    const seconds = (now() - started) / SECOND_MS
    const { evidence } = await readManifest(directory, restored.backup)
    const differing = evidence.exact ? differingTables(evidence.tables, restored.tables) : []
    const { backup, files, segments, objects, objects_missing } = restored
    const isWhole = differing.length === 0 && objects_missing === 0
    const lost =
      differing.length > 0 ? `Tables differ: ${differing.join(', ')}.` : `${objects_missing} contents are missing.`
    return {
      ...{ ...none, backup, passed: isWhole, rto_seconds: seconds, rpo_seconds: rpo, exact: evidence.exact },
      failure: isWhole ? null : { code: 'backup_damaged', message: lost },
      tables: Object.keys(restored.tables).length,
      rows: Object.values(restored.tables).reduce((sum, { rows }) => sum + Number(rows), 0),
      ...{ differing, files, segments, objects, objects_missing },
    }
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    const failure = { code: cause.code, message: cause.message }
    return {
      ...{ ...none, ...figures },
      backup: options.backup ?? null,
      ...{ passed: false, failure, rto_seconds: null, rpo_seconds: rpo },
    }
  } finally {
    await discard(options.into)
  }
}

/**
 * Restores a backup beside, compares it with what was taken down when it was made, and writes a signed report into the folder of backups.
 * @throws AppError `restore_refused` where `into` is not empty
 */
export const drillBackup = async (options: DrillOptions): Promise<DrillReport> => {
  // What stands there is not ours to remove afterwards.
  await checkEmpty(options.into)
  const tried = await tryRestore(options)
  const report: DrillReport = { ...tried, finished_at: new Date(options.now()).toISOString() }
  const { drills } = placesIn(options.directory)
  await mkdir(drills, { recursive: true, mode: 0o700 })
  const text = JSON.stringify(report)
  const name = `${report.finished_at.replaceAll(/[-:]|\.\d+/g, '')}.json`
  await writeWhole(join(drills, name), `${JSON.stringify({ report: text, signature: options.signer.sign(text) })}\n`)
  return report
}

/** When a drill passed last, in milliseconds since the epoch, by the reports that one of the signers has signed; null: never. */
export const lastPassedDrill = async (directory: string, signers: readonly BackupSigner[]): Promise<number | null> => {
  const { drills } = placesIn(directory)
  const names = await readdir(drills).catch(() => [] as string[])
  for (const name of names
    .filter((one) => one.endsWith('.json'))
    .sort()
    .reverse()) {
    try {
      const { report, signature } = JSON.parse(await readFile(join(drills, name), 'utf8')) as {
        report: string
        signature: string
      }
      const { passed, finished_at } = JSON.parse(report) as DrillReport
      if (passed && signers.some((signer) => signer.isMine(report, signature))) return Date.parse(finished_at)
    } catch {
      // What is no report has shown nothing.
    }
  }
  return null
}
