import type { BatchEndpoint } from '@headgate/contract/files.ts'
import type { Caller } from '../../domain/caller.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import type { AppError } from '../../kernel/errors.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** One call of a batch. */
export interface LineCall {
  readonly caller: Caller
  readonly user: string | null
  readonly endpoint: BatchEndpoint
  /** JSON as it stands in the line. */
  readonly body: Buffer
  readonly signal: CancelSignal
}

/** What became of it. */
export type LineAnswer =
  | { readonly kind: 'answer'; readonly requestId: string; readonly body: string }
  /** `wasTried`: a provider was asked. */
  | {
      readonly kind: 'fault'
      readonly requestId: string
      readonly fault: AppError
      readonly wasTried: boolean
      /** The error answer, as the endpoint would have given it. */
      readonly body: object
    }

/** How much files may take. */
export interface FileBounds {
  readonly keyBytes: number
  readonly outputSeconds: number
}

/** How much batches may take. */
export interface BatchBounds {
  readonly maxLines: number
  readonly maxLineBytes: number
  readonly running: number
  readonly concurrency: number
  readonly keepDays: number
}

/** What batches need of the house. */
export interface BatchPorts {
  /** The holder of a key that may still call. @throws AppError `api_key_revoked`, `api_key_expired` and the like. */
  readonly callerOf: (keyId: string) => Promise<Caller>
  /** Makes a call; never rejects. */
  readonly call: (line: LineCall) => Promise<LineAnswer>
  /** @throws AppError `overloaded` where work of this caller is refused now. */
  readonly mayCall: (caller: Caller) => void
  readonly isDraining: () => boolean
}
