import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { AppError } from './errors.ts'

/** A backup in a repository of pgBackRest. Times are milliseconds since the epoch, to the second. */
export interface PgBackRestBackup {
  readonly label: string
  readonly type: 'full' | 'diff' | 'incr'
  readonly startedAt: number
  /** When it was consistent: the earliest time that it restores to. */
  readonly stoppedAt: number
  readonly timeline: number
  /** Of the database. */
  readonly bytes: number
  /** What it has added to the repository. */
  readonly storedBytes: number
  /** Which of the repositories of the configuration it lies in. */
  readonly repository: number
  /** Pages with a wrong checksum were found when it was made. */
  readonly faulty: boolean
}

const status = Type.Object({ code: Type.Integer(), message: Type.String() })
const time = Type.Integer({ minimum: 0 })
const Info = Type.Array(
  Type.Object({
    name: Type.String(),
    status,
    repo: Type.Optional(Type.Array(Type.Object({ key: Type.Integer(), status }))),
    backup: Type.Array(
      Type.Object({
        label: Type.String(),
        type: Type.Union([Type.Literal('full'), Type.Literal('diff'), Type.Literal('incr')]),
        timestamp: Type.Object({ start: time, stop: time }),
        database: Type.Object({ 'repo-key': Type.Optional(Type.Integer()) }),
        archive: Type.Object({ start: Type.Union([Type.String(), Type.Null()]) }),
        info: Type.Object({ size: Type.Number(), repository: Type.Object({ delta: Type.Number() }) }),
        error: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
      }),
    ),
  }),
)

/** Codes of a status of `info`, as `command/info/info.c` of pgBackRest names them. */
const FINE = 0
const NO_BACKUP = 2
const MIXED = 4
const NO_STANZA: ReadonlySet<number> = new Set([1, 3])

/** Words of strangers on one line, without what a terminal would obey. */
export const plainWords = (text: string, most = 400): string =>
  text
    // What is no ASCII comes of a file that does not open; it says nothing.
    .replace(/[^\x20-\x7e]/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
    .slice(0, most)

const unreadable = (words: string): AppError =>
  /\[(?:Format|Checksum|Crypto|FileInvalid|JsonFormat)Error\]/.test(words)
    ? new AppError('backup_damaged', {
        detail: `The repository cannot be read: it is damaged, or its passphrase is another one. ${plainWords(words)}`,
      })
    : new AppError('backup_failed', { detail: `The repository cannot be read: ${plainWords(words)}` })

/**
 * Reads what `pgbackrest info --output=json` said of one stanza: its complete backups, the oldest first. Repositories that do not answer
 * beside one that does are left out.
 * @throws AppError `backup_unavailable` where there is no such stanza, `backup_damaged` or `backup_failed` where no repository can be read.
 */
export const readPgBackRestInfo = (text: string, stanza: string): PgBackRestBackup[] => {
  let told: unknown
  try {
    // Where a file does not open, it quotes bytes of it as they are, which no JSON may have.
    told = JSON.parse(text.replace(/\p{Cc}/gu, ' '))
  } catch {
    told = null
  }
  if (!Value.Check(Info, told))
    throw new AppError('backup_failed', {
      detail: 'pgBackRest answered info with something that is no list of backups.',
    })
  const found = told.find(({ name }) => name === stanza)
  const code = found?.status.code
  if (found === undefined || (code !== undefined && NO_STANZA.has(code)))
    throw new AppError('backup_unavailable', {
      detail: `The repository has no stanza ${stanza}: make it with pgbackrest --stanza=${stanza} stanza-create, where the database is.`,
    })
  if (code !== FINE && code !== NO_BACKUP && code !== MIXED) {
    const words = found.repo?.find((one) => one.status.code === code)?.status.message ?? found.status.message
    throw unreadable(words)
  }
  return found.backup
    .map((one) => ({
      label: one.label,
      type: one.type,
      startedAt: one.timestamp.start * 1_000,
      stoppedAt: one.timestamp.stop * 1_000,
      timeline: Number.parseInt(one.archive.start?.slice(0, 8) ?? '0', 16) || 0,
      bytes: one.info.size,
      storedBytes: one.info.repository.delta,
      repository: one.database['repo-key'] ?? 1,
      faulty: one.error === true,
    }))
    .sort((one, other) => one.stoppedAt - other.stoppedAt)
}

/** What a verification found of one backup. */
export interface PgBackRestVerdict {
  readonly backup: string
  readonly whole: boolean
  readonly files: number
}

/** What `pgbackrest verify --output=text --verbose` said: its exit status is 0 also where something is damaged. */
export const readPgBackRestVerdict = (text: string) => {
  const backups: PgBackRestVerdict[] = []
  let whole = false
  let segments = 0
  const wrong: string[] = []
  for (const line of text.split('\n')) {
    const words = line.trim()
    if (words.startsWith('status:')) whole = words === 'status: ok'
    const backup = /^backup: (\S{1,100}), status: (\w+), total files checked: (\d+)/.exec(words)
    if (backup !== null)
      backups.push({ backup: backup[1] ?? '', whole: backup[2] === 'valid', files: Number(backup[3]) })
    const archive = /^archiveId: \S{1,100}, total WAL checked: (\d+), total valid WAL: (\d+)/.exec(words)
    if (archive !== null) segments += Number(archive[1])
    const isOdd = archive !== null ? archive[1] !== archive[2] : backup?.[2] !== 'valid'
    const isCount = words.startsWith('missing: ')
    if (isCount ? /[1-9]/.test(words) : words !== '' && !/^(?:stanza|status): /.test(words) && isOdd) wrong.push(words)
  }
  return { whole: whole && backups.every((one) => one.whole), segments, backups, wrong: plainWords(wrong.join('; ')) }
}
