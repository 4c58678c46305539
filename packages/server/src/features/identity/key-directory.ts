import { hash } from 'node:crypto'
import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { KeyRow, KeyWithSecrets } from './identity.store.ts'
import { hashKey, KEY_LENGTH, parseKey, sameHash } from './key-secret.ts'
import type { Peppers } from './peppers.ts'
import type { Renewal } from './peppers.store.ts'
import { compileOrigins, type OriginMatcher, originOf } from './origins.ts'

/** Longest time that known keys are honoured while PostgreSQL cannot confirm them. */
const MOST_UNCONFIRMED_MS = 300_000
/** How long a secret that fits no key is refused without asking again. */
const UNKNOWN_FOR_MS = 30_000
/** A first refusal comes no earlier, so that its time does not tell whether the key's public id exists. */
const REFUSAL_TAKES_MS = 20
const MOST_KNOWN = 50_000
const MOST_UNKNOWN = 10_000
const MOST_ORIGINS = 1_000

/** A credential that was proven once; its fields follow the key's changes. */
interface Known {
  readonly keyId: string
  readonly digest: string
  hash: Buffer
  pepperId: string
  /** Its hash stands under a former pepper: the next use brings another. */
  isOutdated: boolean
  caller: Caller
  /** Wall clock; Infinity where nothing expires. */
  validUntil: number
  refusal: ErrorCode | null
  used: boolean
}

/** An answer of the database, and the revision that the directory had when the question left. */
interface Loaded {
  readonly found: KeyWithSecrets | null
  readonly asOf: bigint
}

export interface KeyDirectoryOptions {
  readonly clock: Clock
  readonly peppers: Pick<Peppers, 'current' | 'accepted'>
  /** Reads one key. @throws AppError `database_unavailable`. */
  readonly load: (keyId: string) => Promise<KeyWithSecrets | null>
}

/** Whom a key's row stands for. */
export const makeCaller = (key: KeyRow): Caller =>
  Object.freeze({
    keyId: key.key_id,
    projectId: key.project_id,
    kind: key.kind,
    person: null,
    tier: key.tier,
    models: key.models && Object.freeze(key.models),
    budgetId: key.budget_id,
  })

const oldest = <K>(map: Map<K, unknown>): K => map.keys().next().value as K

/**
 * The keys that this replica knows, in memory: a known key costs one SHA-256 and no promise. `apply` is told every
 * change, in order, with the revision it brings the directory to.
 */
export const createKeyDirectory = ({ clock, peppers, load }: KeyDirectoryOptions) => {
  // By the digest of the credential: no secret stands in memory, and nobody can choose digests to time the look-up.
  const known = new Map<string, Known>()
  const byKey = new Map<string, Set<Known>>()
  const unknown = new Map<string, number>()
  const loading = new Map<string, Promise<Loaded>>()
  const bound = new Map<string, { readonly matches: OriginMatcher; readonly validUntil: number }>()
  const originAnswers = new Map<string, boolean>()
  let outdated: { readonly entry: Known; readonly renewal: Renewal; readonly pepperId: string }[] = []
  let revision = 0n
  let confirmedAt = Number.NEGATIVE_INFINITY

  const forget = (entry: Known): void => {
    known.delete(entry.digest)
    const siblings = byKey.get(entry.keyId)
    siblings?.delete(entry)
    if (siblings?.size === 0) byKey.delete(entry.keyId)
  }

  const remember = (entry: Known): void => {
    known.set(entry.digest, entry)
    byKey.set(entry.keyId, (byKey.get(entry.keyId) ?? new Set()).add(entry))
    if (known.size > MOST_KNOWN) forget(known.get(oldest(known)) as Known)
  }

  /** What a key is worth now that has this proof under a pepper; null when it proves nothing any more. */
  const judge = (
    proofUnder: (pepperId: string) => Buffer | null,
    { key, secrets }: KeyWithSecrets,
  ): Pick<Known, 'caller' | 'validUntil' | 'refusal' | 'hash' | 'pepperId' | 'isOutdated'> | null => {
    let match: KeyWithSecrets['secrets'][number] | null = null
    for (const secret of secrets) {
      const proof = proofUnder(secret.pepper_id)
      if (proof !== null && sameHash(secret.hash, proof)) match = secret
    }
    if (match === null) return null
    return {
      caller: makeCaller(key),
      validUntil: Math.min(key.expires_at?.getTime() ?? Infinity, match.expires_at?.getTime() ?? Infinity),
      refusal: key.state === 'active' ? null : 'api_key_revoked',
      hash: match.hash,
      pepperId: match.pepper_id,
      isOutdated: match.pepper_id !== peppers.current().id,
    }
  }

  const bindOrigins = (key: KeyRow): void => {
    originAnswers.clear()
    if (key.kind !== 'publishable' || key.state !== 'active') bound.delete(key.key_id)
    else {
      const validUntil = key.expires_at?.getTime() ?? Infinity
      bound.set(key.key_id, { matches: compileOrigins(key.origins), validUntil })
    }
  }

  const use = (entry: Known, credential: string): Caller => {
    if (clock.monotonic() - confirmedAt > MOST_UNCONFIRMED_MS)
      throw new AppError('database_unavailable', { retryAfterMs: 5_000 })
    return accept(entry, credential)
  }

  /** Its hash under the newest pepper, for whoever writes it down. */
  const renew = (entry: Known, credential: string): void => {
    entry.isOutdated = false
    const pepper = peppers.current()
    const renewal = { keyId: entry.keyId, from: entry.hash, to: hashKey(pepper, credential) }
    outdated.push({ entry, renewal, pepperId: pepper.id })
  }

  const accept = (entry: Known, credential: string): Caller => {
    if (entry.refusal !== null) throw new AppError(entry.refusal)
    if (clock.now() >= entry.validUntil) throw new AppError('api_key_expired')
    entry.used = true
    if (entry.isOutdated) renew(entry, credential)
    return entry.caller
  }

  const refuseUnknown = (digest: string): never => {
    unknown.set(digest, clock.monotonic() + UNKNOWN_FOR_MS)
    if (unknown.size > MOST_UNKNOWN) unknown.delete(oldest(unknown))
    throw new AppError('invalid_api_key')
  }

  const loadOnce = (keyId: string): Promise<Loaded> => {
    const underWay = loading.get(keyId)
    if (underWay) return underWay
    const asOf = revision
    const started = load(keyId)
      .then((found) => ({ found, asOf }))
      .finally(() => loading.delete(keyId))
    loading.set(keyId, started)
    return started
  }

  const prove = async (credential: string, keyId: string, digest: string): Promise<Caller> => {
    // Started before the question leaves: a wait that began with the answer would tell how long the answer took.
    const { promise: due, resolve } = Promise.withResolvers<void>()
    const timer = clock.after(REFUSAL_TAKES_MS, resolve)
    const { found, asOf } = await loadOnce(keyId)
    const already = known.get(digest)
    if (already) return use(already, credential)
    const verdict =
      found &&
      judge((pepperId) => {
        const pepper = peppers.accepted(pepperId)
        return pepper === undefined ? null : hashKey(pepper, credential)
      }, found)
    if (found === null || verdict === null) {
      await due
      return refuseUnknown(digest)
    }
    timer.cancel()
    const entry: Known = { keyId, digest, used: false, ...verdict }
    // A change that arrived meanwhile may be newer than what was read: use it once, do not keep it.
    if (asOf === revision) {
      bindOrigins(found.key)
      remember(entry)
    }
    return accept(entry, credential)
  }

  return {
    /**
     * Who holds this credential; synchronous for a known key. `beforeAsking` may throw where PostgreSQL would be asked.
     * @throws AppError `api_key_missing`, `invalid_api_key`, `api_key_expired`, `api_key_revoked`, `database_unavailable`.
     */
    authenticate: (credential: string | null, beforeAsking?: () => void): Caller | Promise<Caller> => {
      if (credential === null) throw new AppError('api_key_missing')
      if (credential.length !== KEY_LENGTH) throw new AppError('invalid_api_key')
      const digest = hash('sha256', credential, 'binary')
      const entry = known.get(digest)
      if (entry !== undefined) return use(entry, credential)
      const parsed = parseKey(credential)
      if (parsed === null) throw new AppError('invalid_api_key')
      const refusedUntil = unknown.get(digest)
      if (refusedUntil !== undefined && clock.monotonic() < refusedUntil) throw new AppError('invalid_api_key')
      beforeAsking?.()
      return prove(credential, parsed.publicId, digest)
    },

    /** @throws AppError `origin_not_allowed` when a publishable key is used from elsewhere than its origins. */
    checkOrigin: (caller: Caller, headers: Readonly<Record<string, string | string[] | undefined>>): void => {
      if (caller.kind !== 'publishable') return
      const origin = originOf(headers)
      if (origin === null || bound.get(caller.keyId)?.matches(origin) !== true)
        throw new AppError('origin_not_allowed', {
          ...(origin !== null && { params: { origin: origin.slice(0, 300) } }),
        })
    },

    /** Whether a page of this origin may ask anything: some active publishable key is bound to it. */
    corsAllows: (origin: string): boolean => {
      const answered = originAnswers.get(origin)
      if (answered !== undefined) return answered
      const now = clock.now()
      let allowed = false
      for (const { matches, validUntil } of bound.values()) allowed ||= now < validUntil && matches(origin)
      if (originAnswers.size >= MOST_ORIGINS) originAnswers.clear()
      originAnswers.set(origin, allowed)
      return allowed
    },

    /** Takes over what changed up to `upTo`; `readAt` (monotonic) is when PostgreSQL was asked. */
    apply: (changed: readonly KeyWithSecrets[], upTo: bigint, readAt: number): void => {
      for (const change of changed) {
        bindOrigins(change.key)
        for (const entry of byKey.get(change.key.key_id) ?? []) {
          const verdict = judge((pepperId) => (pepperId === entry.pepperId ? entry.hash : null), change)
          if (verdict === null) forget(entry)
          else Object.assign(entry, verdict)
        }
      }
      originAnswers.clear()
      revision = upTo
      confirmedAt = readAt
    },

    /** Acts on peppers that came or went. */
    peppersChanged: (): void => {
      for (const entry of known.values()) {
        if (peppers.accepted(entry.pepperId) === undefined) forget(entry)
        else entry.isOutdated = entry.pepperId !== peppers.current().id
      }
      // What was refused may have stood under a pepper that was not known here.
      unknown.clear()
    },

    /** The hashes that are to be written anew; `settle` is told whether they were. */
    takeRenewals: (): {
      readonly pepperId: string
      readonly renewals: readonly Renewal[]
      readonly settle: (isDone: boolean) => void
    } | null => {
      const pepperId = peppers.current().id
      const taken = outdated.filter((one) => one.pepperId === pepperId)
      outdated = []
      if (taken.length === 0) return null
      return {
        pepperId,
        renewals: taken.map(({ renewal }) => renewal),
        settle: (isDone) => {
          for (const { entry, renewal } of taken)
            if (isDone) Object.assign(entry, { hash: renewal.to, pepperId })
            else entry.isOutdated = true
        },
      }
    },

    bindOrigins,
    revision: (): bigint => revision,

    /** The keys used since the last call. */
    takeUsed: (): string[] => {
      const ids = new Set<string>()
      for (const entry of known.values()) {
        if (entry.used) ids.add(entry.keyId)
        entry.used = false
      }
      return [...ids]
    },
  }
}

export type KeyDirectory = ReturnType<typeof createKeyDirectory>
