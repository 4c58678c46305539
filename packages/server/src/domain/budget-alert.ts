import type { NanoUsd } from './money.ts'

/** Shares of the limit that are spent, in percent, or `forecast`: at this pace the window spends more than its limit. */
export type BudgetAlertKind = '50' | '80' | '100' | 'forecast'

/** A threshold that an account of a budget reached, told once per window over all replicas. */
export interface BudgetAlert {
  /** Id of the account; tells nothing of a user. */
  readonly budgetId: string
  /** Name of the budget; null for that of a key. */
  readonly budget: string | null
  /** Empty where the account is of all projects together. */
  readonly projectId: string
  /** The project, user, key or model whose account it is; null for the budget of a key. */
  readonly subject: string | null
  readonly kind: BudgetAlertKind
  /** Milliseconds since the epoch. */
  readonly windowStart: number
  readonly raisedAt: number
  readonly limit: NanoUsd
  readonly spent: NanoUsd
  /** What the window will have spent at its end, where that can be said. */
  readonly forecast: NanoUsd | null
}
