import type { Settings } from '../../config/config.ts'
import { type Finding, reasonOf } from './finding.ts'

const HOUR_MS = 3_600_000

/** How old the newest backup by pgBackRest is; nothing where it makes none. */
export const checkPgBackRest = async (
  settings: Pick<Settings, 'config' | 'secrets'>,
  now: number,
): Promise<Finding[]> => {
  // Loaded here, so that the doctor starts without it.
  const { pgBackRestOf } = await import('../../compose/pgbackrest.ts')
  const pgbackrest = pgBackRestOf(settings)
  if (pgbackrest === null) return []
  const told = (state: Finding['state'], message: string, fix?: string): Finding[] => [
    { check: 'backups', state, message, ...(fix !== undefined && { fix, page: 'guides/backups' }) },
  ]
  try {
    const newest = (await pgbackrest.list()).at(-1)
    if (newest === undefined) return told('warning', 'There is none yet.', 'Run headgate backup run.')
    const age = now - newest.stoppedAt
    const { every_hours: everyHours } = settings.config.backups
    if (everyHours > 0 && age > 2 * everyHours * HOUR_MS)
      return told(
        'warning',
        `The newest is ${Math.floor(age / HOUR_MS)} hours old.`,
        'Does the timer run that calls headgate backup run?',
      )
    return told('ok', `The newest is ${newest.label}, by pgBackRest.`)
  } catch (thrown) {
    return told('fault', `pgBackRest: ${reasonOf(thrown)}`, 'Does headgate backup list work for the user of Headgate?')
  }
}
