import type { EndAged, RetentionPeriods } from '../../../kernel/aged.ts'
import type { Clock } from '../../../kernel/clock.ts'
import type { Log } from '../../../kernel/log.ts'
import type { RetentionClass, TableMap } from '../data-map.ts'
import type { ErasurePorts } from '../erasures.ts'
import type { ReceiptSigner } from '../receipt.ts'
import type { RetentionStore } from './retention.store.ts'

/** What the house says of retention. */
export interface RetentionWishes {
  readonly periodsOf: (name: RetentionClass) => RetentionPeriods
  /** Where more has to go than rows of a table: who ends them. */
  readonly keepers: Partial<Readonly<Record<RetentionClass, EndAged>>>
  /** Whether this process looks every hour; of several on one machine one does. */
  readonly isFirst: boolean
}

export interface RetentionPorts extends RetentionWishes {
  readonly store: RetentionStore
  readonly map: Readonly<Record<string, TableMap>>
  readonly signer: ReceiptSigner
  readonly clock: Clock
  readonly log: Log
  readonly record: ErasurePorts['record']
  /** Takes the names of those out whose legal hold has ended by itself. */
  readonly unnameEnded: () => Promise<void>
}
