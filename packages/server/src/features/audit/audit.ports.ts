import type { Bucket } from '../../kernel/bucket.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** Asks an address that an operator named. Rejects when nobody answers in time. */
export type Ask = (
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  timeoutMs: number,
) => Promise<{
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}>

/** Where checkpoints are copied to, as configured now. */
export interface CopySettings {
  /** A file of this machine. */
  readonly file: string
  /** Receivers of kind webhook, by name. */
  readonly webhooks: Readonly<Record<string, { readonly url: string; readonly signingKey: string | null }>>
  /** Each checkpoint is an object of it. */
  readonly bucket: Bucket | null
  /** Witnesses by name: the prefix of their addresses, and their key as one text. */
  readonly witnesses: Readonly<Record<string, { readonly url: string; readonly key: string }>>
}

/** What the configuration says. */
export interface AuditSettings extends CopySettings {
  /** Name of the log; null: made with the first key. */
  readonly origin: string | null
  /** Longest that entries wait for a checkpoint, and how many of them wait at most. */
  readonly everyMs: number
  readonly everyEntries: number
}

/** Who acts, for the audit. */
export interface Actor {
  readonly actor: string
  readonly requestId?: string
}

/** An operator, as the access review sees one. */
export interface ReviewedOperator {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly state: string
  readonly created_at: string
}
/** A session of an operator. */
export interface ReviewedSession {
  readonly operator: string
  readonly created_at: string
  readonly expires_at: string
  readonly revoked_at: string | null
}
/** An API key. */
export interface ReviewedKey {
  readonly id: string
  readonly name: string
  readonly project: string
  readonly kind: string
  readonly tier: string
  readonly state: string
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used_at: string | null
}
/** Everyone who may do something here. */
export interface AccessLists {
  readonly operators: readonly ReviewedOperator[]
  readonly sessions: readonly ReviewedSession[]
  readonly keys: readonly ReviewedKey[]
}
