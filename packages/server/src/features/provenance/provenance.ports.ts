import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What signs: its private key, and its certificates without the root, the own one first; all PEM. ECDSA over P-256. */
export interface Signer {
  readonly key: string
  readonly chain: string
}

/** What a manifest tells of how something came to be. */
export interface Origin {
  /** As the provider names it. */
  readonly model: string
  readonly provider: string
  /** The request that made it. */
  readonly requestId: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** Under which licence the model is offered, and whom to name; null where nobody said. */
  readonly licence: string | null
  readonly attribution: string | null
}

/** Why something is not signed. */
export type Unsigned = 'address' | 'format' | 'stream' | 'busy' | 'failed'

/** What became of a file: signed here, left because its maker had signed it, or left for a reason. */
export type Marked = 'signed' | 'provider' | Unsigned

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** What the configuration says. */
export interface ProvenanceSettings {
  readonly sign: readonly string[]
  readonly onFailure: 'pass' | 'fail'
  readonly maxWaiting: number
  readonly signMs: number
  /** What is known of a model, by `provider/model`. */
  readonly termsOf: (target: string) => { readonly licence: string | null; readonly attribution: string | null }
}

/** What a verifier found. */
export interface Verification {
  readonly verdict: 'trusted' | 'signed' | 'tampered' | 'unknown'
  readonly format: string | null
  /** Codes of C2PA that failed. */
  readonly failures: readonly string[]
  readonly manifest: Readonly<Record<string, unknown>> | null
}
