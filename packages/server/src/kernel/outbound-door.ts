import { isIP, type LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { isMachineAddress } from './outbound-address.ts'
import { createResolve, type Resolve, type ResolvedAddress } from './outbound-resolve.ts'

/** Why nothing was connected to. It names no address, since that would map the network behind. */
export class AddressRefused extends Error {
  readonly code = 'EADDRESSREFUSED'
  constructor() {
    super('The host leads to an address that may not be reached from here')
  }
}

/** Which addresses may be connected to, and how names become addresses. */
export interface DoorSettings {
  readonly mayReach: (address: string) => boolean
  readonly resolve: Resolve
}

/** Resolves once, and gives what is connected to; of one address that may not be reached, the next connection might take it, so all must be. */
const guardedLookup = ({ mayReach, resolve }: DoorSettings): LookupFunction => {
  const find = callbackify(async (name: string): Promise<readonly ResolvedAddress[]> => {
    const found = await resolve(name)
    if (found.length === 0) throw Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' })
    if (!found.every(({ address }) => mayReach(address))) throw new AddressRefused()
    return found
  })
  return (name, options, done) =>
    find(name, (fault, found) => {
      const [first] = fault ? [] : found
      if (first === undefined) done(fault, '')
      else if (options.all === true) done(null, [...found])
      else done(null, first.address, first.family)
    })
}

/** Connects like undici’s own connector, and to nothing that may not be reached, whether it is named or written as an address. */
export const guardedConnect = (
  settings: DoorSettings,
  options: buildConnector.BuildOptions = {},
): buildConnector.connector => {
  const connect = buildConnector({ ...options, lookup: guardedLookup(settings) })
  return (target, done) => {
    const host = target.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !settings.mayReach(host)) done(new AddressRefused(), null)
    else connect(target, done)
  }
}

/** What an operator configures may stand anywhere but where the machine tells its own secrets. */
export const configuredAddresses: DoorSettings = {
  mayReach: (address) => !isMachineAddress(address),
  resolve: createResolve([]),
}

/** Opens a door through which only some addresses are reached; connections are kept for calls to come. */
export const openDoor = (settings: DoorSettings): Dispatcher => new Agent({ connect: guardedConnect(settings) })

/** The door to all that is configured: webhooks, collectors, buckets, key services, issuers. */
export const configuredDoor = openDoor(configuredAddresses)
