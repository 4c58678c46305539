/** Who may call: a server with a secret key, or a browser with a publishable one. */
export type KeyKind = 'secret' | 'publishable'

/** An authenticated caller of `/v1`. Frozen and shared by all requests of the key, so it carries nothing of one request. */
export interface Caller {
  /** Public id of the key: what logs, limits and the ledger show. */
  readonly keyId: string
  /** The tenant. */
  readonly projectId: string
  readonly kind: KeyKind
  readonly tier: string
  /** Model names this key may use; null means all. */
  readonly models: readonly string[] | null
  /** The budget that every call of this key is held against; null where none applies. */
  readonly budgetId: string | null
}
