import { processEnvironment, searchPath } from '../config/env.ts'
import type { Settings } from '../config/config.ts'
import { readArchiver } from '../features/backups/archiver.store.ts'
import type { BackupFacts } from '../features/backups/backups.ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import { createPgBackRest, type PgBackRest } from '../kernel/pgbackrest.ts'
import type { PgBackRestBackup } from '../kernel/pgbackrest-info.ts'

/** What libpq and ssh need to find what lets them in; everything else that is handed on is of pgBackRest itself. */
const handed: ReadonlySet<string> = new Set(['HOME', 'USER', 'PGPASSFILE', 'SSH_AUTH_SOCK', 'TZ'])

/** pgBackRest as it is configured; null where something else makes backups. */
export const pgBackRestOf = ({ config, secrets }: Pick<Settings, 'config' | 'secrets'>): PgBackRest | null => {
  const { engine, pgbackrest } = config.backups
  const { stanza, config_file, program } = pgbackrest
  if (engine !== 'pgbackrest' || secrets.database_url === undefined || stanza === undefined) return null
  const environment = Object.fromEntries(
    Object.entries(processEnvironment()).flatMap(([name, value]) =>
      value !== undefined && (handed.has(name) || name.startsWith('PGBACKREST_')) ? [[name, value]] : [],
    ),
  )
  return createPgBackRest({ program, path: searchPath(), stanza, configFile: config_file ?? null, environment })
}

/** The program is asked at most this often for those who only look. */
const ASK_EVERY_MS = 15_000

/** What the repository of pgBackRest holds, and how far PostgreSQL has archived. */
export const createPgBackRestFacts = (pgbackrest: PgBackRest, database: Database, clock: Clock): BackupFacts => {
  let asked: { readonly at: number; readonly told: Promise<PgBackRestBackup[]> } | null = null
  const backups = (): Promise<PgBackRestBackup[]> => {
    if (asked === null || clock.now() - asked.at >= ASK_EVERY_MS) asked = { at: clock.now(), told: pgbackrest.list() }
    return asked.told
  }
  return {
    drills: false,
    list: async (most) =>
      (await backups())
        .slice(-most)
        .reverse()
        .map(({ label, startedAt, stoppedAt, timeline, bytes, storedBytes, faulty }) => ({
          id: label,
          facts: faulty
            ? null
            : { startedAt, finishedAt: stoppedAt, from: stoppedAt, timeline, bytes, storedBytes, objects: null },
        })),
    has: async (id) => (await backups()).some(({ label }) => label === id),
    archivedAt: async () => (await readArchiver(database)).archivedAt,
    waiting: async () => {
      const { failingSince } = await readArchiver(database)
      return { count: failingSince === null ? 0 : 1, since: failingSince }
    },
    drilledAt: async () => null,
    oldestAt: async () => (await backups()).find(({ faulty }) => !faulty)?.stoppedAt ?? null,
    copy: async () => null,
  }
}
