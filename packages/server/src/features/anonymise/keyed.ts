import { createHmac } from 'node:crypto'

/** A secret of an installation, by which pseudonyms, fakes and shifts of dates are made. Who has it can make them again. */
export interface Keyed {
  /** 32 bytes that stand for a value within a space, the same each time. */
  readonly bytes: (space: string, value: string) => Buffer
}

/** Makes values by HMAC-SHA-256 (RFC 2104); spaces are told apart by a zero byte, which no name of a space has. */
export const createKeyed = (key: Uint8Array): Keyed => ({
  bytes: (space, value) => createHmac('sha256', key).update(space).update('\0').update(value).digest(),
})

/** Crockford’s alphabet in small letters: no letter that is taken for another, none that needs escaping anywhere. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** The first `length` characters of bytes in base 32, at most one for each byte. */
export const letters = (bytes: Uint8Array, length: number): string =>
  Array.from(bytes.subarray(0, length), (byte) => alphabet[byte & 31]).join('')

/** The first `length` decimal digits that bytes stand for; at most 70. */
export const digits = (bytes: Uint8Array, length: number): string =>
  (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) % 10n ** BigInt(length)).toString().padStart(length, '0')
