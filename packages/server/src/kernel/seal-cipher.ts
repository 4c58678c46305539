import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
/** 96 bits, random for every message: NIST SP 800-38D, section 8.2.2. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What was sealed does not open: another key, another place, or changed bytes. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken'
}

/** It was sealed for a person whose key was destroyed: nobody can read it any more. */
export class SealErased extends SealBroken {}

/** What a message is bound to; it opens nowhere else. JSON keeps the parts apart, whatever they hold. */
export type Binding = readonly (string | number)[]

const additional = (binding: Binding): Buffer => Buffer.from(JSON.stringify(binding))

/** A new key of 256 bits. */
export const makeKey = (): Buffer => randomBytes(KEY_BYTES)

/** AES-256-GCM: nonce, ciphertext and tag, bound to a place. */
export const encrypt = (key: Buffer, binding: Binding, plain: Buffer): Buffer => {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(additional(binding))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** @throws SealBroken */
export const decrypt = (key: Buffer, binding: Binding, message: Buffer): Buffer => {
  if (message.length < NONCE_BYTES + TAG_BYTES) throw new SealBroken('What was sealed is cut')
  const decipher = createDecipheriv(ALGORITHM, key, message.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(additional(binding))
    .setAuthTag(message.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(message.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    throw new SealBroken('What was sealed does not open: it was changed, or belongs elsewhere')
  }
}

/**
 * The key that wraps encryption keys: HKDF-SHA-256 (RFC 5869) of the root key under a label of its own. The id is the start of
 * a hash, so that a database shows which root key it needs.
 */
export const deriveRoot = (rootKey: string): { readonly id: string; readonly key: Buffer } => {
  const key = Buffer.from(hkdfSync('sha256', rootKey, '', 'headgate/encryption-root/1', KEY_BYTES))
  const id = createHash('sha256').update('headgate/encryption-root-id').update(key).digest('hex').slice(0, 12)
  return { id, key }
}
