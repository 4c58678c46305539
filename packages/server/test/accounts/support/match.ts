import type { TruthRow } from '@headgate/qa/upstream/truth.ts'
import { byRequest, type Entry, type NanoPrice, owed } from './books.ts'
import type { CallRecord } from './caller.ts'

/** How far the ledger's output tokens of calls cut short lie between what came through and what was produced. */
export interface Figures {
  calls: number
  truthRows: number
  entries: number
  withoutTruth: number
  estimated: number
  outcomes: Record<string, number>
  /** Of estimated streams: output tokens received, in the ledger, produced. */
  received: number
  charged: number
  produced: number
}

export interface Matching {
  /** A line per disagreement; empty when the books are right. */
  readonly faults: string[]
  readonly figures: Figures
}

/** The tokens that a usage report of the upstream stands for. */
const reportedTokens = ({ usage_reported: usage }: TruthRow) => {
  if (usage === null) return null
  const input = BigInt(usage.prompt_tokens)
  const output = BigInt(usage.completion_tokens ?? usage.total_tokens - usage.prompt_tokens)
  return {
    input,
    cached: BigInt(usage.prompt_tokens_details?.cached_tokens ?? 0),
    written: BigInt(usage.prompt_tokens_details?.cache_write_tokens ?? 0),
    output,
    reasoning: BigInt(usage.completion_tokens_details?.reasoning_tokens ?? 0),
  }
}

const equalsReport = (entry: Entry, truth: TruthRow): boolean => {
  const reported = reportedTokens(truth)
  if (reported === null) return false
  const least = (amount: bigint, limit: bigint) => (amount < limit ? amount : limit)
  return (
    entry.input_tokens === reported.input &&
    entry.cached_input_tokens === least(reported.cached, reported.input) &&
    entry.cache_write_input_tokens === least(reported.written, reported.input - entry.cached_input_tokens) &&
    entry.output_tokens === reported.output &&
    entry.reasoning_tokens === least(reported.reasoning, reported.output)
  )
}

/**
 * Matches, by request id, what callers saw, what the upstream did and what the ledger says. `killed`: the process was
 * killed on the way, so that rows of outcome `killed` are in order.
 */
export const matchBooks = (options: {
  readonly records: readonly CallRecord[]
  readonly truth: readonly TruthRow[]
  readonly entries: readonly Entry[]
  readonly price: NanoPrice
  readonly killed: boolean
}): Matching => {
  const { entries, truth, records, price, killed } = options
  const faults: string[] = []
  const groups = byRequest(truth)
  const callers = new Map(records.map((record) => [record.plan.id, record]))
  const rows = new Map<string, Entry[]>()
  for (const entry of entries) rows.set(entry.request_id, [...(rows.get(entry.request_id) ?? []), entry])
  const figures: Figures = {
    calls: records.length,
    truthRows: truth.length,
    entries: entries.length,
    withoutTruth: 0,
    estimated: 0,
    outcomes: {},
    received: 0,
    charged: 0,
    produced: 0,
  }

  for (const [id, tries] of groups) {
    const count = rows.get(id)?.length ?? 0
    if (count !== 1) faults.push(`${id}: ${count} rows for ${tries.map(({ model }) => model).join(', ')}`)
  }

  const judge = (entry: Entry): void => {
    const tries = groups.get(entry.request_id) ?? []
    const record = callers.get(entry.client_request_id)
    const last = tries.at(-1)
    const model = record?.plan.model ?? '?'
    const complain = (what: string) => {
      const told = JSON.stringify({ entry, tries, record: { ...record, plan: record?.plan } }, (_, value) =>
        typeof value === 'bigint' ? Number(value) : value,
      )
      faults.push(`${entry.request_id} (${model}, ${entry.outcome}): ${what}\n    ${told}`)
    }
    figures.outcomes[entry.outcome] = (figures.outcomes[entry.outcome] ?? 0) + 1
    if (entry.kind !== 'call') complain(`a row of kind ${entry.kind}`)
    if (!record) return complain('nobody made this call')
    if (record.requestId !== null && record.requestId !== entry.client_request_id) complain('another id was answered')
    if (entry.cost_nano !== owed(entry, price)) complain(`costs ${entry.cost_nano}, owed are ${owed(entry, price)}`)
    if (entry.outcome === 'killed' && !killed) complain('nobody was killed')
    if (record.ended && entry.outcome !== 'complete') complain('the caller got the end')
    // A process that was killed, or a caller who left, between the intent and the first byte upstream.
    if (!last) {
      figures.withoutTruth++
      const never = entry.outcome === 'failed' || entry.outcome === 'client_gone' || entry.outcome === 'killed'
      if (!never || entry.output_tokens !== 0n || record.status === 200) complain('the upstream knows nothing of it')
      return
    }

    const begun = tries.filter((row) => row.status === 200 && row.produced_tokens > 0)
    if (begun.length > 1) complain('an answer that had begun was asked for again')
    const produced = BigInt(Math.max(...tries.map((row) => row.produced_tokens)))
    const received = BigInt(record.receivedTokens)
    switch (entry.outcome) {
      case 'complete':
        if (!last.terminal_sent) complain('the upstream never came to the end')
        if (entry.estimated === (last.usage_reported !== null)) complain('estimated is wrong')
        if (last.usage_reported && !equalsReport(entry, last)) complain('the tokens are not those reported')
        if (!record.ended && !record.cut) complain('the caller was not told of the end')
        break
      case 'failed':
        if (entry.estimated) complain('a failed call is estimated')
        if (entry.input_tokens + entry.output_tokens !== 0n) complain('a failed call has tokens')
        if (tries.some((row) => row.outcome === 'complete')) complain('the upstream answered')
        if (record.status === 200 && !record.refused) complain('the caller was not told')
        return
      case 'client_gone':
        if (!killed && record.plan.leaveAfterMs === null && record.plan.leaveAfterParts === null) {
          complain('the caller did not leave')
        }
        break
      case 'upstream_cut':
      case 'timeout':
        if (!record.refused && !record.cut) complain('the caller was not told')
        if (last.outcome === 'complete' || last.outcome === 'refused') complain(`the upstream says ${last.outcome}`)
        break
      case 'killed':
        if (!entry.estimated) complain('a killed call is not estimated')
        break
    }
    if (!entry.estimated) {
      if (!equalsReport(entry, last)) complain('not estimated, yet the tokens are not those reported')
      return
    }
    figures.estimated++
    if (entry.output_tokens < received) complain(`charged ${entry.output_tokens}, received ${received}`)
    if (entry.output_tokens > produced) complain(`charged ${entry.output_tokens}, produced ${produced}`)
    const isFree = entry.cost_nano === 0n
    if (!isFree && entry.input_tokens === 0n) complain('an estimated call has no input')
    if (record.plan.stream) {
      figures.received += Number(received)
      figures.charged += Number(entry.output_tokens)
      figures.produced += Number(produced)
    }
  }
  for (const entry of entries) judge(entry)

  const written = new Map<string, number>()
  for (const entry of entries) {
    written.set(entry.client_request_id, (written.get(entry.client_request_id) ?? 0) + 1)
  }
  for (const record of records) {
    const { plan } = record
    const count = written.get(plan.id) ?? 0
    if (record.hung) faults.push(`${plan.id} (${plan.model}): hung; status ${record.status}`)
    if (count > 1) faults.push(`${plan.id} (${plan.model}): ${count} rows`)
    const left = record.cut && (killed || plan.leaveAfterMs !== null || plan.leaveAfterParts !== null)
    // A call that was not admitted for want of PostgreSQL, or whose caller was gone before it was read, has no row.
    const isRefused = killed && record.errorCode === 'database_unavailable'
    if (count === 0 && (record.status === 200 || !(left || isRefused))) {
      faults.push(`${plan.id} (${plan.model}): no row; status ${record.status}, ${record.errorCode ?? 'no error'}`)
    }
  }
  return { faults, figures }
}
