import type { Caller } from '../../domain/caller.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What seals columns and objects, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, content: string | Buffer) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
  readonly openBytes: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<Buffer>
}

/** Where objects are kept. */
export interface BlobPort {
  readonly put: (name: string, bytes: Buffer) => Promise<void>
  readonly get: (name: string) => Promise<Buffer>
  readonly remove: (name: string) => Promise<void>
}

/** A scanner that a content is shown to as it passes. */
export interface ScanPort {
  readonly push: (piece: Buffer) => Promise<void>
  /** The name of what was found; null: nothing. */
  readonly end: () => Promise<string | null>
  readonly abandon: () => void
}

/** How much assets may take. */
export interface AssetBounds {
  /** Most bytes that one owner may have, by the tier of the caller. */
  readonly ownerBytes: (caller: Caller) => number
  /** Versions of one asset that are kept. */
  readonly versions: number
  /** How long an upload waits for its next bytes. */
  readonly uploadSeconds: number
}

/** Whose assets: those of a person, or of the project where its key asks for itself. */
export interface Owner {
  readonly project: string
  /** Empty: the project itself. */
  readonly subject: string
}

/** What callers say of an asset. */
export interface AssetDetails {
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}
