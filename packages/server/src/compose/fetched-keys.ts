import type { Config } from '../config/schema.ts'
import type { FetchJson } from '../features/people/people.ports.ts'
import { type AddressRange, isInRanges, isPublicAddress, readRange } from '../kernel/outbound-address.ts'
import { openDoor } from '../kernel/outbound-door.ts'
import { createResolve, type Resolve } from '../kernel/outbound-resolve.ts'
import { fetchJson } from '../kernel/outbound.ts'

interface Bounds {
  readonly of: Config['fetch']
  readonly ranges: readonly AddressRange[]
  readonly resolve: Resolve
}

/** Builds what reads the keys of issuers: of configured ones wherever they are, of others only where strangers' addresses are reached too. */
export const createFetchJson = (config: () => Config): FetchJson => {
  let known: Bounds | null = null
  const bounds = (): Bounds => {
    const { fetch } = config()
    if (known?.of !== fetch)
      known = {
        of: fetch,
        ranges: fetch.operator_addresses.map(readRange),
        resolve: createResolve(fetch.resolvers),
      }
    return known
  }
  const door = openDoor({
    mayReach: (address) => isPublicAddress(address) || isInRanges(address, bounds().ranges),
    resolve: (name) => bounds().resolve(name),
  })
  return (url, isConfigured) => (isConfigured ? fetchJson(url) : fetchJson(url, door))
}
