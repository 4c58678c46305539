import type { Operation } from '../../domain/inference.ts'
import type { Database } from '../../kernel/db.ts'
import type { Range } from './usage.store.ts'

/** A call of the ledger, as it is replayed against other limits. */
export interface ReplayedCall {
  readonly request_id: string
  readonly at: Date
  readonly project_id: string
  readonly key_id: string
  readonly user_name: string | null
  readonly operation: Operation
  readonly target: string
  readonly provider: string
  readonly input_tokens: bigint
  readonly output_tokens: bigint
  readonly images: bigint
  readonly audio_ms: bigint
  readonly cost_nano: bigint | null
  readonly duration_ms: number
}

const PAGE = 5_000
const NEXT = `SELECT request_id, at, project_id, key_id, user_name, operation, target, provider, input_tokens, output_tokens,
    images, audio_ms, cost_nano, duration_ms
  FROM headgate.ledger_entries
  WHERE kind = 'call' AND at >= $1 AND at < $2 AND (at, request_id) > ($3, $4)
  ORDER BY at, request_id LIMIT ${PAGE}`

/** Reads every call of a range in the order of time, a page at a time. @throws DatabaseUnavailable */
export async function* replayCalls(database: Database, range: Range): AsyncGenerator<ReplayedCall> {
  let after: readonly [Date, string] = [new Date(range.from), '']
  for (;;) {
    const { rows } = await database.read('system', ({ query }) =>
      query<ReplayedCall>(NEXT, [new Date(range.from), new Date(range.to), ...after]),
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = [last.at, last.request_id]
  }
}
