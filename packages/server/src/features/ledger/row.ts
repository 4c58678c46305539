import type { Attempt, Intent, Settlement } from '../../domain/hold.ts'
import { type MediaAmounts, noAmounts } from '../../domain/media.ts'
import type { NanoUsd } from '../../domain/money.ts'
import { noUsage, type Outcome } from '../../domain/usage.ts'

/** Money of one budget, and where it was taken from. */
export interface Reservation {
  readonly budgetId: string
  readonly leaseId: string
  /** Start of the budget's window, milliseconds since the epoch: the call is charged to it, however long it takes. */
  readonly windowStart: number
  readonly amount: NanoUsd
  /** Targets whose cost the budget bears; null: all. */
  readonly targets: readonly string[] | null
}

/** Those of a call that no budget holds. */
export const noReservations: readonly Reservation[] = []

/** A settled call, complete in itself: a line of the journal and a row of `headgate.ledger_entries`. */
export interface LedgerRow {
  readonly id: string
  readonly requestId: string
  readonly projectId: string
  readonly keyId: string
  readonly user: string | null
  readonly operation: string
  readonly target: string
  readonly stream: boolean
  readonly at: number
  readonly outcome: Outcome
  readonly estimated: boolean
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteInputTokens: number
  /** The part of it that is kept for an hour; null in a journal line of a version that did not tell it apart. */
  readonly cacheWriteHourInputTokens: number | null
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** The shared `noAmounts` where there are none. */
  readonly amounts: MediaAmounts
  readonly cost: NanoUsd | null
  readonly priceVersion: string | null
  /** Of an answer from the cache: what it would have cost; null where that is not known. */
  readonly saved?: NanoUsd | null
  readonly fault: string | null
  readonly attempts: readonly Attempt[]
  readonly durationMs: number
  readonly firstByteMs: number | null
  /** One for each budget that had to have room. */
  readonly reservations: readonly Reservation[]
}

/** Joins what was known before the call with what it came to. */
export const toRow = (intent: Intent, reservations: readonly Reservation[], settlement: Settlement): LedgerRow => {
  const { usage } = settlement
  return {
    id: intent.id,
    requestId: intent.requestId,
    projectId: intent.projectId,
    keyId: intent.keyId,
    user: intent.user,
    operation: intent.operation,
    target: settlement.target,
    stream: intent.stream,
    at: intent.at,
    outcome: settlement.outcome,
    estimated: settlement.estimated,
    inputTokens: usage.inputTokens,
    cachedInputTokens: usage.cachedInputTokens,
    cacheWriteInputTokens: usage.cacheWriteInputTokens,
    cacheWriteHourInputTokens: usage.cacheWriteHourInputTokens,
    outputTokens: usage.outputTokens,
    reasoningTokens: usage.reasoningTokens,
    amounts: usage.media ?? noAmounts,
    cost: settlement.cost,
    priceVersion: settlement.priceVersion,
    ...(settlement.saved !== undefined && { saved: settlement.saved }),
    fault: settlement.fault,
    attempts: settlement.attempts,
    durationMs: Math.round(settlement.durationMs),
    firstByteMs: settlement.firstByteMs === null ? null : Math.round(settlement.firstByteMs),
    reservations,
  }
}

const TOKENS_PER_MILLION = 1_000_000n

/** The row of a call whose process died: input as estimated, output as it was marked before the caller got it. */
export const toKilledRow = (intent: Intent, reservations: readonly Reservation[], outputTokens: number): LedgerRow => {
  const { rates } = intent
  const metered = rates ? rates.input * BigInt(intent.inputTokensEstimate) + rates.output * BigInt(outputTokens) : 0n
  return toRow(intent, reservations, {
    outcome: 'killed',
    target: intent.target,
    usage: { ...noUsage, inputTokens: intent.inputTokensEstimate, outputTokens },
    estimated: true,
    cost: rates ? rates.perRequest + (metered + TOKENS_PER_MILLION - 1n) / TOKENS_PER_MILLION : null,
    priceVersion: null,
    attempts: [],
    durationMs: 0,
    firstByteMs: null,
    fault: 'internal_error',
  })
}

/** Whether the budget of a reservation bears what the row cost: one of other models does not. */
export const isCharged = ({ target }: LedgerRow, { targets }: Reservation): boolean =>
  targets === null || targets.includes(target)

/** What the lease of a reservation pays of a row; what a call cost beyond its reservation is spent without cover. */
export const paidByLease = (row: LedgerRow, reservation: Reservation): NanoUsd => {
  const { cost } = row
  if (cost === null || !isCharged(row, reservation)) return 0n
  return cost < reservation.amount ? cost : reservation.amount
}
