import { mkdir, readdir, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { AppError } from './errors.ts'
import {
  type PgBackRestBackup,
  type PgBackRestVerdict,
  plainWords,
  readPgBackRestInfo,
  readPgBackRestVerdict,
} from './pgbackrest-info.ts'
import { findProgram, ProgramFailed, runProgram } from './programs.ts'

/** Which pgBackRest is driven, and for what. */
export interface PgBackRestOptions {
  /** A name in the folders of `path`, or an absolute path. */
  readonly program: string
  /** Folders as in `PATH`. */
  readonly path: string
  readonly stanza: string
  /** Null: the one that it looks for itself. */
  readonly configFile: string | null
  /** Handed to it: `PGBACKREST_…`, and where libpq and ssh look for what lets them in. */
  readonly environment: Readonly<Record<string, string>>
}

const INFO_MS = 30_000
/** A database of many terabytes is done by then. */
const WORK_MS = 7 * 86_400_000
const OUTPUT_BYTES = 16 * 1024 * 1024
const SECOND_MS = 1_000

/** By exit status, which is the number of an error in `src/build/error/error.yaml` of pgBackRest; others are `backup_failed`. */
const codes: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  ...[26, 28, 29, 95, 99].map((status): [number, ErrorCode] => [status, 'backup_damaged']),
  ...[27, 30, 31, 32, 33, 34, 36, 37, 43, 46, 48, 67, 68, 72, 87, 96].map((status): [number, ErrorCode] => [
    status,
    'backup_unavailable',
  ]),
  ...[38, 40].map((status): [number, ErrorCode] => [status, 'restore_refused']),
  [50, 'backup_running'],
  [75, 'backup_not_found'],
])

/** The first error that it told, without the stack of what led to it. */
const wordsOf = (complaint: string): string => {
  const lines = complaint.split('\n').map((line) => line.trim())
  const at = lines.findIndex((line) => line.includes('ERROR: ['))
  const [first = '', ...rest] = at < 0 ? lines : lines.slice(at)
  const hints = rest.filter((line) => line.startsWith('HINT: ')).slice(0, 2)
  return plainWords([first.replace(/^.{0,80}ERROR: /, ''), ...hints].join(' '))
}

/** `2026-05-04 12:00:00.000+00`, as PostgreSQL reads a time. */
const targetOf = (time: Date): string => time.toISOString().replace('T', ' ').replace('Z', '+00')

/** Drives `pgbackrest` for one stanza, never by a shell. Everything rejects with an AppError. */
export const createPgBackRest = ({ program, path, stanza, configFile, environment }: PgBackRestOptions) => {
  const run = async (command: string, words: readonly string[], timeoutMs = WORK_MS): Promise<string> => {
    const file = isAbsolute(program) ? program : await findProgram(program, path)
    if (file === null)
      throw new AppError('backup_unavailable', {
        detail: `The program ${program} is in no folder of PATH: install pgBackRest, or set backups.pgbackrest.program.`,
      })
    const given = [
      ...(configFile === null ? [] : [`--config=${configFile}`]),
      ...[`--stanza=${stanza}`, '--log-level-console=off', '--log-level-stderr=error', '--no-log-timestamp'],
      ...words,
      command,
    ]
    const { code, output, complaint } = await runProgram(file, given, {
      ...{ timeoutMs, maxOutputBytes: OUTPUT_BYTES, environment },
    }).catch((cause: unknown) => {
      if (!(cause instanceof ProgramFailed)) throw cause
      throw cause.reason === 'start'
        ? new AppError('backup_unavailable', { detail: `${file} cannot be started.`, cause })
        : new AppError('backup_failed', { detail: `pgbackrest ${command} was ended: ${cause.reason}.`, cause })
    })
    if (code === 0) return output.toString('utf8')
    const noStanza = code === 55 && complaint.includes('stanza-create')
    const known = noStanza ? 'backup_unavailable' : codes.get(code ?? -1)
    throw new AppError(known ?? 'backup_failed', {
      detail: `pgbackrest ${command} ended with ${code ?? 'a signal'}: ${wordsOf(complaint)}`,
    })
  }

  const list = async (): Promise<PgBackRestBackup[]> =>
    readPgBackRestInfo(await run('info', ['--output=json'], INFO_MS), stanza)

  /** The newest backup that was complete before the time, or the one that is named. */
  const choose = async (to: Date | null, label: string | null): Promise<PgBackRestBackup> => {
    const all = await list()
    if (all.length === 0) throw new AppError('backup_not_found', { detail: `The stanza ${stanza} has no backup.` })
    const named = label === null ? all : all.filter((one) => one.label === label)
    if (named.length === 0)
      throw new AppError('backup_not_found', { detail: `The stanza ${stanza} has no backup ${label}.` })
    if (to !== null && to.getTime() > Date.now())
      throw new AppError('restore_time_out_of_reach', { detail: `${to.toISOString()} is still to come.` })
    // Its times are whole seconds, rounded down.
    const fits = named.filter((one) => to === null || one.stoppedAt + SECOND_MS <= to.getTime())
    const found = fits.at(-1)
    if (found === undefined)
      throw new AppError('restore_time_out_of_reach', {
        detail: `The earliest time is ${new Date((named[0]?.stoppedAt ?? 0) + SECOND_MS).toISOString()}.`,
      })
    return found
  }

  return {
    stanza,
    /** The backups that there are, the oldest first. @throws AppError `backup_unavailable`, `backup_damaged`, `backup_failed` */
    list,
    /**
     * Makes a backup: of everything, or of what changed since the newest full one (`diff`) or the newest (`incr`). What its retention keeps
     * no longer is removed by it.
     * @param repository its number in the configuration; null: the first. @throws AppError `backup_unavailable`, `backup_running`, `backup_failed`
     */
    backUp: async (type: PgBackRestBackup['type'], repository: number | null): Promise<PgBackRestBackup> => {
      const before = new Set((await list()).map(({ label }) => label))
      await run('backup', [`--type=${type}`, ...(repository === null ? [] : [`--repo=${repository}`])])
      const made = (await list()).findLast(({ label }) => !before.has(label))
      if (made === undefined)
        throw new AppError('backup_failed', { detail: 'pgBackRest ended well, but its list has no new backup.' })
      return made
    },
    /**
     * Reads the files of all backups and of the archive, and compares them with the checksums of their lists.
     * @throws AppError `backup_damaged` with what is wrong, `backup_not_found`, `backup_unavailable`, `backup_failed`
     */
    verify: async (label: string | null) => {
      const all = await list()
      if (all.length === 0) throw new AppError('backup_not_found', { detail: `The stanza ${stanza} has no backup.` })
      if (label !== null && !all.some((one) => one.label === label))
        throw new AppError('backup_not_found', { detail: `The stanza ${stanza} has no backup ${label}.` })
      const repositories = new Set(
        all.filter((one) => label === null || one.label === label).map(({ repository }) => repository),
      )
      let segments = 0
      const backups: PgBackRestVerdict[] = []
      for (const repository of repositories) {
        const told = await run('verify', [`--repo=${repository}`, '--output=text', '--verbose'])
        const found = readPgBackRestVerdict(told)
        if (!found.whole)
          throw new AppError('backup_damaged', {
            detail: `pgBackRest found in repository ${repository}: ${found.wrong || 'an error'}.`,
          })
        segments += found.segments
        backups.push(...found.backups)
      }
      return { segments, backups }
    },
    /**
     * Restores files of a database into a folder, which must be empty or not there, set to recover to the time when PostgreSQL is started
     * on it, and to archive nothing until it is told to. A restore that fails leaves the folder empty.
     * @param to null: the newest state.
     * @throws AppError `restore_refused`, `restore_time_out_of_reach`, `backup_not_found`, `backup_damaged`, `backup_unavailable`, `backup_failed`
     */
    restore: async (to: Date | null, into: string, label: string | null): Promise<PgBackRestBackup> => {
      const entries = await readdir(into).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return []
        throw new AppError('restore_refused', { detail: `${into} is no folder that can be read.`, cause })
      })
      if (entries.length > 0) throw new AppError('restore_refused', { detail: `${into} is not empty.` })
      const chosen = await choose(to, label)
      // PostgreSQL starts on no folder that others may enter.
      await mkdir(into, { recursive: true, mode: 0o700 })
      try {
        await run('restore', [
          ...[`--pg1-path=${into}`, '--reset-pg1-host', `--set=${chosen.label}`, `--repo=${chosen.repository}`],
          // Whatever its configuration says: over nothing, and nowhere else.
          ...['--no-delta', '--no-link-all', '--archive-mode=off'],
          ...(to === null
            ? ['--type=default']
            : ['--type=time', `--target=${targetOf(to)}`, '--target-action=promote']),
        ])
      } catch (cause) {
        for (const name of await readdir(into)) await rm(join(into, name), { recursive: true, force: true })
        throw cause
      }
      return chosen
    },
  }
}

export type PgBackRest = ReturnType<typeof createPgBackRest>
