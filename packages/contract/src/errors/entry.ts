/** How a client may react: `no` never helps, `after` a wait, `immediately` at once (a lost connection, say). */
export type Retryable = 'no' | 'after' | 'immediately'

/** Who must act: `info` nobody, `warning` the caller, `error` the operator in time, `critical` the operator now. */
export type Severity = 'info' | 'warning' | 'error' | 'critical'

/** The `type` member of OpenAI's error object, by which its SDKs group errors. */
export type OpenAIErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'rate_limit_error'
  | 'insufficient_quota'
  | 'upstream_error'
  | 'server_error'

/** What a client can offer the person in front of it. */
export type RecoveryAction =
  | 'retry'
  | 'wait'
  | 'sign_in'
  | 'fix_request'
  | 'shorten'
  | 'switch_model'
  | 'upgrade'
  | 'contact_support'

/** One catalogued error. Its slug (the key in the catalogue) and its id are never reused for another meaning. */
export interface ErrorEntry {
  /** `HG-nnnn`; the thousands name the family. */
  readonly id: `HG-${number}`
  /** HTTP status; 499 is written to the log only. */
  readonly http: number
  readonly type: OpenAIErrorType
  readonly severity: Severity
  readonly retryable: Retryable
  readonly title: string
  /** For the person using the app: no jargon. */
  readonly user: string
  /** For the developer calling the API. */
  readonly developer: string
  readonly causes: readonly [string, ...string[]]
  readonly resolutions: readonly [string, ...string[]]
  readonly recovery: RecoveryAction
  /** The version that introduced it. */
  readonly since: string
}

/** Keeps the slugs of a family as a type while checking each entry. */
export const defineErrors = <Slug extends string>(entries: Readonly<Record<Slug, ErrorEntry>>) => entries
