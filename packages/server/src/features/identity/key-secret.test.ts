import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashKey, keyPattern, mintKey, mintPublicId, parseKey, sameHash } from './key-secret.ts'

test('a minted key has the published form and parses back', () => {
  for (const kind of ['secret', 'publishable'] as const) {
    const id = mintPublicId()
    const key = mintKey(kind, id)
    expect(key).toMatch(kind === 'secret' ? /^hg_sk_[0-9A-Za-z]{48}$/ : /^hg_pk_[0-9A-Za-z]{48}$/)
    expect(parseKey(key)).toEqual({ kind, publicId: id })
    expect(`OPENAI_API_KEY="${key}"`).toMatch(keyPattern)
    expect(mintKey(kind, id)).not.toBe(key)
  }
})

test('the checksum is CRC-32 over everything before it', () => {
  const body = `hg_sk_${'0'.repeat(42)}`
  // crc32(body) = 0x1db2814a as Python’s zlib gives it.
  let rest = 0x1db2814a
  let digits = ''
  for (let index = 0; index < 6; index++) {
    digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  expect(parseKey(body + digits)).toEqual({ kind: 'secret', publicId: '000000000000' })
})

test('one wrong, missing, swapped or added character is noticed', () => {
  const key = mintKey('secret', mintPublicId())
  for (let index = 0; index < key.length; index++) {
    const other = key[index] === 'q' ? 'r' : 'q'
    expect(parseKey(key.slice(0, index) + other + key.slice(index + 1))).toBeNull()
    expect(parseKey(key.slice(0, index) + key.slice(index + 1))).toBeNull()
    if (index > 0 && key[index] !== key[index - 1])
      expect(parseKey(`${key.slice(0, index - 1)}${key[index]}${key[index - 1]}${key.slice(index + 1)}`)).toBeNull()
  }
  for (const text of ['', `${key}\n`, ` ${key}`, key.toUpperCase(), `${key}0`]) expect(parseKey(text)).toBeNull()
})

test('random characters are spread evenly', () => {
  const counts = new Map<string, number>()
  for (let index = 0; index < 2_000; index++)
    for (const letter of mintKey('secret', '000000000000').slice(18, 48))
      counts.set(letter, (counts.get(letter) ?? 0) + 1)
  expect(counts.size).toBe(62)
  // 60,000 letters: about 968 each; six standard deviations are 186.
  for (const count of counts.values()) expect(Math.abs(count - 968)).toBeLessThan(186)
})

test('what is stored is the HMAC under the pepper', () => {
  const pepper = { id: 'p', value: Buffer.from('a pepper') }
  const expected = createHmac('sha256', 'a pepper').update('credential').digest()
  expect(sameHash(hashKey(pepper, 'credential'), expected)).toBe(true)
  expect(sameHash(hashKey({ id: 'q', value: Buffer.from('another') }, 'credential'), expected)).toBe(false)
  expect(sameHash(expected.subarray(0, 16), expected)).toBe(false)
})
