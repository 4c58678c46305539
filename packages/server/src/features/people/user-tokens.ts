import { hash } from 'node:crypto'
import type { NamedIssuer } from '@headgate/contract/issuers.ts'
import { decodeJwt, errors, jwtVerify } from 'jose'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { tierOf, userOf } from './claims.ts'
import { createKnownPeople, type KnownPerson } from './known-people.ts'
import { createKeySet, type KeySet } from './key-set.ts'
import type { FetchJson } from './people.ports.ts'

const DEFAULT_SKEW_SECONDS = 30
const DEFAULT_ALGORITHMS = ['RS256', 'ES256']
const DEFAULT_TIER = 'free'

interface Trusted {
  readonly named: NamedIssuer
  readonly keys: KeySet
}

export interface UserTokensOptions {
  readonly clock: Clock
  readonly log: Log
  readonly fetchJson: FetchJson
  /** Names of the configured tiers, asked anew each time. */
  readonly tiers: () => readonly string[]
}

/** Whether a credential looks like a JSON Web Token: a JSON object in base 64 begins so, and no key of ours does. */
export const looksLikeUserToken = (credential: string): boolean => credential.startsWith('eyJ')

/** What jose found wrong, as an error of the catalogue. */
const refusalOf = (fault: unknown): unknown => {
  if (fault instanceof errors.JWTExpired) return new AppError('user_token_expired', { cause: fault })
  if (fault instanceof errors.JWTClaimValidationFailed) {
    const code = fault.claim === 'nbf' && fault.reason === 'check_failed' ? 'user_token_not_yet_valid' : null
    const details = [{ location: fault.claim, message: 'is missing or unfit', fix: 'See what the issuer puts in.' }]
    return new AppError(code ?? 'user_token_claim_invalid', { details, cause: fault })
  }
  if (fault instanceof errors.JOSEAlgNotAllowed || fault instanceof errors.JOSENotSupported)
    return new AppError('user_token_algorithm_refused', { cause: fault })
  if (fault instanceof errors.JWKSNoMatchingKey || fault instanceof errors.JWKSMultipleMatchingKeys)
    return new AppError('user_token_key_unknown', { cause: fault })
  if (fault instanceof errors.JWSSignatureVerificationFailed)
    return new AppError('user_token_signature_invalid', { cause: fault })
  return fault instanceof errors.JOSEError ? new AppError('user_token_malformed', { cause: fault }) : fault
}

/** What a token says of itself, before anything of it is believed. @throws AppError `user_token_malformed`. */
const readClaims = (token: string): { issuer: string; audiences: readonly string[] } => {
  try {
    const { iss = '', aud = [] } = decodeJwt(token)
    return { issuer: iss, audiences: typeof aud === 'string' ? [aud] : aud }
  } catch (cause) {
    throw new AppError('user_token_malformed', { cause })
  }
}

/** Knows people by the tokens of the issuers that a project trusts; a token that was verified costs one SHA-256. */
export const createUserTokens = ({ clock, log, fetchJson, tiers }: UserTokensOptions) => {
  const known = createKnownPeople(clock, 'user_token_expired')
  const verifying = new Map<string, Promise<KnownPerson>>()
  let byIssuer = new Map<string, Trusted[]>()
  let generation = 0

  const forgetAll = (): void => {
    generation++
    known.forgetAll()
    verifying.clear()
  }

  const trust = (named: NamedIssuer): Trusted => {
    const { issuer, jwks_url: jwksUrl } = named.issuer
    const isConfigured = named.source === 'configuration'
    const keys = createKeySet({ issuer, jwksUrl, isConfigured, fetchJson, clock, log, onChanged: forgetAll })
    return { named, keys }
  }

  /** The one issuer that a token may be of. @throws AppError that says why there is none. */
  const choose = (token: string, project: string | null): Trusted => {
    const { issuer, audiences } = readClaims(token)
    const ofIssuer = (byIssuer.get(issuer) ?? []).filter(({ named }) => project === null || named.project === project)
    if (ofIssuer.length === 0) throw new AppError('user_token_issuer_unknown')
    const meant = ofIssuer.filter(({ named }) => audiences.some((name) => named.issuer.audiences.includes(name)))
    const [first] = meant
    if (first === undefined) throw new AppError('user_token_audience_wrong')
    if (meant.some(({ named }) => named.project !== first.named.project)) throw new AppError('user_token_ambiguous')
    return first
  }

  const verify = async (token: string, { named, keys }: Trusted): Promise<KnownPerson> => {
    const { issuer, project, name } = named
    const skew = issuer.clock_skew_seconds ?? DEFAULT_SKEW_SECONDS
    const { payload } = await jwtVerify(token, keys.keyOf, {
      issuer: issuer.issuer,
      audience: [...issuer.audiences],
      algorithms: [...(issuer.algorithms ?? DEFAULT_ALGORITHMS)],
      clockTolerance: skew,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp'],
    }).catch((fault: unknown) => {
      throw refusalOf(fault)
    })
    const user = userOf(payload, issuer)
    const tier = tierOf(payload, issuer, tiers())
    const alone: Caller = Object.freeze({
      keyId: `iss_${name}`,
      projectId: project,
      kind: 'person',
      person: user,
      tier: tier ?? issuer.tier ?? DEFAULT_TIER,
      models: null,
      budgetId: null,
    })
    return known.person({ user, tier, alone, expiresAt: ((payload.exp as number) + skew) * 1_000 })
  }

  /** One look at the signature, however many calls bring the token at once. */
  const verifyOnce = (token: string, id: string, trusted: Trusted): Promise<KnownPerson> => {
    const underWay = verifying.get(id)
    if (underWay) return underWay
    const begunIn = generation
    const started = verify(token, trusted)
      .then((verified) => {
        if (begunIn === generation) known.keep(id, verified)
        return verified
      })
      .finally(() => {
        if (verifying.get(id) === started) verifying.delete(id)
      })
    verifying.set(id, started)
    return started
  }

  return {
    /**
     * The person whose token this is, with the key that stands beside it; synchronous for a known token. `beforeAsking`
     * may throw where its signature would have to be verified.
     * @throws AppError of the family HG-11xx.
     */
    authenticate: (token: string, beside: Caller | null, beforeAsking?: () => void): Caller | Promise<Caller> => {
      const project = beside?.projectId ?? null
      const digest = hash('sha256', token, 'binary')
      // Several projects may trust one issuer, each in its own way.
      const id = project === null ? digest : `${digest}${project}`
      const verified = known.find(id)
      if (verified !== undefined) return known.callerOf(verified, beside)
      const trusted = choose(token, project)
      beforeAsking?.()
      return verifyOnce(token, id, trusted).then((found) => known.callerOf(found, beside))
    },

    /** Sets all issuers; what stays as it is keeps its keys, and every token is verified anew. */
    replace: (issuers: readonly NamedIssuer[]): void => {
      const former = new Map([...byIssuer.values()].flat().map((trusted) => [JSON.stringify(trusted.named), trusted]))
      byIssuer = new Map()
      for (const named of issuers) {
        const trusted = former.get(JSON.stringify(named)) ?? trust(named)
        const { issuer } = named.issuer
        byIssuer.set(issuer, [...(byIssuer.get(issuer) ?? []), trusted])
      }
      forgetAll()
    },
  }
}
