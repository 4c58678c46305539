import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { KeyKind } from '../../domain/caller.ts'

/** The secret under which keys are hashed, and its id, stored beside each hash. */
export interface Pepper {
  readonly id: string
  readonly value: Buffer
}

/** A key taken apart. */
export interface ParsedKey {
  readonly kind: KeyKind
  /** What logs, limits and the audit show. */
  readonly publicId: string
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = { secret: 'hg_sk_', publishable: 'hg_pk_' } as const
const PREFIX_LENGTH = 6
const PUBLIC_LENGTH = 12
const RANDOM_LENGTH = 30
const CHECKSUM_LENGTH = 6
const BODY_LENGTH = PREFIX_LENGTH + PUBLIC_LENGTH + RANDOM_LENGTH
/** Characters of a whole key. */
export const KEY_LENGTH = BODY_LENGTH + CHECKSUM_LENGTH

/** Published for secret scanners; a hit is certain when the checksum of `parseKey` holds too. */
export const keyPattern = /\bhg_(?:sk|pk)_[0-9A-Za-z]{48}\b/

const wholeKey = new RegExp(`^${keyPattern.source.slice(2, -2)}$`)

const randomText = (length: number): string => {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 = 4 × 62: bytes above would make the first letters likelier.
      if (byte < 248 && text.length < length) text += ALPHABET.charAt(byte % 62)
    }
  }
  return text
}

/** CRC-32 (ISO 3309) in base 62, most significant digit first: finds typing errors without a database read. */
const checksum = (text: string): string => {
  let value = crc32(text)
  let digits = ''
  for (let index = 0; index < CHECKSUM_LENGTH; index++) {
    digits = ALPHABET.charAt(value % 62) + digits
    value = Math.floor(value / 62)
  }
  return digits
}

/** A public id for a new key: 12 base-62 characters, 71 bits. */
export const mintPublicId = (): string => randomText(PUBLIC_LENGTH)

/** A new secret for a public id: 30 base-62 characters, 178 bits. */
export const mintKey = (kind: KeyKind, publicId: string): string => {
  const body = PREFIX[kind] + publicId + randomText(RANDOM_LENGTH)
  return body + checksum(body)
}

/** A new operator key, `hg_admin_` and 43 base-62 characters (256 bits). */
export const mintAdminKey = (): string => `hg_admin_${randomText(43)}`

/** Takes a credential apart; null when it is no key or its checksum is wrong. */
export const parseKey = (credential: string): ParsedKey | null => {
  if (credential.length !== KEY_LENGTH || !wholeKey.test(credential)) return null
  const body = credential.slice(0, BODY_LENGTH)
  if (checksum(body) !== credential.slice(BODY_LENGTH)) return null
  const kind = credential.startsWith(PREFIX.secret) ? 'secret' : 'publishable'
  return { kind, publicId: credential.slice(PREFIX_LENGTH, PREFIX_LENGTH + PUBLIC_LENGTH) }
}

/** HMAC-SHA-256 of a credential under the pepper: what is stored. A slow hash adds nothing to 178 random bits. */
export const hashKey = (pepper: Pepper, credential: string): Buffer =>
  createHmac('sha256', pepper.value).update(credential).digest()

/** Compares two hashes in a time that does not depend on where they differ. */
export const sameHash = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)
