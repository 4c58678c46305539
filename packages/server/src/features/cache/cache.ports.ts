import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { UpstreamAnswer } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'

/** Where an answer stands: no other project can name it. */
export interface Place {
  readonly project: string
  /** A digest of everything that decides the answer, as hexadecimal. */
  readonly lookup: string
}

/** Whose answer it is, whoever may have it. */
export interface Owner {
  readonly keyId: string
  /** A digest of the person's name; '' where there is none. */
  readonly subject: string
}

/** What of all answers is meant; what is null does not matter. */
export interface Selection {
  readonly project: string | null
  readonly keyId: string | null
  readonly subject: string | null
}

/** Keeps answers as bytes, and says who makes one. All may reject: without its store the cache has no answers. */
export interface CacheStore {
  /** Who can read what is kept: `process` is this one alone. */
  readonly reach: 'process' | 'replicas'
  read(place: Place): Promise<Buffer | null>
  /** Takes the making of an answer, or goes on holding it; false where another turn has it. */
  claim(place: Place, turn: string, owner: Owner): Promise<boolean>
  /** Ends a turn with its answer; nothing where the turn was taken away. */
  keep(place: Place, turn: string, owner: Owner, answer: Buffer, keepMs: number): Promise<void>
  /** Ends a turn without one. What stood there stays. */
  release(place: Place, turn: string): Promise<void>
  /** Forgets answers, and takes away the turns of those that are being made. Tells how many answers. */
  purge(selection: Selection): Promise<number>
  /** Deletes some of what is too old; tells whether there may be more. */
  forget(): Promise<boolean>
  close(): Promise<void>
}

/** A turn is held this long after the last sign of its replica. */
export const HELD_MS = 15_000

/** Calls a provider. */
export type Call = (
  targets: readonly Target[],
  request: InferenceRequest,
  exchange: Exchange,
  signal: CancelSignal,
) => Promise<UpstreamAnswer>

/** Writes to the audit, in the transaction of the change. */
export type RecordAudit = (
  transaction: Transaction,
  entry: {
    readonly actor: string
    readonly action: string
    readonly resource: string
    readonly after: object
    readonly requestId: string
  },
) => Promise<void>

/** What forgetting needs. */
export interface PurgePorts {
  readonly store: CacheStore
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly record: RecordAudit
}

/** What the cache did for a call. */
export type CacheResult = 'hit' | 'stale' | 'miss' | 'bypass'
