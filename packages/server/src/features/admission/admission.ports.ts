import type { Access, PolicyInput } from '@headgate/contract/limits.ts'
import type { BudgetStanding } from '../../domain/budget-standing.ts'
import type { Caller } from '../../domain/caller.ts'
import type { CallBudget, Hold, Intent } from '../../domain/hold.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Counters } from '../../kernel/counters.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { CountryOf } from './policy.ts'

/** An admitted call: its hold, and the request as it may go to a provider (with an output cap where one must hold). */
export interface Admitted {
  readonly hold: Hold
  readonly request: InferenceRequest
}

/** A token bucket of requests, as configured. */
export interface RequestRate {
  readonly rate_per_minute: number
  readonly burst: number
}

/** What the keys of one tier may do, as configured. */
export interface TierLimits {
  readonly requests: RequestRate
  readonly max_output_tokens?: number
}

/** Members of a chat request that cap its output. */
export type OutputCapMember = 'max_tokens' | 'max_completion_tokens'

/** What the worst case of a call is worked out with. */
export interface MoneyPorts {
  /** Of an operation, at a time in milliseconds since the epoch; null when nobody knows a price. */
  readonly priceOf: (target: Target, at: number, operation: Operation) => Price | null
  /** Most a call can cost when each of its choices has at most `outputCap` tokens. */
  readonly worstCase: (price: Price, request: InferenceRequest, outputCap: number) => NanoUsd
  /** The member by which this target's provider takes an output cap. */
  readonly outputCapMember: (target: Target) => OutputCapMember
  /** Whether this target's provider refuses a request without an output cap. */
  readonly requiresOutputCap: (target: Target) => boolean
  /** The request with `member` set to `cap`, in the place of its value where the member stands already. */
  readonly withOutputCap: (request: InferenceRequest, member: OutputCapMember, cap: number) => InferenceRequest
}

/** Writes an entry of the audit in the transaction of what it records. */
export interface AuditPort {
  readonly record: (
    transaction: Transaction,
    entry: {
      readonly actor: string
      readonly action: string
      readonly resource: string
      readonly before?: object
      readonly after?: object
      readonly requestId?: string
    },
  ) => Promise<void>
}

/** Who changes something, for the audit. */
export interface Operator {
  readonly actor: string
  readonly requestId?: string
}

/** What admission needs of the house. */
export interface AdmissionPorts extends MoneyPorts {
  readonly counters: Counters
  readonly clock: Clock
  readonly tiers: Readonly<Record<string, TierLimits>>
  /** Limit per address for callers without a secret key. */
  readonly perIp: RequestRate
  /** Secret under which the partition key of a limit is hashed, the same on every replica. */
  readonly policyKey: Buffer
  /** All budgets that must have room for a call, that of its key first. */
  readonly budgetsOf: (caller: Caller, user: string | null, targets: readonly Target[]) => readonly CallBudget[]
  /** How the same budgets stand, in their order, and why others do not hold. @throws AppError `database_unavailable` */
  readonly budgetStandings: (
    caller: Caller,
    user: string | null,
    targets: readonly Target[],
  ) => Promise<{
    readonly standings: readonly BudgetStanding[]
    readonly notApplied: readonly { readonly name: string; readonly reason: string }[]
  }>
  /** Opens the call's hold. @throws AppError `budget_exceeded` or `database_unavailable`. */
  readonly reserve: (intent: Intent) => Hold | Promise<Hold>
  readonly log: Log
  readonly database: Database
  readonly audit: AuditPort
  /** The country of an address: an ISO 3166 code, or `unknown`. */
  readonly countryOf: CountryOf
  /** The limits and access rules of the configuration. */
  readonly configured: { readonly policies: Readonly<Record<string, PolicyInput>>; readonly access: Access }
  /** The caller that a key's public id means. @throws AppError `resource_not_found`. */
  readonly callerOf: (keyId: string) => Promise<Caller>
  /** @throws AppError `model_not_found`, `model_not_allowed`, `licence_not_allowed` or `operation_not_supported`. */
  readonly targetsOf: (
    caller: Caller,
    request: Pick<InferenceRequest, 'model' | 'operation'>,
  ) => readonly Target[] | Promise<readonly Target[]>
  /** Told of a policy in shadow that would have refused a call. */
  readonly onShadowRefused: (policy: string) => void
  /** Told of a call that a soft budget had no room for. */
  readonly onBudgetExceeded: (budget: string) => void
}
