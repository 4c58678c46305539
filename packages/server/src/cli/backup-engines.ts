import { join, resolve } from 'node:path'
import { loadConfig, type Settings } from '../config/config.ts'
import { AppError } from '../kernel/errors.ts'
import type { PgBackRest } from '../kernel/pgbackrest.ts'
import type { PgBackRestBackup } from '../kernel/pgbackrest-info.ts'
import { type Given, textOf } from './backup-readers.ts'
import { outputOf, storeFlagsOf } from './command-context.ts'
import { type Output, say, writeJson, writeRecord, writeTable } from './output.ts'

interface Task {
  readonly pgbackrest: PgBackRest
  readonly config: Settings['config']
  readonly given: Given
  readonly output: Output
  /** What is restored to; null: the newest state. */
  readonly to: Date | null
}

const DAY_MS = 86_400_000

const timeOf = (at: number): string => new Date(at).toISOString()

const shown = ({
  label,
  type,
  startedAt,
  stoppedAt,
  bytes,
  storedBytes,
  timeline,
  repository,
  faulty,
}: PgBackRestBackup) => ({
  id: label,
  type,
  started_at: timeOf(startedAt),
  finished_at: timeOf(stoppedAt),
  ...{ timeline, bytes, stored_bytes: storedBytes, repository, faulty },
})

const isType = (text: string | undefined): text is PgBackRestBackup['type'] =>
  text === 'full' || text === 'diff' || text === 'incr'

const run = async ({ pgbackrest, config, given, output }: Task): Promise<void> => {
  const asked = textOf(given, 'type')
  const named = textOf(given, 'repository')
  const repository = named === undefined ? null : Number(named)
  if (named !== undefined && !/^[1-9]\d{0,2}$/.test(named))
    throw new AppError('invalid_parameter', { detail: '--repository is no number of a repository, like 2.' })
  const all = await pgbackrest.list()
  const lowest = Math.min(...all.map((one) => one.repository))
  const full = all.findLast((one) => one.type === 'full' && !one.faulty && one.repository === (repository ?? lowest))
  const isDue = full === undefined || Date.now() - full.stoppedAt >= config.backups.pgbackrest.full_every_days * DAY_MS
  const made = await pgbackrest.backUp(isType(asked) ? asked : isDue ? 'full' : 'diff', repository)
  writeRecord(output, shown(made), [
    ['id', made.label],
    ['type', made.type],
    ['finished', timeOf(made.stoppedAt)],
    ['bytes', made.bytes],
    ['stored', made.storedBytes],
  ])
  if (made.faulty) say(output, 'PostgreSQL has pages with wrong checksums: its log and that of pgBackRest name them.')
  if (config.assets.s3.bucket === undefined)
    say(
      output,
      `Contents of assets are no part of it: back up ${config.assets.folder ?? join(config.data_dir, 'assets')} as well.`,
    )
}

const list = async ({ pgbackrest, output }: Task): Promise<void> => {
  const data = (await pgbackrest.list()).map(shown)
  writeTable(
    output,
    { object: 'list', data },
    ['backup', 'type', 'restores from', 'timeline', 'bytes', 'stored', 'repository'],
    data.map((one) => [one.id, one.type, one.finished_at, one.timeline, one.bytes, one.stored_bytes, one.repository]),
  )
}

const verify = async ({ pgbackrest, given, output }: Task): Promise<void> => {
  const id = textOf(given, 'id')
  const { backups, segments } = await pgbackrest.verify(id ?? null)
  const data = backups.filter(({ backup }) => id === undefined || backup === id)
  if (output.json) writeJson({ object: 'list', segments, data })
  for (const one of data) say(output, `${one.backup}: ${one.files} files are whole.`)
  say(output, `${segments} segments of the WAL are whole.`)
}

const nextOf = (into: string, to: Date | null): string[] => [
  `As the user who owns it, start a PostgreSQL of the same major version on ${into}, on a port of its own. It recovers first: wait until SELECT pg_is_in_recovery() says false.`,
  ...(to === null
    ? []
    : [
        'Where it ends with "recovery ended before configured recovery target was reached", the archive does not reach the time.',
      ]),
  'Start Headgate with HEADGATE_DATABASE_URL naming it and the same root key, and replay the erasure journal before others are let in.',
  'It archives nothing yet. When the former server is gone for good: ALTER SYSTEM RESET archive_mode, start PostgreSQL anew, headgate backup run --type full.',
]

const restore = async ({ pgbackrest, given, output, to }: Task): Promise<void> => {
  const into = resolve(String(given['into']))
  const from = await pgbackrest.restore(to, into, textOf(given, 'backup') ?? null)
  const next = nextOf(into, to)
  writeRecord(output, { folder: into, backup: from.label, to: to?.toISOString() ?? 'latest', next }, [
    ['folder', into],
    ['backup', from.label],
    ['recovers to', to?.toISOString() ?? 'latest'],
  ])
  for (const [at, step] of next.entries()) say(output, `${at + 1}. ${step}`)
}

const drill = async (): Promise<void> => {
  throw new AppError('backup_unavailable', {
    detail:
      'A drill is of the embedded store. With pgBackRest, restore into an empty folder and start PostgreSQL on it.',
  })
}

const verbs = { run, list, verify, restore, drill }

/**
 * Does it by the engine that is configured, where that is another one than Headgate’s own; tells whether it did. Where `--from` names a
 * folder, or the copy, backups of the embedded store are meant. @throws AppError
 */
export const byEngine = async (verb: keyof typeof verbs, given: Given, to: Date | null = null): Promise<boolean> => {
  if (textOf(given, 'from') !== undefined) return false
  const settings = await loadConfig({ flags: storeFlagsOf(given) })
  if (settings.config.backups.engine === 'headgate') return false
  // Loaded here, so that other commands start without it.
  const { pgBackRestOf } = await import('../compose/pgbackrest.ts')
  const pgbackrest = pgBackRestOf(settings)
  if (pgbackrest === null) return false
  await verbs[verb]({ pgbackrest, config: settings.config, given, output: outputOf(given), to })
  return true
}
