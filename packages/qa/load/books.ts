import type { TruthRow } from '../upstream/truth.ts'
import type { Seen } from './caller.ts'
import type { House } from './house.ts'
import { pause } from './pace.ts'

/** A call as the ledger holds it; counts and nano-USD as text. */
export interface Entry {
  readonly request_id: string
  readonly client_request_id: string
  readonly key_id: string
  readonly outcome: string
  readonly input_tokens: string
  readonly output_tokens: string
  readonly cost_nano: string | null
}

const ENTRIES = `SELECT request_id, client_request_id, key_id, outcome, input_tokens, output_tokens, cost_nano
  FROM headgate.ledger_entries WHERE kind = 'call' AND provider = 'up'`

/** Every call of the ledger. */
export const readEntries = (house: House): Promise<Entry[]> => house.postgres.query<Entry>(ENTRIES)

/** Reads the ledger until it no longer grows: rows come to PostgreSQL a moment after their calls. */
export const settledEntries = async (house: House): Promise<Entry[]> => {
  for (let known = -1; ; ) {
    const entries = await readEntries(house)
    if (entries.length === known) return entries
    known = entries.length
    await pause(800)
  }
}

/** Nano-USD that windows hold for leases, and that leases hold. */
export const readReserved = async (house: House): Promise<number> => {
  const [held] = await house.postgres.query<{ held: string }>(
    `SELECT (coalesce((SELECT sum(leased_nano) FROM headgate.budget_windows), 0)
           + coalesce((SELECT sum(amount_nano) FROM headgate.leases), 0))::text AS held`,
  )
  return Number(held?.held ?? 0)
}

const byId = <Row>(rows: readonly Row[], idOf: (row: Row) => string | null): Map<string, Row[]> => {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const id = idOf(row) ?? ''
    const group = groups.get(id)
    if (group) group.push(row)
    else groups.set(id, [row])
  }
  return groups
}

/**
 * What callers saw, what the upstream did and what the ledger says, matched by their ids: a line for each disagreement. Nothing
 * lost: every call that the upstream got, and every whole answer, has a row. Nothing doubled: it has one. Nothing invented: a
 * complete row has the upstream's own counts, any other at most what the upstream produced.
 */
export const disagreements = (
  seen: readonly Pick<Seen, 'id' | 'whole' | 'broken' | 'status' | 'code'>[],
  truth: readonly TruthRow[],
  entries: readonly Entry[],
): readonly string[] => {
  const faults: string[] = []
  const rows = byId(entries, ({ request_id }) => request_id)
  const byCaller = byId(entries, ({ client_request_id }) => client_request_id)
  const tries = byId(truth, ({ request_id }) => request_id)
  for (const id of tries.keys()) {
    const count = rows.get(id)?.length ?? 0
    if (count !== 1) faults.push(`${id}: the upstream got it, ${count} rows`)
  }
  for (const { id, whole, broken, status, code } of seen) {
    const own = byCaller.get(id) ?? []
    if (own.length > 1) faults.push(`${id}: ${own.length} rows`)
    if (whole && own[0]?.outcome !== 'complete')
      faults.push(`${id}: answered, and its row is ${own[0]?.outcome ?? 'lost'}`)
    if (!broken && status >= 400 && own.some(({ cost_nano }) => cost_nano !== '0' && cost_nano !== null))
      faults.push(`${id}: refused with ${status} ${code}, and charged`)
  }
  for (const entry of entries) {
    const last = tries.get(entry.request_id)?.at(-1)
    const counted = Number(entry.output_tokens)
    if (entry.outcome === 'complete') {
      if (last === undefined || !last.terminal_sent)
        faults.push(`${entry.request_id}: complete, and not for the upstream`)
      else if (counted !== last.produced_tokens || Number(entry.input_tokens) !== last.prompt_tokens)
        faults.push(`${entry.request_id}: ${counted} tokens, the upstream produced ${last.produced_tokens}`)
    } else if (counted > (last?.produced_tokens ?? 0))
      faults.push(`${entry.request_id} (${entry.outcome}): ${counted} tokens, produced ${last?.produced_tokens ?? 0}`)
  }
  return faults
}
