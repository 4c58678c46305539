import type { Database } from '../../kernel/db.ts'
import type { Range } from './usage.store.ts'

/** What the ledger has of one model on one day (UTC). */
export interface LedgerTotal {
  readonly day: string
  readonly model: string
  /** Calls that used anything: a provider does not bill a refused one. */
  readonly requests: bigint
  readonly estimated: bigint
  readonly input_tokens: bigint
  readonly output_tokens: bigint
  readonly cost_nano: bigint
}

/** A call of the ledger, as it is compared. */
export interface LedgerCall extends LedgerTotal {
  readonly request_id: string
  readonly client_request_id: string
  readonly at: Date
}

const PAGE = 5_000
const DAY = `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day`
const USED = 'input_tokens + output_tokens > 0'

/** Sums by day and model of the calls that a provider answered, corrections included. @throws DatabaseUnavailable */
export const ledgerTotals = (database: Database, provider: string, range: Range): Promise<readonly LedgerTotal[]> =>
  database.read('system', async ({ query }) => {
    const { rows } = await query<LedgerTotal>(
      `SELECT ${DAY}, model, count(*) FILTER (WHERE ${USED}) AS requests, count(*) FILTER (WHERE estimated) AS estimated,
              sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
              coalesce(sum(cost_nano), 0)::bigint AS cost_nano
         FROM headgate.ledger_entries
        WHERE kind IN ('call', 'correction') AND provider = $1 AND at >= $2 AND at < $3 GROUP BY 1, 2 ORDER BY 1, 2`,
      [provider, new Date(range.from), new Date(range.to)],
    )
    return rows
  })

/** Calls that a provider answered, in the order of time, a page at a time. @throws DatabaseUnavailable */
export async function* ledgerCalls(database: Database, provider: string, range: Range): AsyncGenerator<LedgerCall> {
  let after: readonly [Date, string] = [new Date(range.from), '']
  for (;;) {
    const { rows } = await database.read('system', ({ query }) =>
      query<LedgerCall>(
        `SELECT request_id, client_request_id, at, ${DAY}, model, (${USED})::integer::bigint AS requests,
                estimated::integer::bigint AS estimated, input_tokens, output_tokens,
                (coalesce(cost_nano, 0) + coalesce((SELECT sum(cost_nano) FROM headgate.ledger_entries c
                  WHERE c.kind = 'correction' AND c.client_request_id = e.request_id AND c.at = e.at), 0))::bigint AS cost_nano
           FROM headgate.ledger_entries e
          WHERE kind = 'call' AND provider = $1 AND at >= $2 AND at < $3 AND (at, request_id) > ($4, $5)
          ORDER BY at, request_id LIMIT ${PAGE}`,
        [provider, new Date(range.from), new Date(range.to), ...after],
      ),
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = [last.at, last.request_id]
  }
}
