import { lookup, Resolver } from 'node:dns/promises'

/** An address as a connection takes it. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Gives all addresses of a name; none where it has none. */
export type Resolve = (name: string) => Promise<readonly ResolvedAddress[]>

/** A resolver is asked twice, as c-ares does it by default four times with five seconds would outlast every caller. */
const RESOLVER = { timeout: 2_000, tries: 2 }

const none = (): readonly string[] => []

/** As the system resolves names, `/etc/hosts` included. */
const bySystem: Resolve = async (name) => {
  const found = await lookup(name, { all: true, verbatim: true }).catch(() => [])
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** Asks the named servers, `address` or `address:port`; the system where there are none. */
export const createResolve = (servers: readonly string[]): Resolve => {
  if (servers.length === 0) return bySystem
  const resolver = new Resolver(RESOLVER)
  resolver.setServers([...servers])
  return async (name) => {
    const [four, six] = await Promise.all([resolver.resolve4(name).catch(none), resolver.resolve6(name).catch(none)])
    return [
      ...four.map((address) => ({ address, family: 4 as const })),
      ...six.map((address) => ({ address, family: 6 as const })),
    ]
  }
}
