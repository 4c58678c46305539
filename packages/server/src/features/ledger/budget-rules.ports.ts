import type { Budget, BudgetRule } from '@headgate/contract/budgets.ts'
import type { Caller } from '../../domain/caller.ts'
import type { CallBudget } from '../../domain/hold.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { BudgetMatch } from './budget-match.ts'
import type { BudgetStandings } from './budget-standings.ts'

/** Who changes a budget, for the audit. */
export interface BudgetOperator {
  readonly actor: string
  readonly requestId?: string
}

/** What budgets as data need of the house. */
export interface BudgetRulesOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Budgets of the configuration, by name. */
  readonly configured: Readonly<Record<string, BudgetRule>>
  readonly audit: {
    readonly record: (
      transaction: Transaction,
      entry: BudgetOperator & {
        readonly action: string
        readonly resource: string
        readonly before?: object
        readonly after?: object
      },
    ) => Promise<void>
  }
}

/** What operators can ask and change of budgets. */
export interface BudgetService {
  /** All of them. @throws AppError database_unavailable */
  list(): Promise<Budget[]>
  /** @throws AppError resource_not_found, database_unavailable */
  get(name: string): Promise<Budget>
  /** Sets a budget; what its accounts have spent stays spent. @throws AppError invalid_parameter, database_unavailable */
  put(name: string, rule: BudgetRule, operator: BudgetOperator): Promise<Budget>
  /** @throws AppError resource_not_found, invalid_parameter, database_unavailable */
  remove(name: string, operator: BudgetOperator): Promise<void>
}

/** Budgets as data, and which of them hold for a call. */
export interface BudgetRules extends BudgetService, Pick<BudgetMatch, 'of'> {
  readonly standings: BudgetStandings
  /** Those of a project, and of its key where one is named, that hold whatever is called. @throws AppError database_unavailable */
  ofAccount(projectId: string, caller: Caller | null): Promise<readonly CallBudget[]>
  /** Takes over what the configuration states. @throws AppError database_unavailable */
  configure(configured: Readonly<Record<string, BudgetRule>>): Promise<void>
}
