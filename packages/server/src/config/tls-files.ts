import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** A certificate chain and its private key, PEM. */
export type TlsFiles = {
  readonly cert: Buffer
  readonly key: Buffer
  /** When the certificate ends, in milliseconds since the epoch. */
  readonly endsAt: number
}

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch {
    // Whatever the library says of a key file, it says too much.
    return undefined
  }
}

/** Reads the files of `tls` and adds what is wrong with them to `faults`; undefined without `tls` or where they are of no use. */
export const readTlsFiles = (
  { tls }: LoadedConfig,
  where: (path: readonly string[]) => string,
  faults: ConfigFault[],
): TlsFiles | undefined => {
  if (tls === undefined) return undefined
  const report = (name: 'cert' | 'key', problem: string, expected: string): undefined => {
    faults.push({ where: where(['tls', name]), option: `tls.${name}`, problem, expected })
  }
  const [cert, key] = [attempt(() => readFileSync(tls.cert)), attempt(() => readFileSync(tls.key))]
  if (cert === undefined) return report('cert', 'cannot be read', 'a readable file')
  if (key === undefined) return report('key', 'cannot be read', 'a readable file')
  const certificate = attempt(() => new X509Certificate(cert))
  const privateKey = attempt(() => createPrivateKey(key))
  if (certificate === undefined) report('cert', 'holds no certificate', 'PEM, the server’s own certificate first')
  if (privateKey === undefined) report('key', 'holds no private key', 'PEM without a passphrase')
  if (certificate === undefined || privateKey === undefined) return undefined
  if (!certificate.checkPrivateKey(privateKey))
    return report('key', 'does not belong to the certificate', `the key of ${tls.cert}`)
  return { cert, key, endsAt: Date.parse(certificate.validTo) }
}
