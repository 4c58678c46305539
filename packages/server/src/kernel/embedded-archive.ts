import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresAccount } from './embedded-account.ts'
import { segmentName } from './embedded-backup-segments.ts'

/** Longest time that a change waits for its segment to be archived. */
const ARCHIVE_SECONDS = 60

/** The folder that PostgreSQL archives into, within a data folder; what lies there is still to be taken over. */
export const outboxIn = (dataDirectory: string): string => join(dataDirectory, 'wal-outbox')

/** Segments that PostgreSQL has archived and that wait to be taken over, and since when the oldest does, in milliseconds since the epoch. */
export const waitingSegments = async (
  dataDirectory: string,
): Promise<{ readonly count: number; readonly since: number | null }> => {
  const outbox = outboxIn(dataDirectory)
  const names = (await readdir(outbox).catch(() => [] as string[])).filter((name) => segmentName.test(name))
  let since: number | null = null
  for (const name of names) {
    const at = await stat(join(outbox, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    )
    if (at !== null && (since === null || at < since)) since = at
  }
  return { count: names.length, since }
}

/** A text within a command of the shell; PostgreSQL replaces what follows a percent sign. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''").replaceAll('%', '%%')}'`

/**
 * The settings by which PostgreSQL archives its WAL into the outbox, which is made. The command writes beside, syncs, and renames; a
 * segment that is there already is done when it is the same and fails when it is another (PostgreSQL, "Setting Up WAL Archiving").
 */
export const archiveSettings = async (
  dataDirectory: string,
  account: PostgresAccount,
): Promise<Readonly<Record<string, string>>> => {
  const outbox = outboxIn(dataDirectory)
  await mkdir(outbox, { recursive: true, mode: 0o700 })
  await account.own(outbox)
  const folder = quoted(outbox)
  const file = `${folder}/%f`
  return {
    archive_mode: 'on',
    archive_timeout: String(ARCHIVE_SECONDS),
    archive_command:
      `if [ -e ${file} ]; then exec cmp -s "%p" ${file}; fi; ` +
      `cp "%p" ${file}.new && sync ${file}.new && mv ${file}.new ${file} && sync ${folder}`,
  }
}
