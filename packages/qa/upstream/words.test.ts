import { countTokens, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { multibyteWords, plainWording, shorten, sizedWording, words } from './words.ts'

test('each word is one token, alone and in every neighbourhood', () => {
  for (const word of words) expect(encode(word), word).toHaveLength(1)
  expect(countTokens(words.join(''))).toBe(words.length)
  for (const first of words) {
    for (const second of words) expect(encode(first + second)).toHaveLength(2)
  }
})

test('a wording has as many tokens as the tokenizer counts in its text', () => {
  for (const [parts, perPart] of [
    [0, 1],
    [1, 1],
    [10, 1],
    [333, 7],
  ] as const) {
    const wording = plainWording(parts, perPart, false)
    expect(wording.tokens).toBe(parts * perPart)
    expect(countTokens(wording.text)).toBe(wording.tokens)
  }
})

test('multi-byte words keep their tokens when joined', () => {
  const wording = plainWording(5 * multibyteWords.length, 1, true)
  expect(wording.tokens).toBeGreaterThan(wording.pieces.length)
  expect(countTokens(wording.text)).toBe(wording.tokens)
  for (const word of multibyteWords) expect(Buffer.byteLength(word)).toBeGreaterThan(word.length)
})

test('shortening stops at whole pieces within the limit', () => {
  expect(shorten(plainWording(10, 3, false), 8).tokens).toBe(6)
  expect(shorten(plainWording(10, 1, false), 10).pieces).toHaveLength(10)
})

test('a sized wording reaches its size with true tokens', () => {
  const wording = sizedWording(20_000)
  expect(wording.text.length).toBeGreaterThanOrEqual(20_000)
  expect(wording.text.length).toBeLessThan(21_000)
  expect(wording.tokens).toBe(countTokens(wording.text))
})
