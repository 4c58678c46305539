import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { SafetyRules } from './safety.ports.ts'

/** Who changes something, for the audit. */
export interface Operator {
  readonly actor: string
  readonly requestId?: string
}

export interface ProjectPoliciesOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Writes an entry of the audit in the transaction of what it records. */
  readonly record: (
    transaction: Transaction,
    entry: Operator & {
      readonly action: string
      readonly resource: string
      readonly project: string
      readonly before?: object
      readonly after?: object
      readonly reason?: string
    },
  ) => Promise<void>
  readonly hasProject: (id: string) => Promise<boolean>
  /** What is configured, asked anew each time. */
  readonly configured: () => Pick<SafetyRules, 'policy' | 'projects' | 'block' | 'redact' | 'injection_percent'> & {
    readonly moderation_model?: string | undefined
  }
}
