import { header } from '@headgate/contract/headers.ts'
import type { ConfiguredIssuer } from '@headgate/contract/issuers.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Counters } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { createFollower } from '../../kernel/follower.ts'
import type { Log } from '../../kernel/log.ts'
import { createDeviceTokens, looksLikeDeviceToken } from './device-tokens.ts'
import { createDevices, type DeviceSettings } from './devices.ts'
import { deviceRoutes } from './devices.routes.ts'
import { createIssuers } from './issuers.ts'
import type { AuditPort, AuthenticateKey, FetchJson, Headers } from './people.ports.ts'
import { issuerRoutes } from './issuers.routes.ts'
import { readIssuers, readRevision, readUserSecrets } from './people.store.ts'
import { createUserSecrets, type Pepper } from './user-secrets.ts'
import { userSecretRoutes } from './user-secrets.routes.ts'
import { createUserSignatures } from './user-signatures.ts'
import { createUserTokens, looksLikeUserToken } from './user-tokens.ts'

export interface PeopleOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** The secret that tokens of devices are signed with and secrets derived from, the same on every replica. */
  readonly pepper: Pepper
  readonly counters: Counters
  readonly audit: AuditPort
  readonly authenticateKey: AuthenticateKey
  readonly hasProject: (id: string) => Promise<boolean>
  readonly fetchJson: FetchJson
  /** The configured issuers and the names of the configured tiers, asked anew each time. */
  readonly configured: () => Readonly<Record<string, ConfiguredIssuer>>
  readonly tiers: () => readonly string[]
  /** How devices are let in, asked anew each time. */
  readonly devices: () => DeviceSettings
  /** How far the time of a signed user may be from now, asked anew each time. */
  readonly signatureWindowSeconds: () => number
  /** The network that an address is counted with. */
  readonly networkOf: (address: string) => string
}

/** Which person is calling, beside the key or without one. */
export interface People extends Feature {
  /**
   * Who calls: the holder of a key, or a person by token or signature. Synchronous for what is known.
   * @throws AppError of the families HG-10xx and HG-11xx, or `database_unavailable`.
   */
  readonly authenticate: (
    credential: string | null,
    headers: Headers,
    beforeAsking?: () => void,
  ) => Caller | Promise<Caller>
  /** Takes over what was changed, here, elsewhere or in the configuration; runs by itself once started. Never rejects. */
  readonly refresh: () => Promise<void>
}

/** A key that stands beside a bearer token. */
const keyBeside = (headers: Headers): string | null => {
  const key = headers['x-api-key'] ?? headers['api-key']
  return typeof key === 'string' && key !== '' ? key : null
}

/** Builds the identity of people: tokens of trusted issuers, tokens of devices, users that a backend signs. */
export const createPeople = (options: PeopleOptions): People => {
  const { clock, pepper, authenticateKey } = options
  const deviceTokens = createDeviceTokens(clock, pepper.value)
  const devices = createDevices({ ...options, pepper: pepper.value, settings: options.devices, tokens: deviceTokens })
  const tokens = createUserTokens(options)
  const signatures = createUserSignatures(clock, options.signatureWindowSeconds)
  let seen = -1n
  let seenConfigured: unknown
  const follower = createFollower({
    clock,
    log: options.log,
    component: 'identity',
    what: 'issuers',
    look: async () => {
      const configured = options.configured()
      const found = await options.database.read('system', async (read) => {
        const revision = await readRevision(read)
        if (revision === seen && configured === seenConfigured) return null
        return { revision, issuers: await readIssuers(read), secrets: await readUserSecrets(read) }
      })
      if (found === null) return
      tokens.replace(issuers.merge(found.issuers))
      signatures.replace(secrets.open(found.secrets))
      seen = found.revision
      seenConfigured = configured
    },
  })
  const changed = follower.refreshQuietly
  const issuers = createIssuers({ ...options, changed })
  const secrets = createUserSecrets({ ...options, changed })

  const withToken = (token: string, headers: Headers, beforeAsking?: () => void): Caller | Promise<Caller> => {
    const key = keyBeside(headers)
    if (key === null || key === token) return tokens.authenticate(token, null, beforeAsking)
    const holder = authenticateKey(key, beforeAsking)
    return holder instanceof Promise
      ? holder.then((caller) => tokens.authenticate(token, caller, beforeAsking))
      : tokens.authenticate(token, holder, beforeAsking)
  }

  const withDevice = (token: string, headers: Headers, beforeAsking?: () => void): Caller | Promise<Caller> => {
    const key = keyBeside(headers)
    if (key === null || key === token)
      throw new AppError('api_key_missing', { detail: 'A device token goes with a publishable key in `x-api-key`.' })
    const holder = authenticateKey(key, beforeAsking)
    return holder instanceof Promise
      ? holder.then((caller) => deviceTokens.authenticate(token, caller))
      : deviceTokens.authenticate(token, holder)
  }

  return {
    name: 'people',
    routes: [...issuerRoutes(issuers), ...userSecretRoutes(secrets), ...deviceRoutes(devices)],
    authenticate: (credential, headers, beforeAsking) => {
      if (credential !== null && looksLikeUserToken(credential)) return withToken(credential, headers, beforeAsking)
      if (credential !== null && looksLikeDeviceToken(credential)) return withDevice(credential, headers, beforeAsking)
      const holder = authenticateKey(credential, beforeAsking)
      if (headers[header.userSignature] === undefined) return holder
      return holder instanceof Promise
        ? holder.then((caller) => signatures.authenticate(caller, headers))
        : signatures.authenticate(holder, headers)
    },
    refresh: changed,
    start: follower.start,
    stop: follower.stop,
  }
}
