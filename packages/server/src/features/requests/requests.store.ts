import type { RecordedTry, RequestRecord, Kept } from '../../domain/request-record.ts'
import type { Stage, StageName } from '../../domain/stages.ts'
import type { RecordedVerdict, TraceContext } from '../../domain/walk.ts'
import type { Database } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'

/** A record, and why it is kept. */
export interface KeptRecord {
  readonly record: RequestRecord
  readonly kept: Kept
}

/** Which requests are listed; null asks for any. */
export interface RequestFilter {
  readonly from: number
  readonly to: number
  readonly status: { readonly least: number; readonly most: number } | null
  readonly code: string | null
  readonly route: string | null
  /** `provider/model`, or a model as callers named it. */
  readonly model: string | null
  readonly provider: string | null
  readonly key: string | null
  readonly project: string | null
  readonly kept: Kept | null
  /** What a safety check decided of them, and which one. */
  readonly verdict: { readonly decision?: string; readonly check?: string } | null
  readonly traceId: string | null
  readonly minDurationMs: number | null
  readonly after: { readonly at: number; readonly id: string } | null
  readonly limit: number
}

/** Stands for "no project" in the table: only the house's own scope sees such rows. */
const NO_PROJECT = '*'
const TABLES = ['headgate.requests', 'headgate.request_minutes', 'headgate.request_hours'] as const

const COLUMNS = `id, at, request_id, project_id, key_id, tier, method, route, status, code, operation, asked_model, provider, model,
  stream, outcome, estimated, input_tokens, output_tokens, cost_nano, duration_ms, first_byte_ms, slowest, kept, trace_id, trace,
  stages, tries, verdicts`

const INSERT = `INSERT INTO headgate.requests (${COLUMNS})
  SELECT ${COLUMNS} FROM jsonb_to_recordset($1::jsonb) AS row (id text, at timestamptz, request_id text, project_id text, key_id text,
    tier text, method text, route text, status smallint, code text, operation text, asked_model text, provider text, model text,
    stream boolean, outcome text, estimated boolean, input_tokens bigint, output_tokens bigint, cost_nano bigint,
    duration_ms double precision, first_byte_ms double precision, slowest text, kept text, trace_id text, trace jsonb, stages jsonb,
    tries jsonb, verdicts jsonb)
  ON CONFLICT DO NOTHING`

const toRow = ({ record, kept }: KeptRecord): object => ({
  id: record.id,
  at: new Date(record.at).toISOString(),
  request_id: record.requestId,
  project_id: record.projectId ?? NO_PROJECT,
  key_id: record.keyId,
  tier: record.tier,
  method: record.method,
  route: record.route,
  status: record.status,
  code: record.code,
  operation: record.operation,
  asked_model: record.askedModel,
  provider: record.provider,
  model: record.model,
  stream: record.stream,
  outcome: record.outcome,
  estimated: record.estimated,
  input_tokens: record.inputTokens,
  output_tokens: record.outputTokens,
  cost_nano: record.costNano === null ? null : String(record.costNano),
  duration_ms: record.durationMs,
  first_byte_ms: record.firstByteMs,
  slowest: record.slowest,
  kept,
  trace_id: record.trace.traceId,
  trace: record.trace,
  stages: record.stages,
  tries: record.tries,
  verdicts: record.verdicts,
})

interface Row {
  readonly id: string
  readonly at: Date
  readonly request_id: string
  readonly project_id: string
  readonly key_id: string | null
  readonly tier: string | null
  readonly method: string
  readonly route: string
  readonly status: number
  readonly code: string | null
  readonly operation: string | null
  readonly asked_model: string | null
  readonly provider: string | null
  readonly model: string | null
  readonly stream: boolean
  readonly outcome: string | null
  readonly estimated: boolean | null
  readonly input_tokens: bigint | null
  readonly output_tokens: bigint | null
  readonly cost_nano: bigint | null
  readonly duration_ms: number
  readonly first_byte_ms: number | null
  readonly slowest: StageName
  readonly kept: Kept
  readonly trace: TraceContext
  readonly stages: readonly Stage[]
  readonly tries: readonly RecordedTry[]
  readonly verdicts: readonly RecordedVerdict[]
}

const fromRow = (row: Row): KeptRecord => ({
  kept: row.kept,
  record: {
    id: row.id,
    requestId: row.request_id,
    at: row.at.getTime(),
    method: row.method,
    route: row.route,
    status: row.status,
    code: row.code,
    projectId: row.project_id === NO_PROJECT ? null : row.project_id,
    keyId: row.key_id,
    tier: row.tier,
    operation: row.operation,
    askedModel: row.asked_model,
    stream: row.stream,
    provider: row.provider,
    model: row.model,
    outcome: row.outcome,
    estimated: row.estimated,
    inputTokens: row.input_tokens === null ? null : Number(row.input_tokens),
    outputTokens: row.output_tokens === null ? null : Number(row.output_tokens),
    costNano: row.cost_nano,
    durationMs: row.duration_ms,
    firstByteMs: row.first_byte_ms,
    slowest: row.slowest,
    stages: row.stages,
    tries: row.tries,
    verdicts: row.verdicts,
    trace: row.trace,
  },
})

/** Turns a lost connection into the answer for it. */
export const unavailable = (cause: unknown): never => {
  throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** The kept requests. Reads throw AppError `database_unavailable` when PostgreSQL does not answer. */
export const createRequestStore = (database: Database) => ({
  write: async (records: readonly KeptRecord[]): Promise<void> => {
    await database.transaction('system', ({ execute }) => execute(INSERT, [JSON.stringify(records.map(toRow))]))
  },

  /** The newest first. */
  list: (filter: RequestFilter): Promise<KeptRecord[]> =>
    database
      .read('system', async ({ query }) => {
        const { rows } = await query<Row>(
          `SELECT ${COLUMNS} FROM headgate.requests
            WHERE at >= $1 AND at < $2
              AND ($3::int IS NULL OR status BETWEEN $3 AND $4)
              AND ($5::text IS NULL OR code = $5)
              AND ($6::text IS NULL OR route = $6)
              AND ($7::text IS NULL OR asked_model = $7 OR model = $7 OR provider || '/' || model = $7)
              AND ($8::text IS NULL OR provider = $8)
              AND ($9::text IS NULL OR key_id = $9)
              AND ($10::text IS NULL OR project_id = $10)
              AND ($11::text IS NULL OR kept = $11)
              AND ($12::text IS NULL OR trace_id = $12)
              AND ($13::double precision IS NULL OR duration_ms >= $13)
              AND ($14::timestamptz IS NULL OR (at, id) < ($14, $15))
              AND ($17::jsonb IS NULL OR verdicts @> $17::jsonb)
            ORDER BY at DESC, id DESC LIMIT $16`,
          [
            time(filter.from),
            time(filter.to),
            filter.status?.least ?? null,
            filter.status?.most ?? null,
            filter.code,
            filter.route,
            filter.model,
            filter.provider,
            filter.key,
            filter.project,
            filter.kept,
            filter.traceId,
            filter.minDurationMs,
            filter.after && time(filter.after.at),
            filter.after?.id ?? null,
            filter.limit,
            filter.verdict && JSON.stringify([filter.verdict]),
          ],
        )
        return rows.map(fromRow)
      })
      .catch(unavailable),

  /** By its own id or the caller's, the newest where several bear it. */
  find: (id: string): Promise<KeptRecord | null> =>
    database
      .read('system', async ({ query }) => {
        const { rows } = await query<Row>(
          `SELECT ${COLUMNS} FROM headgate.requests WHERE id = $1 OR request_id = $1
            ORDER BY id = $1 DESC, at DESC LIMIT 1`,
          [id],
        )
        return rows[0] ? fromRow(rows[0]) : null
      })
      .catch(unavailable),

  /** Makes the partitions of the days ahead and drops those that have had their time. */
  keepDays: async (days: Readonly<Record<(typeof TABLES)[number], number>>): Promise<void> => {
    for (const table of TABLES) {
      await database.transaction('system', async ({ query }) => {
        await query('SELECT headgate.ensure_daily_partitions($1::regclass)', [table])
        await query('SELECT headgate.drop_daily_partitions($1::regclass, $2)', [table, days[table]])
      })
    }
  },
})

export type RequestStore = ReturnType<typeof createRequestStore>
