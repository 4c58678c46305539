import { getCACertificates } from 'node:tls'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { configuredAddresses, guardedConnect } from '../../../kernel/outbound-door.ts'

/** How connections to one server are made. */
export interface ConnectionOptions {
  readonly connections: number
  readonly connectMs: number
  /** Address of an HTTP proxy that they go through; absent: none. */
  readonly proxy?: string | undefined
  /** What it asks for (RFC 7617): `user:password`. */
  readonly proxyLogin?: string | undefined
  /** PEM of authorities that are trusted beside the usual ones. */
  readonly ca?: string | undefined
}

/** Opens a pool of connections to an origin; nothing is connected to before it is asked. */
export const openConnections = (
  origin: string,
  { connections, connectMs, proxy, proxyLogin, ca }: ConnectionOptions,
): Dispatcher => {
  const tls = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }
  const shared = {
    connections,
    // An abort must end the connection itself, which over HTTP/2 it would not.
    allowH2: false,
    // The call keeps its own deadlines.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  }
  if (proxy === undefined) {
    const connect = guardedConnect(configuredAddresses, { allowH2: false, timeout: connectMs, ...tls })
    return new Pool(origin, { ...shared, connect })
  }
  return new ProxyAgent({
    ...shared,
    uri: proxy,
    ...(proxyLogin !== undefined && { token: `Basic ${Buffer.from(proxyLogin).toString('base64')}` }),
    // Through a tunnel the proxy sees no more than the host, whatever is spoken in it.
    proxyTunnel: true,
    connectTimeout: connectMs,
    proxyTls: tls,
    ...(ca !== undefined && { requestTls: tls }),
  })
}
