import { expect, test } from 'vitest'
import { prefixedId, randomHex, ulid } from './ids.ts'

test('ids sort by their time, which can be read back, and none comes twice', () => {
  const at = 1_700_000_000_123
  const ids = Array.from({ length: 5_000 }, () => ulid(at))
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^01HF7YAT3V[0-9A-HJKMNP-TV-Z]{16}$/)
  const times = [0, 1, 31, 32, at, at + 1, 2 ** 48 - 1]
  const sorted = times.map((time) => ulid(time))
  expect([...sorted].sort()).toEqual(sorted)
  expect(ulid(0).slice(0, 10)).toBe('0000000000')
  expect(ulid(2 ** 48 - 1).slice(0, 10)).toBe('7ZZZZZZZZZ')
})

test('every character of the alphabet turns up at every place of the random part', () => {
  const seen = Array.from({ length: 16 }, () => new Set<string>())
  for (let count = 0; count < 5_000; count++) {
    for (const [index, character] of [...prefixedId('req', 1).slice(14)].entries()) seen[index]?.add(character)
  }
  expect(seen.map(({ size }) => size)).toEqual(new Array(16).fill(32))
})

test('random hex is as long as asked, and new each time', () => {
  expect(randomHex(8)).toMatch(/^[0-9a-f]{16}$/)
  const made = new Set(Array.from({ length: 1_000 }, () => randomHex(16)))
  expect(made.size).toBe(1_000)
})
