import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** A little OpenID Connect issuer on loopback: discovery, public keys, tokens. */
export interface Issuer {
  readonly url: string
  /** How often its public keys were read. */
  readonly reads: () => number
  /** Signs a token for a person; null takes a claim away. */
  readonly sign: (claims: Readonly<Record<string, unknown>>, header?: { alg?: string; kid?: string }) => Promise<string>
  /** Makes a new key, published in the place of the former one. */
  readonly rotate: () => Promise<void>
  /** While down it answers 500. */
  readonly setDown: (down: boolean) => void
  /** The public key as PEM, as an attacker would take it for a shared secret. */
  readonly publicPem: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Starts an issuer whose tokens are for the audience `shop-web`, and valid from now for ten minutes. */
export const startIssuer = async (): Promise<Issuer> => {
  let serial = 0
  let reads = 0
  let down = false
  let pair: { kid: string; publicKey: CryptoKey; privateKey: CryptoKey }
  const rotate = async () => {
    const made = await generateKeyPair('RS256', { extractable: true })
    pair = { kid: `key-${++serial}`, ...made }
  }
  await rotate()
  const server = createServer((request, response) => {
    const answer = async () => {
      if (request.url === '/.well-known/openid-configuration') return { issuer: url, jwks_uri: `${url}/keys` }
      reads++
      return { keys: [{ ...(await exportJWK(pair.publicKey)), kid: pair.kid, use: 'sig', alg: 'RS256' }] }
    }
    void answer().then((value) => {
      response.writeHead(down ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    reads: () => reads,
    sign: (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const all = { iss: url, aud: 'shop-web', exp: now + 600, nbf: now, ...claims }
      const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as JWTPayload
      return new SignJWT(kept).setProtectedHeader({ alg: 'RS256', kid: pair.kid, ...header }).sign(pair.privateKey)
    },
    rotate,
    setDown: (value) => {
      down = value
    },
    publicPem: () => exportSPKI(pair.publicKey),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
