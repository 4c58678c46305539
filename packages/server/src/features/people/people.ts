import type { ConfiguredIssuer } from '@headgate/contract/issuers.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Counters } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createDeviceTokens, looksLikeDeviceToken } from './device-tokens.ts'
import { createDevices, type DeviceSettings } from './devices.ts'
import { deviceRoutes } from './devices.routes.ts'
import { createIssuers, type Issuers } from './issuers.ts'
import type { AuditPort, AuthenticateKey, FetchJson, Headers } from './people.ports.ts'
import { issuerRoutes } from './people.routes.ts'
import { createUserTokens, looksLikeUserToken } from './user-tokens.ts'

export interface PeopleOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** The secret that tokens of devices are signed with, the same on every replica. */
  readonly pepper: Buffer
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
  /** The network that an address is counted with. */
  readonly networkOf: (address: string) => string
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
  const { clock, pepper, authenticateKey } = options
  const deviceTokens = createDeviceTokens(clock, pepper)
  const devices = createDevices({ ...options, settings: options.devices, tokens: deviceTokens })
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
    routes: [...issuerRoutes(issuers), ...deviceRoutes(devices)],
    authenticate: (credential, headers, beforeAsking) => {
      if (credential === null) return authenticateKey(credential, beforeAsking)
      if (looksLikeUserToken(credential)) return withToken(credential, headers, beforeAsking)
      if (looksLikeDeviceToken(credential)) return withDevice(credential, headers, beforeAsking)
      return authenticateKey(credential, beforeAsking)
    },
    issuers,
    refresh: issuers.refreshQuietly,
    start: issuers.start,
    stop: issuers.stop,
  }
}
