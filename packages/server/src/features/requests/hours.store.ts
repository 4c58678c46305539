import type { Database, Transaction } from '../../kernel/db.ts'

/** Writes that were under way at the last roll-up may have a time before it: a statement ends within ten seconds. */
const OVERLAP = `interval '1 minute'`

const GROUP = 'kind, route, tier, target, code'
const bucketSums = (column: 'durations' | 'first_bytes') =>
  `SELECT hour, ${GROUP}, jsonb_object_agg(key, held) AS buckets
     FROM (SELECT hour, ${GROUP}, key, sum(value::bigint) AS held FROM counted, jsonb_each_text(${column})
            GROUP BY hour, ${GROUP}, key) AS summed GROUP BY hour, ${GROUP}`

/** Sums up the minutes of the hours that `hours` selects; what stands there is replaced. */
const rollUp = (hours: string): string => `WITH picked AS (${hours}),
  counted AS (SELECT picked.hour, minutes.* FROM picked JOIN headgate.request_minutes AS minutes
      ON minutes.minute >= picked.hour AND minutes.minute < picked.hour + interval '1 hour'),
  durations_of AS (${bucketSums('durations')}),
  first_bytes_of AS (${bucketSums('first_bytes')}),
  sums AS (SELECT hour, ${GROUP}, sum(count)::bigint AS count, sum(total_ms) AS total_ms,
      sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens FROM counted GROUP BY hour, ${GROUP})
  INSERT INTO headgate.request_hours
    (hour, ${GROUP}, count, total_ms, input_tokens, output_tokens, durations, first_bytes)
  SELECT hour, ${GROUP}, sums.count, total_ms, input_tokens, output_tokens,
      coalesce(durations_of.buckets, '{}'), coalesce(first_bytes_of.buckets, '{}')
    FROM sums LEFT JOIN durations_of USING (hour, ${GROUP}) LEFT JOIN first_bytes_of USING (hour, ${GROUP})
  ON CONFLICT (hour, ${GROUP}) DO UPDATE SET count = excluded.count, total_ms = excluded.total_ms,
    input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, durations = excluded.durations,
    first_bytes = excluded.first_bytes`

const ROLL_UP_CHANGED = rollUp(
  `SELECT DISTINCT date_bin('1 hour', minute, to_timestamp(0)) AS hour FROM headgate.request_minutes
    WHERE written_at >= $1::timestamptz - ${OVERLAP}`,
)
const ROLL_UP_NAMED = rollUp('SELECT unnest($1::timestamptz[]) AS hour')

const DIFFERING = `SELECT DISTINCT hour FROM
    (SELECT date_bin('1 hour', minute, to_timestamp(0)) AS hour, ${GROUP}, sum(count) AS counted
       FROM headgate.request_minutes WHERE minute >= $1 AND minute < $2 GROUP BY 1, ${GROUP}) AS minutes
    FULL JOIN (SELECT hour, ${GROUP}, count FROM headgate.request_hours WHERE hour >= $1 AND hour < $2) AS hours
      USING (hour, ${GROUP})
   WHERE counted IS DISTINCT FROM count AND NOT (counted IS NULL AND count = 0)`

interface Turn {
  readonly rolled_at: string
  readonly reconcile: boolean
}

/** What one look at the minutes came to; null where another replica is at it. */
export interface RolledUp {
  /** Hours that were found different from their minutes and mended; null when it is not the night for it. */
  readonly mended: number | null
}

/** The counts by the hour. */
export const createHourStore = (database: Database) => {
  const mend = async ({ query, execute }: Transaction, from: number, to: number): Promise<number> => {
    const { rows } = await query<{ hour: string }>(DIFFERING, [
      new Date(from).toISOString(),
      new Date(to).toISOString(),
    ])
    if (rows.length === 0) return 0
    const hours = rows.map(({ hour }) => hour)
    await execute(
      `UPDATE headgate.request_hours SET count = 0, total_ms = 0, input_tokens = 0, output_tokens = 0, durations = '{}',
          first_bytes = '{}' WHERE hour = ANY($1::timestamptz[])`,
      [hours],
    )
    await execute(ROLL_UP_NAMED, [hours])
    return rows.length
  }

  return {
    /**
     * Sums up the hours whose minutes have changed; once in `everyMs` it compares those of `range` with all their minutes.
     * Of several replicas one does it.
     */
    rollUp: (everyMs: number, range: { readonly from: number; readonly to: number }): Promise<RolledUp | null> =>
      database.transaction('system', async (transaction) => {
        const { rows } = await transaction.query<Turn>(
          `SELECT rolled_at::text, reconciled_at <= now() - make_interval(secs => $1) AS reconcile
             FROM headgate.request_rollup FOR UPDATE SKIP LOCKED`,
          [everyMs / 1_000],
        )
        const [turn] = rows
        if (turn === undefined) return null
        await transaction.execute(ROLL_UP_CHANGED, [turn.rolled_at])
        const mended = turn.reconcile ? await mend(transaction, range.from, range.to) : null
        await transaction.execute(
          `UPDATE headgate.request_rollup SET rolled_at = now(), reconciled_at = CASE WHEN $1 THEN now() ELSE reconciled_at END`,
          [turn.reconcile],
        )
        return { mended }
      }),
  }
}
