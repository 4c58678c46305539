import type { Adjustment, AdjustmentQuery, CreateAdjustment } from '@headgate/contract/adjustments.ts'
import type { Page } from '@headgate/contract/keys.ts'
import type { Caller } from '../../domain/caller.ts'
import type { CallBudget } from '../../domain/hold.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'

/** Who adjusts, for the audit. */
export interface Adjuster {
  readonly actor: string
  readonly requestId?: string
}

/** What adjustments need of the house. */
export interface AdjustmentOptions {
  readonly database: Database
  readonly clock: Clock
  /** Whom a key stands for. @throws AppError resource_not_found */
  readonly callerOf: (keyId: string) => Promise<Caller>
  /** Budgets of a project, and of its key where one is named, that hold whatever is called. @throws AppError database_unavailable */
  readonly budgetsOf: (projectId: string, caller: Caller | null) => Promise<readonly CallBudget[]>
  readonly hasProject: (id: string) => Promise<boolean>
  readonly audit: {
    readonly record: (
      transaction: Transaction,
      entry: Adjuster & {
        readonly action: string
        readonly resource: string
        readonly project: string
        readonly after: object
        readonly reason: string
      },
    ) => Promise<void>
  }
}

/** Charges and credits that are no calls. */
export interface Adjustments {
  /**
   * Adds a row to the ledger; one with the reference of an earlier one is that one.
   * @throws AppError invalid_parameter, resource_not_found, database_unavailable
   */
  add(input: CreateAdjustment, adjuster: Adjuster): Promise<Adjustment>
  /** The newest first. @throws AppError database_unavailable */
  list(query: AdjustmentQuery): Promise<Page<Adjustment>>
}
