import type { DatabaseConnection } from '../../kernel/db.ts'
import { probeDatabase } from '../../kernel/db-probe.ts'
import { readMigrations, shippedMigrations } from '../../kernel/migrate-files.ts'
import { type Finding, reasonOf } from './finding.ts'

const TIMEOUT_MS = 5_000
const LEAST_POSTGRES = 15
const LEAST_REDIS = 7
const SLOW_MS = 50
const SKEW_MS = 2_000

const skewOf = (check: string, whose: string, theirs: number, tookMs: number): Finding[] => {
  const skew = Math.round(theirs - Date.now() + tookMs / 2)
  if (Math.abs(skew) <= SKEW_MS + tookMs) return []
  return [
    {
      check,
      state: 'warning',
      message: `The clock of ${whose} is ${Math.abs(skew) / 1000} s ${skew > 0 ? 'ahead of' : 'behind'} this one.`,
      fix: 'Let both machines keep time by NTP; budgets and expiry are counted by the clock.',
    },
  ]
}

/** PostgreSQL: reachable, new enough, its roles, the schema's version, its clock. */
export const checkDatabase = async (connection: DatabaseConnection): Promise<Finding[]> => {
  const page = 'guides/operations'
  try {
    const found = await probeDatabase(connection, TIMEOUT_MS)
    const newest = (await readMigrations(shippedMigrations)).at(-1)?.version ?? 0
    const findings: Finding[] = []
    if (found.version < LEAST_POSTGRES)
      findings.push({
        check: 'database.version',
        state: 'fault',
        message: `PostgreSQL ${found.version} is too old; Headgate needs ${LEAST_POSTGRES} or newer.`,
        fix: `Upgrade it, or leave database_url out: Headgate brings its own.`,
        page,
      })
    if (!found.hasRuntimeRole && !found.mayPrepare)
      findings.push({
        check: 'database.role',
        state: 'fault',
        message: `The user ${found.login} is no member of the role headgate_runtime and may not make it.`,
        fix: `An administrator runs: CREATE ROLE headgate_runtime NOLOGIN NOSUPERUSER NOBYPASSRLS; GRANT headgate_runtime TO "${found.login}"; and gives it CREATE on the database.`,
        page,
      })
    if (found.schemaVersion > newest)
      findings.push({
        check: 'database.schema',
        state: 'fault',
        message: `The schema has version ${found.schemaVersion}; this Headgate knows ${newest}.`,
        fix: 'Start the newer Headgate that migrated it, or restore a backup from before.',
        page: 'explanation/versions',
      })
    else if (found.schemaVersion < newest)
      findings.push({
        check: 'database.schema',
        state: 'ok',
        message: `The next start migrates the schema from ${found.schemaVersion} to ${newest}.`,
      })
    if (found.tookMs > SLOW_MS)
      findings.push({
        check: 'database.distance',
        state: 'warning',
        message: `PostgreSQL takes ${Math.round(found.tookMs)} ms for a question.`,
        fix: 'Bring it nearer, or look what else it is doing: keys and budgets wait for it.',
      })
    findings.push(...skewOf('database.clock', 'PostgreSQL', found.now, found.tookMs))
    const bad = findings.some(({ state }) => state === 'fault')
    return [
      ...(bad ? [] : [{ check: 'database', state: 'ok', message: `PostgreSQL ${found.version} answers.` } as const]),
      ...findings,
    ]
  } catch (thrown) {
    return [
      {
        check: 'database',
        state: 'fault',
        message: `PostgreSQL does not answer: ${reasonOf(thrown)}.`,
        fix: 'Is it running, and are address, user and password of database_url right?',
        code: 'database_unavailable',
        page,
      },
    ]
  }
}

/** Redis or Valkey: reachable, new enough, its clock. */
export const checkRedis = async (url: string): Promise<Finding[]> => {
  try {
    // Loaded only where there is one.
    const { probeRedis } = await import('../../kernel/counters.redis-probe.ts')
    const { software, version, now, tookMs } = await probeRedis(url, TIMEOUT_MS)
    const tooOld = Number.parseInt(version, 10) < LEAST_REDIS
    return [
      tooOld
        ? {
            check: 'redis',
            state: 'fault',
            message: `${software} ${version} is too old; ${LEAST_REDIS} or newer is needed.`,
            fix: 'Upgrade it.',
            page: 'guides/limits',
          }
        : { check: 'redis', state: 'ok', message: `${software} ${version} answers.` },
      ...skewOf('redis.clock', software, now, tookMs),
    ]
  } catch (thrown) {
    return [
      {
        check: 'redis',
        state: 'warning',
        message: `Redis does not answer: ${reasonOf(thrown)}. Meanwhile each replica counts its share of the limits by itself.`,
        fix: 'Is it running, and is redis_url right?',
        page: 'guides/limits',
      },
    ]
  }
}
