import type { Database } from '../../kernel/db.ts'
import type { Tally } from './minutes.ts'
import { unavailable } from './requests.store.ts'

/** A time range, `to` excluded, milliseconds since the epoch. */
export interface Range {
  readonly from: number
  readonly to: number
}

export type Grouping = 'route' | 'model' | 'provider' | 'tier' | 'code'

/** Sums of one group, of one error code in it. */
export interface SumRow {
  readonly group_name: string
  readonly code: string
  readonly count: bigint
  readonly total_ms: number
  readonly input_tokens: bigint
  readonly output_tokens: bigint
}

/** How many of a group fell into a bucket of a duration. */
export interface BucketRow {
  readonly group_name: string
  readonly bucket: number
  readonly count: bigint
}

/** Sums, and the buckets of the whole duration and of the time to the first byte. */
export interface Sums {
  readonly sums: readonly SumRow[]
  readonly durations: readonly BucketRow[]
  readonly firstBytes: readonly BucketRow[]
}

interface SignalRow {
  readonly kind: string
  readonly route: string
  readonly target: string
  readonly count: number
}

/** Counts by code, and of those that went well how long they took, by bucket. */
export interface SignalRows {
  readonly counts: readonly (SignalRow & { readonly code: string })[]
  readonly durations: readonly (SignalRow & { readonly bucket: number })[]
  readonly firstBytes: readonly (SignalRow & { readonly bucket: number })[]
}

/** Answers of text that went well, of one target. */
export interface SpeedRow {
  readonly target: string
  readonly answers: number
  /** Milliseconds since the epoch. */
  readonly last_at: number
  readonly output_tokens: number
  /** Milliseconds that those took which have output tokens. */
  readonly counted_ms: number
}

/** The same, and how long their first parts took, by bucket. */
export interface SpeedRows {
  readonly sums: readonly SpeedRow[]
  readonly firstBytes: readonly { readonly target: string; readonly bucket: number; readonly count: number }[]
}

const INSERT = `INSERT INTO headgate.request_minutes
    (minute, process_id, kind, route, tier, target, code, count, total_ms, input_tokens, output_tokens, durations, first_bytes)
  SELECT minute, process_id, kind, route, tier, target, code, count, total_ms, input_tokens, output_tokens, durations, first_bytes
    FROM jsonb_to_recordset($1::jsonb) AS row (minute timestamptz, process_id text, kind text, route text, tier text, target text,
      code text, count bigint, total_ms double precision, input_tokens bigint, output_tokens bigint, durations jsonb,
      first_bytes jsonb)
  ON CONFLICT (minute, process_id, kind, route, tier, target, code) DO UPDATE SET count = excluded.count,
    total_ms = excluded.total_ms, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
    durations = excluded.durations, first_bytes = excluded.first_bytes, written_at = now()`

const groupings: Readonly<Record<Grouping, string>> = {
  route: 'route',
  model: 'target',
  provider: `split_part(target, '/', 1)`,
  tier: 'tier',
  code: 'code',
}

/** From this length on a range is read from the counts by the hour. */
const LONG_MS = 2 * 86_400_000
const HOUR_MS = 3_600_000
/** The hours before the last whole one have been rolled up. */
const UNSETTLED_MS = 2 * HOUR_MS

/** The hours of a range that are read as such; its ends are read by the minute, as is all of a short one. */
const hoursOf = ({ from, to }: Range, now: number): Range => {
  if (to - from <= LONG_MS) return { from: to, to }
  const first = Math.ceil(from / HOUR_MS) * HOUR_MS
  const end = Math.floor(Math.min(to, now - UNSETTLED_MS) / HOUR_MS) * HOUR_MS
  return { from: first, to: Math.max(first, end) }
}

const COLUMNS = 'kind, route, tier, target, code, count, total_ms, input_tokens, output_tokens, durations, first_bytes'
/** The counts from $1 to $2, of which $3 to $4 are whole hours; of one kind where $5 names it. */
const COUNTS = `(SELECT minute AS at, ${COLUMNS} FROM headgate.request_minutes
      WHERE (minute >= $1 AND minute < $3) OR (minute >= $4 AND minute < $2)
    UNION ALL SELECT hour, ${COLUMNS} FROM headgate.request_hours WHERE hour >= $3 AND hour < $4) AS counts
  WHERE ($5::text IS NULL OR kind = $5)`

/** The edges of the service map: callers by tier, and providers as they were tried. */
const EDGE = `CASE kind WHEN 'request' THEN 'request ' || tier ELSE 'try ' || split_part(target, '/', 1) END`

/**
 * The counts of requests: long ranges from the hours, short ones and the ends of long ones from the minutes. Reads throw
 * AppError `database_unavailable` when PostgreSQL does not answer.
 */
export const createMinuteStore = (database: Database, processId: string, now: () => number) => {
  const valuesOf = (range: Range, kind: Tally['kind'] | null): (string | null)[] => {
    const hours = hoursOf(range, now())
    const times = [range.from, range.to, hours.from, hours.to].map((time) => new Date(time).toISOString())
    return [...times, kind]
  }
  const sum = (group: string, kind: Tally['kind'] | null, asked: Range): Promise<Sums> =>
    database
      .read('system', async ({ query }) => {
        const range = valuesOf(asked, kind)
        const buckets = async (column: 'durations' | 'first_bytes') => {
          const { rows } = await query<BucketRow>(
            `SELECT ${group} AS group_name, key::int AS bucket, sum(value::bigint)::bigint AS count
               FROM (SELECT * FROM ${COUNTS}) AS counted, jsonb_each_text(${column}) GROUP BY 1, 2`,
            range,
          )
          return rows
        }
        const { rows: sums } = await query<SumRow>(
          `SELECT ${group} AS group_name, code, sum(count)::bigint AS count, sum(total_ms) AS total_ms,
              sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens
             FROM ${COUNTS} GROUP BY 1, 2 ORDER BY 1, 2`,
          range,
        )
        return { sums, durations: await buckets('durations'), firstBytes: await buckets('first_bytes') }
      })
      .catch(unavailable)

  return {
    write: async (tallies: readonly Tally[]): Promise<void> => {
      const rows = tallies.map(({ minute, totalMs, inputTokens, outputTokens, durations, firstBytes, ...rest }) => ({
        ...rest,
        minute: new Date(minute).toISOString(),
        process_id: processId,
        total_ms: totalMs,
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        durations: Object.fromEntries(durations),
        first_bytes: Object.fromEntries(firstBytes),
      }))
      await database.transaction('system', ({ execute }) => execute(INSERT, [JSON.stringify(rows)]))
    },
    byGroup: (grouping: Grouping, range: Range) => sum(groupings[grouping], 'request', range),
    /** In steps of `stepMs` from the start of the range; a group is named by the milliseconds of its start. */
    byTime: (stepMs: number, range: Range) =>
      sum(
        `(extract(epoch FROM date_bin(make_interval(secs => ${stepMs / 1_000}), at, $1)) * 1000)::bigint::text`,
        'request',
        range,
      ),
    edges: (range: Range) => sum(EDGE, null, range),
    /** How fast targets answered on these routes. */
    speeds: (range: Range, routes: readonly string[]): Promise<SpeedRows> =>
      database
        .read('system', async ({ query }) => {
          const values = [...valuesOf(range, 'request'), routes]
          const good = `${COUNTS} AND code = '' AND target <> '' AND route = ANY($6::text[])`
          const { rows: sums } = await query<SpeedRow>(
            `SELECT target, sum(count)::double precision AS answers,
                (extract(epoch FROM max(at)) * 1000)::double precision AS last_at,
                sum(output_tokens)::double precision AS output_tokens,
                coalesce(sum(total_ms) FILTER (WHERE output_tokens > 0), 0)::double precision AS counted_ms
               FROM ${good} GROUP BY target`,
            values,
          )
          const { rows: firstBytes } = await query<SpeedRows['firstBytes'][number]>(
            `SELECT target, key::int AS bucket, sum(value::bigint)::double precision AS count
               FROM (SELECT * FROM ${good}) AS counted, jsonb_each_text(first_bytes) GROUP BY 1, 2`,
            values,
          )
          return { sums, firstBytes }
        })
        .catch(unavailable),
    /** What came of requests and tries by route, target and code, and how long those took that went well. */
    signals: (range: Range): Promise<SignalRows> =>
      database
        .read('system', async ({ query }) => {
          const values = valuesOf(range, null)
          const { rows: counts } = await query<SignalRows['counts'][number]>(
            `SELECT kind, route, target, code, sum(count)::double precision AS count FROM ${COUNTS} GROUP BY 1, 2, 3, 4`,
            values,
          )
          const buckets = async (column: 'durations' | 'first_bytes') => {
            const { rows } = await query<SignalRows['durations'][number]>(
              `SELECT kind, route, target, key::int AS bucket, sum(value::bigint)::double precision AS count
                 FROM (SELECT * FROM ${COUNTS} AND code = '') AS counted, jsonb_each_text(${column}) GROUP BY 1, 2, 3, 4`,
              values,
            )
            return rows
          }
          return { counts, durations: await buckets('durations'), firstBytes: await buckets('first_bytes') }
        })
        .catch(unavailable),
  }
}

export type MinuteStore = ReturnType<typeof createMinuteStore>
