import type { LogComponent, LogLevel } from '@headgate/contract/log-levels.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'

/** Levels that operators have set, by component. */
export type SetLevels = Readonly<Partial<Record<LogComponent, LogLevel>>>

const readLevels = async ({ query }: Read): Promise<SetLevels> => {
  const { rows } = await query<{ component: LogComponent; level: LogLevel }>(
    'SELECT component, level FROM headgate.log_levels ORDER BY component',
  )
  return Object.fromEntries(rows.map(({ component, level }) => [component, level]))
}

const setLevel = async ({ execute }: Transaction, component: string, level: LogLevel): Promise<void> => {
  await execute(
    `INSERT INTO headgate.log_levels (component, level) VALUES ($1, $2)
     ON CONFLICT (component) DO UPDATE SET level = excluded.level, updated_at = now()`,
    [component, level],
  )
}

const removeLevel = async ({ execute }: Transaction, component: string): Promise<void> => {
  await execute('DELETE FROM headgate.log_levels WHERE component = $1', [component])
}

const unavailable = (cause: unknown): never => {
  throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

/** What operators have set. Throws AppError `database_unavailable` when PostgreSQL does not answer. */
export const createLogLevelStore = (database: Database) => ({
  read: (): Promise<SetLevels> => database.read('system', readLevels).catch(unavailable),
  /** Sets levels, null takes one away; `record` runs in the same transaction, with the levels before and after. */
  change: (
    changes: Readonly<Partial<Record<LogComponent, LogLevel | null>>>,
    record: (transaction: Transaction, before: SetLevels, after: SetLevels) => Promise<void>,
  ): Promise<SetLevels> =>
    database
      .transaction('system', async (transaction) => {
        const before = await readLevels(transaction)
        for (const [component, level] of Object.entries(changes)) {
          if (level === null) await removeLevel(transaction, component)
          else await setLevel(transaction, component, level)
        }
        const after = await readLevels(transaction)
        await record(transaction, before, after)
        return after
      })
      .catch(unavailable),
})
