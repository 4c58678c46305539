import type { Database } from '../../kernel/db.ts'
import { errorCode } from '../../kernel/db-errors.ts'

const SUMS_DIFFER = 'HGL01'
const BATCH = 5_000
const HOURS = 24

/** What is past is taken away, a batch at a time; all of it is without use for what comes. */
const PRUNE = {
  // Windows that count no more: of an hour and rolling ones for five weeks, others for a good year. That of `total` always counts.
  windows: `
    DELETE FROM headgate.budget_windows WHERE (budget_id, window_start) IN (
      SELECT w.budget_id, w.window_start FROM headgate.budget_windows w JOIN headgate.budgets b ON b.id = w.budget_id
       WHERE w.window_start < $1::timestamptz - interval '75 days' AND w.leased_nano = 0
         AND (b.budget_window IN ('hour', 'rolling-hour', 'rolling-day', 'rolling-month')
           OR (b.budget_window IN ('day', 'month') AND w.window_start < $1::timestamptz - interval '400 days'))
         AND NOT EXISTS (SELECT FROM headgate.leases l WHERE l.budget_id = w.budget_id AND l.window_start = w.window_start)
       LIMIT ${BATCH} FOR UPDATE OF w SKIP LOCKED)`,
  // Accounts of rules that nobody has used for as long: the next call makes them anew.
  accounts: `
    DELETE FROM headgate.budgets WHERE id IN (
      SELECT b.id FROM headgate.budgets b
       WHERE b.subject IS NOT NULL AND b.updated_at < $1::timestamptz - interval '75 days'
         AND NOT EXISTS (SELECT FROM headgate.budget_windows w WHERE w.budget_id = b.id)
       LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
  alerts: `
    DELETE FROM headgate.budget_alerts WHERE (budget_id, window_start, kind) IN (
      SELECT budget_id, window_start, kind FROM headgate.budget_alerts WHERE raised_at < $1::timestamptz - interval '400 days' LIMIT ${BATCH})`,
} as const

/** What was taken away. */
export type Pruned = Readonly<Record<keyof typeof PRUNE, number>>

const SUMMED = 'requests, cost_nano, input_tokens, output_tokens'
const summed = (of: string): string =>
  SUMMED.split(', ')
    .map((name) => `${of}.${name}`)
    .join(', ')

const HOUR_DIFFERS = `
  SELECT count(*) AS differing FROM (
    SELECT project_id, key_id, coalesce(user_name, '') AS user_name, target, count(*) FILTER (WHERE kind = 'call') AS requests,
           coalesce(sum(cost_nano), 0) AS cost_nano, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
      FROM headgate.ledger_entries WHERE at >= $1 AND at < $2 GROUP BY 1, 2, 3, 4) e
    FULL JOIN (SELECT * FROM headgate.usage_hours WHERE hour = $1) h USING (project_id, key_id, user_name, target)
   WHERE (${summed('e')}) IS DISTINCT FROM (${summed('h')})`

const DAY_DIFFERS = `
  SELECT count(*) AS differing FROM (
    SELECT project_id, key_id, user_name, target, ${SUMMED.split(', ')
      .map((name) => `sum(${name}) AS ${name}`)
      .join(', ')}
      FROM headgate.usage_hours WHERE hour >= $1 AND hour < $2 GROUP BY 1, 2, 3, 4) h
    FULL JOIN (SELECT * FROM headgate.usage_days WHERE day = $1) d USING (project_id, key_id, user_name, target)
   WHERE (${summed('h')}) IS DISTINCT FROM (${summed('d')})`

const HOUR_MS = 3_600_000
const DAY_MS = HOURS * HOUR_MS
const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** The statements of the ledger's upkeep, each short enough for the common time-out. All reject without PostgreSQL. */
export const createUpkeepStore = (database: Database) => ({
  /** Takes the turn for an hour, once in twenty; false where another replica has it or had it. */
  claim: (): Promise<boolean> =>
    database.transaction(
      'system',
      async ({ execute }) =>
        (await execute(
          `UPDATE headgate.ledger_upkeep SET claimed_until = now() + interval '1 hour'
            WHERE claimed_until <= now() AND done_at <= now() - interval '20 hours'`,
        )) === 1,
    ),
  /** All is done until tomorrow. */
  finish: async (): Promise<void> => {
    await database.transaction('system', ({ execute }) =>
      execute('UPDATE headgate.ledger_upkeep SET done_at = now(), claimed_until = to_timestamp(0)'),
    )
  },
  prune: async (what: keyof Pruned, now: number): Promise<number> => {
    for (let sum = 0; ; ) {
      const gone = await database.transaction('system', ({ execute }) => execute(PRUNE[what], [time(now)]))
      sum += gone
      if (gone < BATCH) return sum
    }
  },
  /** How many sums of a day, by the hour and of the whole, differ from what they are sums of. `day` is its begin. */
  differing: async (day: number): Promise<number> => {
    const ask = (sql: string, from: number, to: number): Promise<number> =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<{ differing: bigint }>(sql, [time(from), time(to)])
        return Number(rows[0]?.differing ?? 0n)
      })
    let sum = await ask(DAY_DIFFERS, day, day + DAY_MS)
    for (let hour = day; hour < day + DAY_MS; hour += HOUR_MS) sum += await ask(HOUR_DIFFERS, hour, hour + HOUR_MS)
    return sum
  },
  /** Begins of the months that may end, the oldest first. */
  endedMonths: (keepMonths: number): Promise<readonly Date[]> =>
    database.read('system', async ({ query }) => {
      const { rows } = await query<{ month: Date }>('SELECT month FROM headgate.ended_ledger_months($1) AS month', [
        keepMonths,
      ])
      return rows.map(({ month }) => month)
    }),
  /**
   * Seals a month day by day and drops its rows, all or nothing; answers how many entries it had. `pass` is called before each
   * day and before the end. @throws SumsDiffer
   */
  endMonth: (month: Date, keepMonths: number, pass: () => void): Promise<number> =>
    database
      .transaction('system', async ({ query }) => {
        const end = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1)
        let entries = 0
        for (let day = month.getTime(); day < end; day += DAY_MS) {
          pass()
          const { rows } = await query<{ entries: number }>('SELECT headgate.seal_ledger_day($1, $2) AS entries', [
            time(day),
            keepMonths,
          ])
          entries += rows[0]?.entries ?? 0
        }
        await query('SELECT headgate.drop_ledger_month($1, $2)', [month, keepMonths])
        pass()
        return entries
      })
      .catch((cause) => {
        throw errorCode(cause) === SUMS_DIFFER ? new SumsDiffer((cause as Error).message) : cause
      }),
})

/** Sums of the ledger are not what its rows say: nothing is dropped. */
export class SumsDiffer extends Error {
  override readonly name = 'SumsDiffer'
}
