import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { FetchJson } from './people.ports.ts'

/** Age at which keys are read anew, beside the calls that go on with the former ones. */
const FRESH_MS = 600_000
/** Age up to which keys are believed while the issuer does not answer. */
const MOST_STALE_MS = 3_600_000
/** Pause after a reading that failed. */
const RETRY_MS = 5_000
/** Pause between two readings for a key that is not known: strangers can name any. */
const UNKNOWN_KEY_EVERY_MS = 30_000
/** Addresses that may be fetched: TLS, or this machine. */
const safeAddress = /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/

export interface KeySetOptions {
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** Undefined: by OpenID Connect Discovery 1.0, section 4. */
  readonly jwksUrl: string | undefined
  /** The issuer stands in the configuration. */
  readonly isConfigured: boolean
  readonly fetchJson: FetchJson
  readonly clock: Clock
  readonly log: Log
  /** Told when other keys came in the place of the former ones. */
  readonly onChanged: () => void
}

/** The public keys of one issuer. */
export interface KeySet {
  /**
   * The key that a token names. @throws JWKSNoMatchingKey and the like of jose, or AppError `issuer_unavailable`.
   */
  readonly keyOf: JWTVerifyGetKey
}

interface Kept {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly text: string
  readonly readAt: number
}

/** Keeps the keys of an issuer in memory: read when first needed, when old, and when a token names one that is not known. */
export const createKeySet = (options: KeySetOptions): KeySet => {
  const { issuer, jwksUrl, isConfigured, fetchJson, clock, log, onChanged } = options
  let kept: Kept | null = null
  let reading: Promise<void> | null = null
  let failedAt = Number.NEGATIVE_INFINITY
  let askedForUnknownAt = Number.NEGATIVE_INFINITY

  const discover = async (): Promise<string> => {
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    if (!safeAddress.test(address)) throw new Error(`${address} is neither https nor this machine`)
    const found = (await fetchJson(address, isConfigured)) as { issuer?: unknown; jwks_uri?: unknown } | null
    if (found?.issuer !== issuer) throw new Error('the discovery document is of another issuer')
    const { jwks_uri: keys } = found
    if (typeof keys !== 'string' || !safeAddress.test(keys))
      throw new Error('the discovery document names no address of keys that is https or this machine')
    return keys
  }

  const read = async (): Promise<void> => {
    try {
      const address = jwksUrl ?? (await discover())
      // What a document names is its author's word, but for the host that the document itself is of.
      const isOwn = jwksUrl !== undefined || new URL(address).host === new URL(issuer).host
      const found = await fetchJson(address, isConfigured && isOwn)
      const find = createLocalJWKSet(found as JSONWebKeySet)
      const text = JSON.stringify(found)
      const changed = kept !== null && kept.text !== text
      if (failedAt > 0) log.info({ component: 'identity' }, 'The keys of an issuer are read again')
      kept = { find, text, readAt: clock.monotonic() }
      failedAt = Number.NEGATIVE_INFINITY
      if (changed) onChanged()
    } catch (error) {
      if (failedAt < 0)
        log.warn({ component: 'identity', error: error as Error }, 'The keys of an issuer cannot be read')
      failedAt = clock.monotonic()
    } finally {
      reading = null
    }
  }
  /** One reading at a time, shared by all who wait. */
  const readOnce = (): Promise<void> => (reading ??= read())

  const current = async (): Promise<Kept> => {
    const age = kept === null ? Number.POSITIVE_INFINITY : clock.monotonic() - kept.readAt
    if (kept !== null && age < FRESH_MS) return kept
    const rested = clock.monotonic() - failedAt >= RETRY_MS
    const under = reading ?? (rested ? readOnce() : null)
    if (kept !== null && age < MOST_STALE_MS) return kept
    await under
    if (kept === null || clock.monotonic() - kept.readAt >= MOST_STALE_MS)
      throw new AppError('issuer_unavailable', { retryAfterMs: RETRY_MS })
    return kept
  }

  /** While the keys cannot be read, nobody knows whether the issuer has this one. */
  const unknownKey = (fault: unknown): unknown =>
    failedAt < askedForUnknownAt ? fault : new AppError('issuer_unavailable', { retryAfterMs: RETRY_MS, cause: fault })

  return {
    keyOf: async (header, token) => {
      const keys = await current()
      try {
        return await keys.find(header, token)
      } catch (fault) {
        if (!(fault instanceof errors.JWKSNoMatchingKey)) throw fault
        if (reading === null) {
          if (clock.monotonic() - askedForUnknownAt < UNKNOWN_KEY_EVERY_MS) throw unknownKey(fault)
          askedForUnknownAt = clock.monotonic()
        }
        await readOnce()
        return (await current()).find(header, token).catch((still: unknown) => {
          throw unknownKey(still)
        })
      }
    },
  }
}
