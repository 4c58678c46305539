import type { Operation } from './inference.ts'
import type { NanoUsd } from './money.ts'
import type { Outcome, Usage } from './usage.ts'

/** What a budget is renewed by, in UTC; `total` never. */
export type CalendarWindow = 'total' | 'hour' | 'day' | 'month'

/** The same, or a stretch of time that ends now; a month of these has 30 days. */
export type BudgetWindow = CalendarWindow | 'rolling-hour' | 'rolling-day' | 'rolling-month'

/** Whose money a budget counts. */
export type BudgetLevel = 'project' | 'user' | 'key' | 'model'

/** A budget that a call is held against. */
export interface CallBudget {
  /** The account: one limit, and what was spent of it by window. */
  readonly id: string
  readonly level: BudgetLevel
  /** By which an account that is not there yet is made; null for the budget of a key, which stands from the start. */
  readonly rule: { readonly name: string; readonly projectId: string; readonly subject: string } | null
  /** It refuses nobody: what goes beyond it is flagged. */
  readonly soft: boolean
  /** Targets whose cost it bears, `provider/model`; null: all. */
  readonly targets: readonly string[] | null
}

/** Whether a budget refuses what it has no room for. */
export const isHard = ({ soft }: CallBudget): boolean => !soft

/** Those of a call without any. */
export const noBudgets: readonly CallBudget[] = []

/** What is known of a call before it is made; written to the journal before anything is sent to a provider. */
export interface Intent {
  /** `req_…`: one billable row per id, whatever happens. */
  readonly id: string
  readonly requestId: string
  readonly projectId: string
  readonly keyId: string
  readonly user: string | null
  readonly operation: Operation
  readonly stream: boolean
  /** The dearest target of the chosen order, `provider/model`. */
  readonly target: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** All that must have room for it, that of its key first. */
  readonly budgets: readonly CallBudget[]
  /** Most this call can cost; null when no price is known, which only a call without a hard budget may have. */
  readonly worstCase: NanoUsd | null
  /** Input charged when the process dies before the provider has said what it counted. */
  readonly inputTokensEstimate: number
  /** What a killed call costs: nano-USD per million input and output tokens, and per request; null without a price. */
  readonly rates: { readonly input: NanoUsd; readonly output: NanoUsd; readonly perRequest: NanoUsd } | null
}

/** How one try at a provider went; a logical request has one to three. */
export interface Attempt {
  /** `provider/model`. */
  readonly target: string
  /** HTTP status of the provider; 0 when none came. */
  readonly status: number
  readonly durationMs: number
  /** Catalogue code of the fault; null when the try succeeded. */
  readonly fault: string | null
}

/** What a call came to. */
export interface Settlement {
  readonly outcome: Outcome
  /** The target that answered, or the last one tried. */
  readonly target: string
  readonly usage: Usage
  /** The usage was counted here, because the provider did not get to say it. */
  readonly estimated: boolean
  /** null when no price is known. */
  readonly cost: NanoUsd | null
  readonly priceVersion: string | null
  readonly attempts: readonly Attempt[]
  readonly durationMs: number
  /** Milliseconds to the first byte for the caller; null when none was sent. */
  readonly firstByteMs: number | null
  /** Catalogue code of what the caller was told; null when all went well. */
  readonly fault: string | null
  /** Of an answer that was given before, at no cost: what it would have cost; null where no price is known. */
  readonly saved?: NanoUsd | null
}

/** An admitted call: its reservation, open until it is settled. */
export interface Hold {
  readonly intent: Intent
  /** Soft budgets that had no room for it. */
  readonly flagged: readonly CallBudget[]
  /** Notes, in memory that survives a killed process, how many output tokens the caller is about to have got at least. */
  mark(outputTokens: number): void
  /** Journals what the call came to, then frees the reservation. Later calls are ignored: the first outcome stands. */
  settle(settlement: Settlement): void
}
