import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'

/** Hashes that Presidio’s operator knows. */
export const hashTypes = ['sha256', 'sha512', 'md5'] as const
export type HashType = (typeof hashTypes)[number]

/**
 * Presidio’s `mask`: `charsToMask` characters become `maskingChar`, from the end or the beginning; a number below one masks nothing.
 * Characters are code points, as in Python.
 */
export const mask = (
  text: string,
  options: { readonly maskingChar: string; readonly charsToMask: number; readonly fromEnd: boolean },
): string => {
  const characters = [...text]
  const count = Math.min(characters.length, Math.max(0, options.charsToMask))
  const cover = options.maskingChar.repeat(count)
  return options.fromEnd
    ? characters.slice(0, characters.length - count).join('') + cover
    : cover + characters.slice(count).join('')
}

/** Presidio’s `hash`, in hexadecimal digits; with a key an HMAC, which nobody without it can make of a guessed value. */
export const hash = (text: string, type: HashType, key?: Uint8Array): string =>
  (key === undefined ? createHash(type) : createHmac(type, key)).update(text, 'utf8').digest('hex')

/** Lengths of keys of AES in bytes. */
export const aesKeyBytes: readonly number[] = [16, 24, 32]

const cipherOf = (key: Uint8Array) => `aes-${key.length * 8}-cbc`

/** Presidio’s `encrypt`: AES in CBC mode with PKCS #7 padding, a random first block, all of it in URL-safe Base64. */
export const encrypt = (text: string, key: Uint8Array): string => {
  const vector = randomBytes(16)
  const cipher = createCipheriv(cipherOf(key), key, vector)
  const sealed = Buffer.concat([vector, cipher.update(text, 'utf8'), cipher.final()])
  return sealed.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** Presidio’s `decrypt`. Undefined where the text is not what this key encrypted. */
export const decrypt = (text: string, key: Uint8Array): string | undefined => {
  const sealed = Buffer.from(text, 'base64')
  if (sealed.length < 32 || sealed.length % 16 !== 0) return undefined
  const decipher = createDecipheriv(cipherOf(key), key, sealed.subarray(0, 16))
  try {
    const opened = Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()])
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(opened)
  } catch {
    return undefined
  }
}
