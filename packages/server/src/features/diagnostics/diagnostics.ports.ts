import type { Diagnostics } from '@headgate/contract/diagnostics.ts'
import type { Transaction } from '../../kernel/db.ts'

/** How the process stands, but for what this feature itself does. */
export type ProcessReading = Omit<Diagnostics, 'object' | 'running'>

/** What it may do. */
export interface DiagnosticsSettings {
  readonly heapSnapshot: boolean
  /** Longest CPU profile; 0: none is made. */
  readonly mostProfileSeconds: number
}

/** What it asks of the house. */
export interface DiagnosticsPorts {
  readonly settings: () => DiagnosticsSettings
  readonly read: () => ProcessReading
  /** Bytes of memory that may still be used before work would be refused. */
  readonly memoryLeft: () => number
  /** Folder that only this process reads; made when first needed. */
  readonly folder: string
  /** Writes to the audit: no entry, no profile and no snapshot. */
  readonly record: (
    transaction: Transaction,
    entry: {
      readonly actor: string
      readonly action: string
      readonly resource: string
      readonly after?: object
      readonly requestId: string
      readonly reason?: string
    },
  ) => Promise<void>
}
