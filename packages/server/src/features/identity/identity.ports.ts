import type { NanoUsd } from '../../domain/money.ts'
import type { Transaction } from '../../kernel/db.ts'

/** What a budget is renewed by, in UTC; `total` never. */
export type BudgetWindow = 'total' | 'hour' | 'day' | 'month'

/** A budget as its owner knows it. */
export interface BudgetState {
  readonly id: string
  readonly limit: NanoUsd
  readonly window: BudgetWindow
  readonly spent: NanoUsd
  readonly reserved: NanoUsd
}

/** The budgets of keys, kept by their neighbour; writes join the transaction of the key's change. */
export interface BudgetPort {
  readonly put: (
    transaction: Transaction,
    budget: { readonly id: string; readonly projectId: string; readonly limit: NanoUsd; readonly window: BudgetWindow },
  ) => Promise<void>
  readonly remove: (transaction: Transaction, id: string) => Promise<void>
  /** States by id; unknown ids are absent. */
  readonly state: (ids: readonly string[]) => Promise<ReadonlyMap<string, BudgetState>>
}

/** One entry of the audit. */
export interface AuditEntry {
  readonly actor: string
  readonly action: string
  readonly resource: string
  readonly project?: string
  readonly before?: object
  readonly after?: object
  readonly requestId?: string
  readonly reason?: string
}

/** Writes an entry in the transaction of the change it records. */
export interface AuditPort {
  readonly record: (transaction: Transaction, entry: AuditEntry) => Promise<void>
}
