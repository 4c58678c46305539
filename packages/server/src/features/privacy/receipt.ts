import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign } from 'node:crypto'
import type { TableMap } from './data-map.ts'
import type { ErasureRow, Touched } from './erasures.store.ts'

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What signs receipts, the same on every replica. */
export interface ReceiptSigner {
  readonly sign: (text: string) => Buffer
  /** PEM. */
  readonly publicKey: string
}

/** Makes the signer from a secret that all replicas share. */
export const createReceiptSigner = (secret: Buffer): ReceiptSigner => {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'headgate/erasure-receipt/1', 32))
  const key: KeyObject = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  return {
    sign: (text) => sign(null, Buffer.from(text), key),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** What was done for a person who is no longer named, as a JSON text. */
export const receiptOf = (
  row: ErasureRow,
  subject: Buffer,
  touched: Touched,
  map: Readonly<Record<string, TableMap>>,
  now: number,
): string =>
  JSON.stringify({
    object: 'erasure_receipt',
    erasure: row.erasure_id,
    project: row.project_id,
    subject_digest: subject.toString('hex'),
    pseudonym: row.pseudonym,
    requested_at: row.requested_at.toISOString(),
    done_at: new Date(now).toISOString(),
    passes: row.passes + 1,
    rows: touched,
    rows_left: 0,
    stays: Object.entries(map).flatMap(([table, { erasure, because, columns }]) =>
      erasure === 'stays' && because !== undefined && (columns.person ?? columns.content) !== undefined
        ? [{ table, because }]
        : [],
    ),
  })
