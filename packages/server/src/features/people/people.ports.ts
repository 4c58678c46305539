import type { Caller } from '../../domain/caller.ts'
import type { Transaction } from '../../kernel/db.ts'

/** Writes an entry of the audit in the transaction of what it records. */
export interface AuditPort {
  readonly record: (
    transaction: Transaction,
    entry: {
      readonly actor: string
      readonly action: string
      readonly resource: string
      readonly project?: string
      readonly before?: object
      readonly after?: object
      readonly requestId?: string
    },
  ) => Promise<void>
}

/** Who changes something, for the audit. */
export interface Operator {
  readonly actor: string
  readonly requestId?: string
}

/** Headers of a request, as Node.js gives them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The holder of a key. @throws AppError of the authentication family, or `database_unavailable`. */
export type AuthenticateKey = (credential: string | null, beforeAsking?: () => void) => Caller | Promise<Caller>

/**
 * Reads JSON from an address.
 * @param isConfigured who configures Headgate named its host; else it is reached only where strangers' addresses are.
 * @throws Error that says what came instead.
 */
export type FetchJson = (url: string, isConfigured: boolean) => Promise<unknown>
