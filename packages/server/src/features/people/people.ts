import type { ConfiguredIssuer } from '@headgate/contract/issuers.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createIssuers, type Issuers } from './issuers.ts'
import type { AuditPort, AuthenticateKey, FetchJson, Headers } from './people.ports.ts'
import { issuerRoutes } from './people.routes.ts'
import { createUserTokens, looksLikeUserToken } from './user-tokens.ts'

export interface PeopleOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly audit: AuditPort
  readonly authenticateKey: AuthenticateKey
  readonly hasProject: (id: string) => Promise<boolean>
  readonly fetchJson: FetchJson
  /** The configured issuers and the names of the configured tiers, asked anew each time. */
  readonly configured: () => Readonly<Record<string, ConfiguredIssuer>>
  readonly tiers: () => readonly string[]
}

/** Which person is calling, beside the key or without one. */
export interface People extends Feature {
  /**
   * Who calls: the holder of a key, or a person by token. Synchronous for what is known.
   * @throws AppError of the families HG-10xx and HG-11xx, or `database_unavailable`.
   */
  readonly authenticate: (
    credential: string | null,
    headers: Headers,
    beforeAsking?: () => void,
  ) => Caller | Promise<Caller>
  readonly issuers: Issuers
  /** Takes over what was changed, here, elsewhere or in the configuration; runs by itself once started. Never rejects. */
  readonly refresh: () => Promise<void>
}

/** A key that stands beside a bearer token. */
const keyBeside = (headers: Headers): string | null => {
  const key = headers['x-api-key'] ?? headers['api-key']
  return typeof key === 'string' && key !== '' ? key : null
}

/** Builds the identity of people: tokens of trusted issuers. */
export const createPeople = (options: PeopleOptions): People => {
  const { authenticateKey } = options
  const tokens = createUserTokens(options)
  const issuers = createIssuers({ ...options, replace: tokens.replace })

  const withToken = (token: string, headers: Headers, beforeAsking?: () => void): Caller | Promise<Caller> => {
    const key = keyBeside(headers)
    if (key === null || key === token) return tokens.authenticate(token, null, beforeAsking)
    const holder = authenticateKey(key, beforeAsking)
    return holder instanceof Promise
      ? holder.then((caller) => tokens.authenticate(token, caller, beforeAsking))
      : tokens.authenticate(token, holder, beforeAsking)
  }

  return {
    name: 'people',
    routes: issuerRoutes(issuers),
    authenticate: (credential, headers, beforeAsking) =>
      credential !== null && looksLikeUserToken(credential)
        ? withToken(credential, headers, beforeAsking)
        : authenticateKey(credential, beforeAsking),
    issuers,
    refresh: issuers.refreshQuietly,
    start: issuers.start,
    stop: issuers.stop,
  }
}
