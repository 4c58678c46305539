import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What signs: its private key, and its certificates without the root, the own one first; all PEM. ECDSA over P-256. */
export interface Signer {
  readonly key: string
  readonly chain: string
}

/** A certificate that the operator had issued. */
export interface OwnSigner extends Signer {
  /** What a verifier has to trust to trust it: its root, or the last that was given of its chain; PEM. */
  readonly anchor: string
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

/** What of a call is told in its manifest and kept of it. */
export interface MarkedCall {
  /** Key of its ledger row. */
  readonly id: string
  /** What the caller sees. */
  readonly requestId: string
  readonly caller: { readonly projectId: string }
  readonly headers: Record<string, string>
}

/** What outputs are, in the record of origins. */
export type RecordedKind = 'text' | 'image' | 'audio'

/** One output: who made it, and its digest. */
export interface OriginRecord {
  readonly projectId: string
  readonly requestId: string
  /** Which of the outputs of its request, from 0. */
  readonly position: number
  readonly kind: RecordedKind
  /** Hexadecimal; of the file as it left, or of a text as `createTextDigest` has it. */
  readonly sha256: string
  readonly model: string
  readonly provider: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What became of a file: signed here, left because its maker had signed it, because nobody wants it signed, or for a reason. */
export type Marked = 'signed' | 'provider' | 'unasked' | Unsigned

/** What became of the mark in the pixels of a picture: there, left out because the picture cannot carry one, or it could not be done. */
export type Stamped = 'there' | 'unfit' | 'failed'

/** What was found in the pixels of a picture. */
export interface InvisibleMark {
  readonly found: boolean
  /** The beginning of the id of the request that made it; null where nothing was found. */
  readonly id: string | null
  /** Share of the mark’s bits that were read right; 0 where nothing was found. */
  readonly confidence: number
}

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** What the configuration says. */
export interface ProvenanceSettings {
  readonly sign: readonly string[]
  /** Whether pictures get a mark in their pixels. */
  readonly invisibleMark: boolean
  readonly record: readonly string[]
  readonly recordDays: number
  /** The operator’s own certificate; null where one is made. */
  readonly signer: OwnSigner | null
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

/** What is known of a file or a request. */
export interface VerifyFindings extends Verification {
  /** Null where no picture was searched. */
  readonly mark: InvisibleMark | null
  /** Outputs of the asker's project that are recorded and equal it, the newest first. */
  readonly origins: readonly OriginRecord[]
}
