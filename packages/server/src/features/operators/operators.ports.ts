import type { Transaction } from '../../kernel/db.ts'

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
export interface Actor {
  readonly actor: string
  readonly requestId?: string
}
