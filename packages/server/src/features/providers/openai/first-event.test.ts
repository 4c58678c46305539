import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FirstEventScanner, firstEventData } from './first-event.ts'

const endOf = (bytes: Buffer, cuts: readonly number[]): number => {
  const scanner = new FirstEventScanner()
  let from = 0
  for (const cut of [...new Set(cuts)]
    .filter((one) => one < bytes.length)
    .sort((a, b) => a - b)
    .concat(bytes.length)) {
    const end = scanner.scan(bytes.subarray(from, cut))
    if (end >= 0) return from + end
    from = cut
  }
  return -1
}

describe('the first event', () => {
  it.each([
    ['data: a\n\n', 9],
    ['data: a\r\n\r\nrest', 10],
    ['data: a\r\rrest', 9],
    ['data\n\n', 6],
    ['data:a\n\n', 8],
    [': ping\n\n: ping\n\ndata: a\n\n', 25],
    ['event: x\ndata: a\nid: 1\n\n', 24],
    ['event: only\n\ndata: a\n\n', 22],
    ['\uFEFFdata: a\n\n', 12],
    ['\n\n\ndata: a\n\n', 12],
    ['database: a\n\n', -1],
    ['dat: a\n\n', -1],
    ['data: a\n', -1],
    [': data: a\n\n', -1],
  ])('%j ends at %i, in whatever pieces', (text, expected) => {
    const bytes = Buffer.from(text)
    expect(endOf(bytes, [])).toBe(expected)
    expect(
      endOf(
        bytes,
        Array.from({ length: bytes.length }, (_, index) => index),
      ),
    ).toBe(expected)
  })

  it('does not depend on where the pieces are cut', () => {
    const line = fc.constantFrom(
      'data: é',
      'data:{"a":1}',
      'data',
      ': c',
      'event: e',
      'id: 1',
      '',
      'xdata: 1',
      '\u0000',
    )
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(fc.array(fc.tuple(line, ends), { maxLength: 8 }), fc.array(fc.nat(80)), (lines, cuts) => {
        const bytes = Buffer.from(lines.flat().join(''))
        expect(endOf(bytes, cuts)).toBe(endOf(bytes, []))
      }),
      { numRuns: 2_000, seed: 1 },
    )
  })

  it('joins the lines of its data', () => {
    expect(firstEventData(': c\r\n\r\nevent: x\r\ndata: {"a":\r\ndata:1}\r\n\r\ndata: 2\r\n\r\n')).toBe('{"a":\n1}')
  })
})
