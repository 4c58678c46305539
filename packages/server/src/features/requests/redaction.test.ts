import { describe, expect, it } from 'vitest'
import { createRedaction } from './redaction.ts'

const redact = createRedaction(['KD-\\d{4}'])

describe('redaction', () => {
  it.each([
    ['write to jane.doe+x@mail.example.org now', 'write to [redacted:email] now'],
    ['key sk-proj-abcdefghijklmnop1234', 'key [redacted:key]'],
    ['{"authorization":"Bearer abc.def-ghi_jkl"}', '{"authorization":"[redacted:key]"}'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted:key]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF_123', '[redacted:token]'],
    ['card 4111 1111 1111 1111.', 'card [redacted:card].'],
    ['DE89 3704 0044 0532 0130 00', '[redacted:iban]'],
    ['call +49 170 1234567', 'call [redacted:phone]'],
    ['data:image/png;base64,iVBORw0KGgo=', '[redacted:data]'],
    ['order KD-1234', 'order [redacted:custom]'],
  ])('takes out of %s', (text, clean) => {
    expect(redact(text)).toEqual({ text: clean, count: 1 })
  })

  it('leaves what is none of it', () => {
    const text =
      'order 4111 1111 1111 1112, id 1234567890123, 3 @ 5, sk-short, 2026-11-26T14:00:00Z, task-force-of-many-words'
    expect(redact(text)).toEqual({ text, count: 0 })
  })

  it('takes a private key out whole', () => {
    const begin = '-----BEGIN RSA PRIVATE'
    const text = `a ${begin} KEY-----\nMIIEow\nAAA=\n-----END RSA PRIVATE KEY----- b`
    expect(redact(text).text).toBe('a [redacted:private_key] b')
  })

  it('is done with hostile texts soon', () => {
    const before = performance.now()
    for (const piece of [
      'a',
      'a.',
      'a@',
      'a@a.',
      '1 ',
      'AA00',
      'eyJ',
      '-eyJ',
      '-----BEGIN PRIVATE KEY-----',
      '+1 ',
      'data:a/b;base64,',
    ])
      expect(redact(piece.repeat(100_000 / piece.length)).text.length).toBeGreaterThan(0)
    expect(performance.now() - before).toBeLessThan(2_000)
  }, 20_000)
})
