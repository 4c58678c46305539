import type { Settings } from '../../config/config.ts'
import { lastPassedDrill } from '../../kernel/embedded-backup-drill.ts'
import { readCopyNote } from '../../kernel/embedded-backup-note.ts'
import { createBackupSigner, listBackups, readManifest } from '../../kernel/embedded-backup-repository.ts'
import { type Finding, reasonOf } from './finding.ts'
import { checkPgBackRest } from './pgbackrest-check.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const UNTRIED_DAYS = 8

const daysOf = (milliseconds: number): string => `${Math.floor(milliseconds / DAY_MS)} days`

/** Whether backups are made, how old the newest is, and when a restore was tried last; where the database is an external one, what pgBackRest says. */
export const checkBackups = async (
  { config, secrets }: Pick<Settings, 'config' | 'secrets'>,
  rootKey: string | null,
  now: number,
): Promise<Finding[]> => {
  if (secrets.database_url !== undefined) return checkPgBackRest({ config, secrets }, now)
  const warning = (message: string, fix: string): Finding[] => [
    { check: 'backups', state: 'warning', message, fix, page: 'guides/backups' },
  ]
  const { directory, every_hours: everyHours } = config.backups
  if (directory === undefined)
    return config.profile === 'production'
      ? warning('None are made.', 'Set backups.directory and backups.recipients.')
      : [{ check: 'backups', state: 'ok', message: 'None are made; backups.directory turns them on.' }]
  try {
    const id = (await listBackups(directory)).at(-1)
    if (id === undefined)
      return warning('There is none yet.', 'The server makes one soon after its start; or run headgate backup run.')
    const age = now - Date.parse((await readManifest(directory, id)).evidence.at)
    if (everyHours > 0 && age > 2 * everyHours * HOUR_MS)
      return warning(`The newest is ${daysOf(age)} old.`, 'What does the log of the server say of backups?')
    const { copy } = config.backups
    if (copy.directory !== undefined || copy.s3.bucket !== undefined) {
      const note = (await readCopyNote(config.data_dir)) as { lag_seconds: number; failure: string | null } | null
      if (note === null) return warning('They were never copied to the second place.', 'Does the server run?')
      const minutes = Math.floor(note.lag_seconds / 60)
      if (minutes > copy.alarm_minutes)
        return warning(
          `The copy is ${minutes} minutes behind: ${note.failure ?? 'it is slow'}.`,
          'Is the second place there?',
        )
    }
    const passed = rootKey === null ? null : await lastPassedDrill(directory, [createBackupSigner(rootKey)])
    if (passed === null || now - passed > UNTRIED_DAYS * DAY_MS)
      return warning(
        passed === null ? 'No restore was ever tried.' : `The last drill that passed is ${daysOf(now - passed)} old.`,
        'Run headgate backup drill where the identity is, every week.',
      )
    return [
      {
        check: 'backups',
        state: 'ok',
        message: `The newest is ${id}; a restore was tried ${new Date(passed).toISOString()}.`,
      },
    ]
  } catch (thrown) {
    return [
      {
        check: 'backups',
        state: 'fault',
        message: `The folder cannot be read: ${reasonOf(thrown)}.`,
        fix: 'Is the disk of backups.directory there?',
        page: 'guides/backups',
      },
    ]
  }
}
