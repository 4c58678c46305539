/** Who may call: a server with a secret key, or a browser with a publishable one. */
export type KeyKind = 'secret' | 'publishable'

/** What a call was identified by: a key of its kind, or the token of a person without any key. */
export type CallerKind = KeyKind | 'person'

/** An authenticated caller of `/v1`. Frozen and shared by all requests of the key, or of the key and the person, so it carries nothing of one request. */
export interface Caller {
  /** Public id of the key, or `iss_…` of the issuer where a person calls without one: what logs, limits and the ledger show. */
  readonly keyId: string
  /** The tenant. */
  readonly projectId: string
  readonly kind: CallerKind
  /** The end user, where a token or a signature proves who it is; null where the key alone calls. */
  readonly person: string | null
  readonly tier: string
  /** Model names this key may use; null means all. */
  readonly models: readonly string[] | null
  /** The budget that every call of this key is held against; null where none applies. */
  readonly budgetId: string | null
  /** Calls that nobody waits for: they stand behind all others. */
  readonly isBackground?: true
}
