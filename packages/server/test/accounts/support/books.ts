import type { TruthRow } from '@headgate/qa/upstream/truth.ts'
import type { Database } from '../../../src/kernel/db.ts'

/** A row of the ledger. */
export interface Entry {
  readonly request_id: string
  readonly client_request_id: string
  readonly key_id: string
  readonly kind: string
  readonly operation: string
  readonly outcome: 'complete' | 'failed' | 'client_gone' | 'upstream_cut' | 'timeout' | 'killed'
  readonly estimated: boolean
  readonly input_tokens: bigint
  readonly cached_input_tokens: bigint
  readonly cache_write_input_tokens: bigint
  readonly output_tokens: bigint
  readonly reasoning_tokens: bigint
  readonly cost_nano: bigint | null
  readonly fault: string | null
  readonly attempts: number
  readonly first_byte_ms: number | null
  readonly budget_id: string | null
}

/** Every row of the ledger. */
export const readEntries = (database: Database): Promise<Entry[]> =>
  database.read('system', async ({ query }) => {
    const { rows } = await query<Entry>(
      `SELECT request_id, client_request_id, key_id, kind, operation, outcome, estimated, input_tokens, cached_input_tokens,
              cache_write_input_tokens, output_tokens, reasoning_tokens, cost_nano, fault, attempts, first_byte_ms, budget_id
         FROM headgate.ledger_entries ORDER BY at, request_id`,
    )
    return rows
  })

/** Money that windows hold for leases, and that leases hold: both 0 when nothing is under way. */
export const readReserved = (database: Database): Promise<{ windows: bigint; leases: bigint }> =>
  database.read('system', async ({ query }) => {
    const { rows } = await query<{ windows: bigint; leases: bigint }>(
      `SELECT coalesce((SELECT sum(leased_nano) FROM headgate.budget_windows), 0)::bigint AS windows,
              coalesce((SELECT sum(amount_nano) FROM headgate.leases), 0)::bigint AS leases`,
    )
    return rows[0] as { windows: bigint; leases: bigint }
  })

/** A price as nano-USD: per million tokens, and per call. */
export interface NanoPrice {
  readonly input: bigint
  readonly cachedInput: bigint
  readonly cacheWrite: bigint
  readonly output: bigint
  readonly perRequest: bigint
}

/**
 * What a row must cost, worked out apart from the product: ceil((other input × input + cached × cached input + written ×
 * cache write + output × output) / 10⁶) + per call. A provider that fails by itself before the caller got anything is owed nothing,
 * nor one that was never asked, because the caller left before anything was sent.
 */
export const owed = (entry: Entry, price: NanoPrice): bigint => {
  const { outcome, first_byte_ms: firstByte } = entry
  if (outcome === 'failed' || (outcome === 'client_gone' && entry.input_tokens === 0n)) return 0n
  if ((outcome === 'upstream_cut' || outcome === 'timeout') && firstByte === null) return 0n
  const tokens =
    (entry.input_tokens - entry.cached_input_tokens - entry.cache_write_input_tokens) * price.input +
    entry.cached_input_tokens * price.cachedInput +
    entry.cache_write_input_tokens * price.cacheWrite +
    entry.output_tokens * price.output
  return (tokens + 999_999n) / 1_000_000n + price.perRequest
}

/** All tries of one logical request, as the upstream saw them. */
export const byRequest = (truth: readonly TruthRow[]): Map<string, TruthRow[]> => {
  const groups = new Map<string, TruthRow[]>()
  for (const row of truth) {
    const id = row.request_id ?? `without id ${row.sequence}`
    groups.set(id, [...(groups.get(id) ?? []), row])
  }
  return groups
}
