import type { Database } from '../../kernel/db.ts'
import { unavailable } from './requests.store.ts'

/** How many calls came lately, over all processes. */
export interface Pace {
  readonly callsPerMinute: number
  /** Processes that answered any. */
  readonly processes: number
}

/** Calls of one hour. */
export interface HourOfCalls {
  /** Its start, milliseconds since the epoch. */
  readonly at: number
  readonly calls: number
}

/** Minutes that are looked back on: whole ones, the last of which every process has written. */
const LOOK_BACK = 5

/** What calls came when. Both throw AppError `database_unavailable` when PostgreSQL does not answer. */
export const createPaceStore = (database: Database) => ({
  pace: (now: number): Promise<Pace> =>
    database
      .read('system', async ({ query }) => {
        const end = now - (now % 60_000)
        const { rows } = await query<{ calls: number; processes: number }>(
          `SELECT coalesce(sum(count), 0)::double precision AS calls, count(DISTINCT process_id)::int AS processes
             FROM headgate.request_minutes WHERE kind = 'request' AND minute >= $1 AND minute < $2`,
          [new Date(end - LOOK_BACK * 60_000).toISOString(), new Date(end).toISOString()],
        )
        return { callsPerMinute: (rows[0]?.calls ?? 0) / LOOK_BACK, processes: rows[0]?.processes ?? 0 }
      })
      .catch(unavailable),

  /** By the hour, from a time until another; hours without a call are left out. */
  hours: (from: number, to: number): Promise<readonly HourOfCalls[]> =>
    database
      .read('system', async ({ query }) => {
        const { rows } = await query<HourOfCalls>(
          `SELECT (extract(epoch FROM hour) * 1000)::double precision AS at, sum(count)::double precision AS calls
             FROM headgate.request_hours WHERE kind = 'request' AND hour >= $1 AND hour < $2 GROUP BY hour ORDER BY hour`,
          [new Date(from).toISOString(), new Date(to).toISOString()],
        )
        return rows
      })
      .catch(unavailable),
})
