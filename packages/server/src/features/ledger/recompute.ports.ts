import type { GivenPrices, Recomputation, RecomputeInput } from '@headgate/contract/recompute.ts'
import type { Operation } from '../../domain/inference.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Usage } from '../../domain/usage.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'

/** What a call cost by the price of its time. */
export interface Priced {
  readonly cost: NanoUsd
  readonly version: string
}

/** The price of a call, `provider/model`, at a time in milliseconds since the epoch; null when nobody knows one. */
export type PriceCall = (target: string, operation: Operation, usage: Usage, at: number) => Priced | null

/** Who prices anew, for the audit. */
export interface Recomputer {
  readonly actor: string
  readonly requestId?: string
}

/** What pricing anew needs of the house. */
export interface RecomputeOptions {
  readonly database: Database
  readonly clock: Clock
  readonly faultPoints: FaultPoints
  /** Prices as they are configured now, those given standing in their place. @throws AppError invalid_parameter */
  readonly pricing: (given: GivenPrices) => PriceCall
  readonly audit: {
    readonly record: (
      transaction: Transaction,
      entry: Recomputer & {
        readonly action: string
        readonly resource: string
        readonly after: object
        readonly reason: string
      },
    ) => Promise<void>
  }
}

/** Brings what calls cost to the price that should have held. */
export interface Recompute {
  /**
   * Prices the calls of a range anew and, where it is to be applied, writes what differs as corrections, a batch at a time; done
   * again, it finds nothing. Looks at no more than `mostCalls` and then tells where to go on.
   * @throws AppError invalid_parameter, database_unavailable
   */
  run(input: RecomputeInput, recomputer: Recomputer, mostCalls?: number): Promise<Recomputation>
}
