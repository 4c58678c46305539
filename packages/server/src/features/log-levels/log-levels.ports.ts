import type { LogComponent, LogLevel } from '@headgate/contract/log-levels.ts'
import type { Transaction } from '../../kernel/db.ts'

/** Writes to the audit, in the transaction of the change. */
export type RecordAudit = (
  transaction: Transaction,
  entry: {
    readonly actor: string
    readonly action: string
    readonly resource: string
    readonly before: object
    readonly after: object
    readonly requestId: string
    readonly reason?: string
  },
) => Promise<void>

/** What the configuration says, and the log that follows it. */
export interface LogPorts {
  readonly defaultLevel: () => LogLevel
  readonly configured: Readonly<Partial<Record<LogComponent, LogLevel>>>
  readonly setLevels: (levels: Readonly<Partial<Record<LogComponent, LogLevel>>>) => void
}
