import type { UsageDetail, UsageRow, UsageTotals } from '@headgate/contract/usage.ts'
import type { Attempt } from '../../domain/hold.ts'
import { formatUsd } from '../../domain/money.ts'
import type { BudgetState } from './budgets.store.ts'
import type { LedgerRow } from './row.ts'
import type { EntryRow, FoundCall, TotalsRow } from './usage.store.ts'

const money = (amount: bigint | null): string | null => (amount === null ? null : formatUsd(amount))

/** An entry as callers see it. */
export const viewEntry = (entry: EntryRow): UsageRow => ({
  object: 'usage',
  id: entry.request_id,
  request_id: entry.client_request_id,
  project: entry.project_id,
  key_id: entry.key_id,
  user: entry.user_name,
  operation: entry.operation,
  provider: entry.provider,
  model: entry.model,
  stream: entry.stream,
  outcome: entry.outcome as UsageRow['outcome'],
  estimated: entry.estimated,
  input_tokens: Number(entry.input_tokens),
  cached_input_tokens: Number(entry.cached_input_tokens),
  cache_write_input_tokens: Number(entry.cache_write_input_tokens),
  output_tokens: Number(entry.output_tokens),
  reasoning_tokens: Number(entry.reasoning_tokens),
  images: Number(entry.images),
  audio_seconds: Number(entry.audio_ms) / 1_000,
  characters: Number(entry.characters),
  cost_usd: money(entry.cost_nano),
  saved_usd: money(entry.saved_nano),
  price_version: entry.price_version,
  fault: entry.fault,
  attempts: entry.attempts,
  duration_ms: entry.duration_ms,
  first_byte_ms: entry.first_byte_ms,
  created_at: entry.at.toISOString(),
  recorded: true,
})

const viewTries = (attempts: readonly Attempt[]): UsageDetail['tries'] =>
  attempts.map(({ target, status, durationMs, fault }) => ({
    target,
    status,
    duration_ms: Math.round(durationMs),
    fault,
  }))

/** An entry with its tries and corrections. */
export const viewDetail = ({ entry, tries, corrections }: FoundCall): UsageDetail => ({
  ...viewEntry(entry),
  tries: viewTries(tries),
  corrections: corrections.map((row) => ({
    amount_usd: formatUsd(row.cost_nano),
    price_version: row.price_version,
    created_at: row.written_at.toISOString(),
  })),
})

/** A row that PostgreSQL does not have yet. */
export const viewQueued = (row: LedgerRow): UsageDetail => {
  const slash = row.target.indexOf('/')
  return {
    object: 'usage',
    id: row.id,
    request_id: row.requestId,
    project: row.projectId,
    key_id: row.keyId,
    user: row.user,
    operation: row.operation,
    provider: row.target.slice(0, Math.max(slash, 0)),
    model: row.target.slice(slash + 1),
    stream: row.stream,
    outcome: row.outcome,
    estimated: row.estimated,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    cache_write_input_tokens: row.cacheWriteInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    images: row.amounts.images,
    audio_seconds: Math.round(row.amounts.audioMs) / 1_000,
    characters: row.amounts.characters,
    cost_usd: money(row.cost),
    saved_usd: row.saved === undefined ? null : money(row.saved ?? 0n),
    price_version: row.priceVersion,
    fault: row.fault,
    attempts: row.attempts.length,
    duration_ms: row.durationMs,
    first_byte_ms: row.firstByteMs,
    created_at: new Date(row.at).toISOString(),
    recorded: false,
    tries: viewTries(row.attempts),
    corrections: [],
  }
}

/** Sums as callers see them. */
export const viewTotals = (totals: TotalsRow): UsageTotals => ({
  requests: Number(totals.requests),
  estimated_requests: Number(totals.estimated_requests),
  unpriced_requests: Number(totals.unpriced_requests),
  input_tokens: Number(totals.input_tokens),
  cached_input_tokens: Number(totals.cached_input_tokens),
  cache_write_input_tokens: Number(totals.cache_write_input_tokens),
  output_tokens: Number(totals.output_tokens),
  reasoning_tokens: Number(totals.reasoning_tokens),
  images: Number(totals.images),
  audio_seconds: Number(totals.audio_ms) / 1_000,
  characters: Number(totals.characters),
  cost_usd: formatUsd(totals.cost_nano),
  adjustments_usd: formatUsd(totals.adjustments_nano),
  saved_usd: formatUsd(totals.saved_nano),
})

/** A budget's state as callers see it. */
export const viewBudget = (budget: BudgetState) => ({
  limit_usd: formatUsd(budget.limit),
  window: budget.window,
  spent_usd: formatUsd(budget.spent),
  reserved_usd: formatUsd(budget.reserved),
  remaining_usd: formatUsd(budget.remaining),
  resets_at: budget.resetsAt === null ? null : new Date(budget.resetsAt).toISOString(),
})
