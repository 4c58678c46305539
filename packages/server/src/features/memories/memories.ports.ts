import type { MemoryKind, MemorySource } from '@headgate/contract/memories.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** About whom it is remembered: a person of a project, or the project itself where no person is named. */
export interface MemoryOwner {
  readonly project: string
  /** '' for none. */
  readonly subject: string
}

/** Who asks. */
export type Asker = Pick<Exchange, 'caller' | 'user'>

/** How much is remembered, and for how long it is taken to hold. */
export interface MemoryBounds {
  /** Of one owner, proposals included. */
  readonly memories: number
  readonly staleDays: number
}

/** Tells the audit of an act, in its transaction. */
export type RecordAct = (
  transaction: Transaction,
  act: {
    readonly actor: string
    readonly action: string
    readonly resource: string
    readonly project: string
    readonly requestId: string
    readonly after: object
  },
) => Promise<void>

/** Something that said what is remembered. */
export interface SourceEntry {
  readonly type: MemorySource
  readonly id: string | null
  /** From 0 to 1. */
  readonly confidence: number
  /** Seconds since 1970. */
  readonly notedAt: number
}

/** Something that was said in a session. */
export interface SpokenLine {
  readonly role: string
  readonly text: string
}

/** What of a memory is sealed. */
export interface MemoryContent {
  readonly text: string
  /** The first first; at least one. */
  readonly sources: readonly SourceEntry[]
}

/** `proposed`: nobody has said yet that it is to be remembered. */
export type MemoryState = 'proposed' | 'kept'

/** A memory that is to be kept. */
export interface NewMemory extends MemoryContent {
  readonly id: string
  readonly kind: MemoryKind
  readonly scope: string
  readonly confidence: number
  readonly expiresAt: Date | null
  readonly createdAt: Date
  readonly confirmedAt: Date
}

/** A memory as it is kept. */
export interface StoredMemory extends NewMemory {
  readonly state: MemoryState
  readonly version: number
  readonly updatedAt: Date
}

/** What memories are used for, as people agree to it or not. */
export type MemoryPurpose = 'memory_learning' | 'memory_recall'
/** Whether an owner lets something be done with their memories; `optsOut`: their browser asks now that it is not. */
export type AllowsPort = (owner: MemoryOwner, purpose: MemoryPurpose, optsOut: boolean) => Promise<boolean> | boolean
