import { createPrivateKey, sign, X509Certificate } from 'node:crypto'
import type { Signer } from './provenance.ports.ts'

/** Head of a CBOR item (RFC 8949, 3): its kind, and its length or value. */
const head = (kind: number, value: number): Buffer => {
  const first = kind << 5
  if (value < 24) return Buffer.from([first | value])
  if (value < 0x1_00) return Buffer.from([first | 24, value])
  return Buffer.from([first | 25, value >> 8, value & 0xff])
}
const long = (kind: number, value: number): Buffer => {
  const bytes = Buffer.alloc(5)
  bytes[0] = (kind << 5) | 26
  bytes.writeUInt32BE(value, 1)
  return bytes
}
const bytes = (content: Uint8Array): Buffer =>
  Buffer.concat([content.length > 0xff_ff ? long(2, content.length) : head(2, content.length), content])
const words = (content: string): Buffer => Buffer.concat([head(3, content.length), Buffer.from(content)])
const list = (...items: readonly Buffer[]): Buffer => Buffer.concat([head(4, items.length), ...items])

const nothing = Buffer.from([0xf6])
const algorithm = Buffer.from([0x26]) // -7, ES256
const certificatesOf = (chain: string): string[] =>
  chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []

/** The chain in its protected header (RFC 9360), beside the algorithm. */
const shieldedHeader = (chain: string): Buffer => {
  const certificates = certificatesOf(chain).map((one) => bytes(new X509Certificate(one).raw))
  return Buffer.concat([head(5, 2), head(0, 1), algorithm, head(0, 33), list(...certificates)])
}
const envelope = (shielded: Buffer, signature: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xd2]), list(bytes(shielded), head(5, 0), nothing, bytes(signature))])

/** Bytes of what `signClaim` gives. */
export const signatureBytes = ({ chain }: Signer): number => envelope(shieldedHeader(chain), Buffer.alloc(64)).length

/** COSE_Sign1 (RFC 9052, 4.2) over a claim that it does not hold, as C2PA 2.2, 13.2 has it. */
export const signClaim = ({ key, chain }: Signer, claim: Uint8Array): Buffer => {
  const shielded = shieldedHeader(chain)
  const signed = list(words('Signature1'), bytes(shielded), bytes(Buffer.alloc(0)), bytes(claim))
  // The curve's two numbers side by side: DER is what the reference verifier refuses.
  return envelope(shielded, sign('sha256', signed, { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' }))
}
