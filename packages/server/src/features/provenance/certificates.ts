import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { bits, element, identifier, integer, octets, sequence, text, time, yes } from './der.ts'

const DAY_MS = 86_400_000
/** How long what is made here is valid. */
const rootDays = 3_650
const signerDays = 398

/** A private key and the certificate that speaks for it, as PEM. */
export interface Identity {
  readonly key: string
  readonly certificate: string
}

const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'))

const nameOf = (common: string): Buffer =>
  sequence(
    ...[
      ['2.5.4.10', 'Headgate'],
      ['2.5.4.3', common],
    ].map(([type = '', value = '']) => element(0x31, sequence(identifier(type), text(value)))),
  )

const extension = (id: string, value: Uint8Array, isCritical = false): Buffer =>
  sequence(identifier(id), ...(isCritical ? [yes] : []), octets(value))

const publicOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })
/** RFC 5280, 4.2.1.2 (1), from the whole key: any unique value will do. */
const keyId = (spki: Buffer): Buffer => createHash('sha1').update(spki).digest()

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`

interface Wanted {
  readonly subject: string
  readonly issuer: string
  readonly issuerKey: KeyObject
  readonly issuerSpki: Buffer
  readonly spki: Buffer
  readonly from: number
  readonly days: number
  readonly extensions: readonly Buffer[]
}

/** A certificate of version 3 (RFC 5280), signed with ECDSA over P-256. */
const certify = (wanted: Wanted): string => {
  const body = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    nameOf(wanted.issuer),
    sequence(time(new Date(wanted.from)), time(new Date(wanted.from + wanted.days * DAY_MS))),
    nameOf(wanted.subject),
    wanted.spki,
    element(
      0xa3,
      sequence(
        ...wanted.extensions,
        extension('2.5.29.14', octets(keyId(wanted.spki))),
        extension('2.5.29.35', sequence(element(0x80, keyId(wanted.issuerSpki)))),
      ),
    ),
  )
  return pem(sequence(body, ecdsaWithSha256, bits(sign('sha256', body, wanted.issuerKey))))
}

const rootName = 'Headgate content root'
const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const exported = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

/** A root of one’s own. An hour before `now`, so that clocks that are slow believe it. */
export const makeRoot = (now: number): Identity => {
  const { privateKey, publicKey } = newKeys()
  const spki = publicOf(publicKey)
  const certificate = certify({
    subject: rootName,
    issuer: rootName,
    issuerKey: privateKey,
    issuerSpki: spki,
    spki,
    from: now - 3_600_000,
    days: rootDays,
    extensions: [
      extension('2.5.29.19', sequence(yes), true),
      // keyCertSign, cRLSign
      extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
    ],
  })
  return { key: exported(privateKey), certificate }
}

/** What signs content, as C2PA wants it (2.2, 14.5.1): for signatures alone, and with a purpose. */
export const makeSigner = (root: Identity, now: number): Identity => {
  const { privateKey, publicKey } = newKeys()
  const issuer = new X509Certificate(root.certificate)
  const certificate = certify({
    subject: 'Headgate content signer',
    issuer: rootName,
    issuerKey: createPrivateKey(root.key),
    issuerSpki: publicOf(issuer.publicKey),
    spki: publicOf(publicKey),
    from: now - 3_600_000,
    days: signerDays,
    extensions: [
      extension('2.5.29.19', sequence(), true),
      // digitalSignature
      extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
      // id-kp-documentSigning (RFC 9336), which the reference verifier knows unasked
      extension('2.5.29.37', sequence(identifier('1.3.6.1.5.5.7.3.36'))),
    ],
  })
  return { key: exported(privateKey), certificate }
}
