import ipaddr from 'ipaddr.js'

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

const parseNetwork = (text: string): Network => {
  if (text.includes('/')) return ipaddr.parseCIDR(text) as Network
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

const normalise = (text: string): string | null => {
  const bare = text
    .trim()
    .replace(/^"|"$/g, '')
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
  const withoutPort = /^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare) ? bare.slice(0, bare.indexOf(':')) : bare
  return ipaddr.isValid(withoutPort) ? ipaddr.process(withoutPort).toString() : null
}

const forwardedFor = (value: string): string[] =>
  value.split(',').map((hop) => /(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(hop)?.[1] ?? '')

/** Tells whether an address lies in one of the networks. */
export const createTrust = (trusted: readonly string[]) => {
  const networks = trusted.map(parseNetwork)
  return (text: string): boolean => {
    // A socket that is closed already has no address.
    if (networks.length === 0 || !ipaddr.isValid(text)) return false
    const address = ipaddr.process(text)
    return networks.some(
      ([network, bits]) => address.kind() === network.kind() && address.match([network, bits] as never),
    )
  }
}

/**
 * Finds the true client behind the trusted proxies: the right-most hop that no trusted proxy vouches past. Reads
 * `X-Forwarded-For`, else `Forwarded` (RFC 7239), and only when the peer itself is trusted.
 */
export const createClientAddress = (trustedProxies: readonly string[]) => {
  const isTrusted = createTrust(trustedProxies)
  return (peer: string, headers: Readonly<Record<string, string | string[] | undefined>>): string => {
    const own = peer.startsWith('::ffff:') ? peer.slice(7) : peer
    if (trustedProxies.length === 0 || !isTrusted(own)) return own
    const list = headers['x-forwarded-for']
    const forwarded = headers['forwarded']
    const hops =
      list !== undefined ? String(list).split(',') : forwarded !== undefined ? forwardedFor(String(forwarded)) : []
    let client = own
    for (const hop of hops.reverse()) {
      const address = normalise(hop)
      if (address === null) break
      client = address
      if (!isTrusted(address)) break
    }
    return client
  }
}
