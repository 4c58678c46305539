import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** What signs content: its private key, and its certificates without their root, the own one first; PEM. */
export type SignerFiles = {
  readonly key: string
  readonly chain: string
  /** What a verifier has to trust: the root where it was given, else the last of the chain. */
  readonly anchor: string
}

/** The own one, four between, and a root. */
const MOST_CERTIFICATES = 6

/**
 * Purposes that a signer of content may have, as the reference verifier knows them: e-mail (RFC 5280, 4.2.1.12), documents (RFC 9336), and
 * C2PA's own claims (C2PA 2.2, 14.5.1).
 */
const purposes: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.36', '1.3.6.1.4.1.62558.2.1'])

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch {
    // Whatever the library says of a key file, it says too much.
    return undefined
  }
}

const certificatesIn = (text: string): X509Certificate[] =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  )

const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

/** What is wrong with a chain, its root apart; null where nothing is. */
const chainProblem = (all: readonly X509Certificate[], now: number): { problem: string; expected: string } | null => {
  const [own] = all as [X509Certificate]
  if (own.ca || isSelfSigned(own))
    return { problem: 'begins with an authority', expected: 'the certificate that signs, first' }
  const date = all.find(({ validFrom, validTo }) => now < Date.parse(validFrom) || now > Date.parse(validTo))
  if (date !== undefined)
    return {
      problem: `is not valid now: ${date.subject.replaceAll('\n', ', ')}`,
      expected: 'certificates in their time',
    }
  const broken = all.findIndex((one, index) => {
    const next = all[index + 1]
    return next !== undefined && (!next.ca || !one.checkIssued(next) || !one.verify(next.publicKey))
  })
  if (broken >= 0)
    return {
      problem: `certificate ${broken + 2} did not issue the one before it`,
      expected: 'each one issued by the next',
    }
  if (!(own.keyUsage ?? []).some((purpose) => purposes.has(purpose)))
    return {
      problem: 'has no purpose for which content is signed',
      expected: 'an extended key usage of documentSigning, emailProtection or C2PA claim signing',
    }
  return null
}

/** Reads the files of `provenance.certificate` and `provenance.key` and adds what is wrong with them to `faults`; undefined where there are none or they are of no use. */
export const readSignerFiles = (
  { provenance: { certificate: certificatePath, key: keyPath } }: LoadedConfig,
  where: (path: readonly string[]) => string,
  faults: ConfigFault[],
  now = Date.now(),
): SignerFiles | undefined => {
  if (certificatePath === undefined && keyPath === undefined) return undefined
  const report = (name: 'certificate' | 'key', problem: string, expected: string): undefined => {
    faults.push({ where: where(['provenance', name]), option: `provenance.${name}`, problem, expected })
  }
  if (certificatePath === undefined) return report('key', 'stands without provenance.certificate', 'both, or none')
  if (keyPath === undefined) return report('certificate', 'stands without provenance.key', 'both, or none')
  const all = attempt(() => certificatesIn(readFileSync(certificatePath, 'latin1'))) ?? []
  const [own] = all
  if (own === undefined) return report('certificate', 'holds no certificate', 'PEM, the one that signs first')
  if (all.length > MOST_CERTIFICATES)
    return report('certificate', `holds ${all.length} certificates`, `${MOST_CERTIFICATES} or fewer`)
  const key = attempt(() => createPrivateKey(readFileSync(keyPath)))
  if (key === undefined) return report('key', 'holds no private key', 'PEM without a passphrase')
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    return report('key', 'is of another kind', 'an ECDSA key over P-256')
  if (!own.checkPrivateKey(key))
    return report('key', 'does not belong to the certificate', `the key of ${certificatePath}`)
  const fault = chainProblem(all, now)
  if (fault !== null) return report('certificate', fault.problem, fault.expected)
  const last = all.at(-1) as X509Certificate
  const chain = isSelfSigned(last) ? all.slice(0, -1) : all
  const pem = (certificates: readonly X509Certificate[]): string => certificates.map(String).join('')
  return { key: key.export({ type: 'pkcs8', format: 'pem' }) as string, chain: pem(chain), anchor: pem([last]) }
}
