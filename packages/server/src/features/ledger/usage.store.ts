import type { Attempt } from '../../domain/hold.ts'
import type { Database, Read, Scope } from '../../kernel/db.ts'
import { asUnavailable } from './leases.store.ts'

/** A row of `headgate.ledger_entries`, as far as it is shown. */
export interface EntryRow {
  readonly request_id: string
  readonly client_request_id: string
  readonly project_id: string
  readonly key_id: string
  readonly user_name: string | null
  readonly operation: string
  readonly provider: string
  readonly model: string
  readonly stream: boolean
  readonly outcome: string
  readonly estimated: boolean
  readonly input_tokens: bigint
  readonly cached_input_tokens: bigint
  readonly cache_write_input_tokens: bigint
  readonly output_tokens: bigint
  readonly reasoning_tokens: bigint
  readonly images: bigint
  readonly audio_ms: bigint
  readonly characters: bigint
  readonly cost_nano: bigint | null
  /** null where the answer did not come from the cache. */
  readonly saved_nano: bigint | null
  readonly price_version: string | null
  readonly fault: string | null
  readonly attempts: number
  readonly duration_ms: number
  readonly first_byte_ms: number | null
  readonly at: Date
}

/** A call with all that stands under it. */
export interface FoundCall {
  readonly entry: EntryRow
  readonly tries: readonly Attempt[]
  readonly corrections: readonly {
    readonly cost_nano: bigint
    readonly price_version: string
    readonly written_at: Date
  }[]
}

/** Sums over entries. */
export interface TotalsRow {
  readonly group_name: string | null
  readonly requests: bigint
  readonly estimated_requests: bigint
  readonly unpriced_requests: bigint
  readonly input_tokens: bigint
  readonly cached_input_tokens: bigint
  readonly cache_write_input_tokens: bigint
  readonly output_tokens: bigint
  readonly reasoning_tokens: bigint
  readonly images: bigint
  readonly audio_ms: bigint
  readonly characters: bigint
  readonly cost_nano: bigint
  readonly adjustments_nano: bigint
  readonly saved_nano: bigint
}

/** A time range, `to` excluded, milliseconds since the epoch. */
export interface Range {
  readonly from: number
  readonly to: number
}

export type Grouping = 'model' | 'key' | 'user' | 'day'

/** Reads of the ledger. All throw AppError database_unavailable when PostgreSQL does not answer. */
export interface UsageStore {
  /** One call by its id or the caller's own, the newest where several bear it; with its tries and corrections. */
  find(projectId: string, id: string): Promise<FoundCall | null>
  /** The newest first. */
  list(filter: ListFilter): Promise<readonly EntryRow[]>
  totals(filter: Pick<ListFilter, 'projectId' | 'keyId' | 'user' | 'range'>): Promise<TotalsRow>
  report(grouping: Grouping, projectId: string | null, range: Range): Promise<readonly TotalsRow[]>
}

export interface ListFilter {
  readonly projectId: string
  /** null: every key of the project. */
  readonly keyId: string | null
  /** null: every user. */
  readonly user: string | null
  readonly range: Range
  readonly limit: number
  readonly after: { readonly at: number; readonly id: string } | null
}

const SHOWN = `request_id, client_request_id, project_id, key_id, user_name, operation, provider, model, stream, outcome,
  estimated, input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens, images,
  audio_ms, characters, cost_nano, saved_nano, price_version, fault, attempts, duration_ms,
  first_byte_ms, at`
const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

const COUNTED = [
  'requests',
  'estimated_requests',
  'unpriced_requests',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'images',
  'audio_ms',
  'characters',
  'cost_nano',
  'adjustments_nano',
  'saved_nano',
] as const
const SUMS = COUNTED.map((name) => `coalesce(sum(${name}), 0)::bigint AS ${name}`).join(', ')

/** An entry as `headgate.add_usage_hours` counts it. */
const ENTRY = `at, project_id, key_id, coalesce(user_name, '') AS user_name, target, (kind = 'call')::int AS requests,
  (kind = 'call' AND estimated)::int AS estimated_requests, (kind = 'call' AND cost_nano IS NULL)::int AS unpriced_requests,
  input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens, images, audio_ms,
  characters, coalesce(cost_nano, 0) AS cost_nano,
  CASE WHEN kind = 'adjustment' THEN cost_nano ELSE 0 END AS adjustments_nano, coalesce(saved_nano, 0) AS saved_nano`

/**
 * What was used from $1 to $2: the whole days, from $6 to $7, and the other whole hours, from $3 to $4, as they are summed up, and the
 * rest of the range by its entries. Of one project where $5 names it.
 */
const USED = `(
    SELECT ${ENTRY} FROM headgate.ledger_entries
     WHERE ((at >= $1 AND at < $3) OR (at >= $4 AND at < $2)) AND ($5::text IS NULL OR project_id = $5)
    UNION ALL
    SELECT hour, project_id, key_id, user_name, target, ${COUNTED.join(', ')} FROM headgate.usage_hours
     WHERE ((hour >= $3 AND hour < $6) OR (hour >= $7 AND hour < $4)) AND ($5::text IS NULL OR project_id = $5)
    UNION ALL
    SELECT day, project_id, key_id, user_name, target, ${COUNTED.join(', ')} FROM headgate.usage_days
     WHERE day >= $6 AND day < $7 AND ($5::text IS NULL OR project_id = $5)
  ) AS used`

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The whole units of a range; where there is none, an empty one at its end. */
const wholeOf = ({ from, to }: Range, unitMs: number): Range => {
  const first = Math.min(to, Math.ceil(from / unitMs) * unitMs)
  return { from: first, to: Math.max(first, Math.floor(to / unitMs) * unitMs) }
}

/** The values $1 to $7. A range without a whole hour is read by its entries alone. */
const usedIn = (range: Range, projectId: string | null): (string | null)[] => {
  const hours = wholeOf(range, HOUR_MS)
  const days = wholeOf(hours, DAY_MS)
  const [from, to, hour, hourEnd, day, dayEnd] = [range, hours, days].flatMap((one) => [time(one.from), time(one.to)])
  return [from, to, hour, hourEnd, projectId, day, dayEnd] as (string | null)[]
}

const groupings: Record<Grouping, string> = {
  // Adjustments have no model, and may have no key.
  model: `nullif(target, '')`,
  key: `nullif(key_id, '')`,
  user: `nullif(user_name, '')`,
  day: `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
}
const MOST_GROUPS = 1_000

export const createUsageStore = (database: Database): UsageStore => {
  const read = <T>(scope: Scope, work: (read: Read) => Promise<T>): Promise<T> =>
    database.read(scope, work).catch((cause) => {
      throw asUnavailable(cause)
    })

  return {
    find: (projectId, id) =>
      read({ project: projectId }, async ({ query }) => {
        const { rows } = await query<EntryRow>(
          `SELECT ${SHOWN} FROM headgate.ledger_entries
            WHERE project_id = $1 AND kind = 'call' AND (request_id = $2 OR client_request_id = $2)
            ORDER BY request_id = $2 DESC, at DESC LIMIT 1`,
          [projectId, id],
        )
        const entry = rows[0]
        if (!entry) return null
        const tries = await query<Attempt>(
          `SELECT target, status, duration_ms AS "durationMs", fault FROM headgate.request_attempts
            WHERE request_id = $1 AND at = $2 ORDER BY attempt`,
          [entry.request_id, entry.at],
        )
        const corrections = await query<FoundCall['corrections'][number]>(
          `SELECT cost_nano, price_version, written_at FROM headgate.ledger_entries
            WHERE kind = 'correction' AND client_request_id = $1 AND at = $2 ORDER BY request_id`,
          [entry.request_id, entry.at],
        )
        return { entry, tries: tries.rows, corrections: corrections.rows }
      }),
    list: ({ projectId, keyId, user, range, limit, after }) =>
      read({ project: projectId }, async ({ query }) => {
        const { rows } = await query<EntryRow>(
          `SELECT ${SHOWN} FROM headgate.ledger_entries
            WHERE project_id = $1 AND kind = 'call' AND ($2::text IS NULL OR key_id = $2) AND at >= $3 AND at < $4
              AND ($5::timestamptz IS NULL OR (at, request_id) < ($5, $6)) AND ($8::text IS NULL OR user_name = $8)
            ORDER BY at DESC, request_id DESC LIMIT $7`,
          [projectId, keyId, time(range.from), time(range.to), after && time(after.at), after && after.id, limit, user],
        )
        return rows
      }),
    totals: ({ projectId, keyId, user, range }) =>
      read({ project: projectId }, async ({ query }) => {
        const { rows } = await query<TotalsRow>(
          `SELECT NULL AS group_name, ${SUMS} FROM ${USED}
            WHERE ($8::text IS NULL OR key_id = $8) AND ($9::text IS NULL OR user_name = $9)`,
          [...usedIn(range, projectId), keyId, user],
        )
        return rows[0] as TotalsRow
      }),
    report: (grouping, projectId, range) =>
      read(projectId === null ? 'system' : { project: projectId }, async ({ query }) => {
        const { rows } = await query<TotalsRow>(
          `SELECT ${groupings[grouping]} AS group_name, ${SUMS} FROM ${USED}
            GROUP BY 1 ORDER BY ${grouping === 'day' ? '1' : 'cost_nano DESC, 1'} LIMIT ${MOST_GROUPS + 1}`,
          usedIn(range, projectId),
        )
        return rows
      }),
  }
}

/** Most groups of one report. */
export const mostGroups = MOST_GROUPS
