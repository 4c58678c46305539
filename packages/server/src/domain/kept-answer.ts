/** An answer as it is kept for a retry. */
export interface KeptAnswer {
  readonly status: number
  readonly contentType: string
  /** Those of our own that tell of the call, such as its model and cost. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A request that names itself by an `Idempotency-Key`. */
export interface NamedRequest {
  /** The project; null for an operator. */
  readonly project: string | null
  /** The person for whom is asked, where one is known. */
  readonly subject: string | null
  /** Whose keys these are: another holder's same key is another key. */
  readonly holder: readonly string[]
  /** Method and declared path. */
  readonly route: string
  readonly key: string
  /** Everything that makes two requests the same, in order. */
  readonly content: readonly (string | Buffer)[]
}

/** A request that is to be run, as the first of its name. */
export interface Run {
  readonly kind: 'run'
  /** Keeps the answer for retries; null: it cannot be given again. Resolves also where that failed. */
  readonly keep: (answer: KeptAnswer | null) => Promise<void>
  /** Forgets the name: a retry runs anew. Resolves also where that failed. */
  readonly release: () => Promise<void>
  /** Whether a retry waits for the answer here. */
  readonly isAwaited: () => boolean
}

/** What a named request is to do. */
export type Turn = Run | { readonly kind: 'replay'; readonly answer: KeptAnswer }
