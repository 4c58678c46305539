import { describe, expect, test } from 'vitest'
import { compileOrigins, normaliseOrigin, originOf } from './origins.ts'

describe('a rule', () => {
  test.each([
    ['https://App.Example.org', 'https://app.example.org'],
    ['https://app.example.org/', 'https://app.example.org'],
    ['https://app.example.org:443', 'https://app.example.org'],
    ['http://app.example.org:80', 'http://app.example.org'],
    ['https://app.example.org:8443', 'https://app.example.org:8443'],
    ['https://*.Example.org', 'https://*.example.org'],
    ['http://localhost:*', 'http://localhost:*'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s is kept as %s', (given, kept) => expect(normaliseOrigin(given)).toBe(kept))

  test.each([
    '',
    '*',
    'null',
    'app.example.org',
    'ftp://example.org',
    'https://',
    'https://*',
    'https://*.org',
    'https://example.org/path',
    'https://example.org?x',
    'https://user@example.org',
    'https://ex*mple.org',
    'https://a..example.org',
    'https://example.org:*',
    'https://example.org:99999',
    'https://exa mple.org',
  ])('%j is refused', (given) => expect(() => normaliseOrigin(given)).toThrow(RangeError))
})

describe('matching', () => {
  const allowed: Record<string, readonly [string[], string[]]> = {
    'https://app.example.org': [
      ['https://app.example.org'],
      [
        'http://app.example.org',
        'https://app.example.org:8443',
        'https://app.example.org.evil.com',
        'https://evil-app.example.org',
        'https://sub.app.example.org',
        'https://example.org',
        'null',
        '',
      ],
    ],
    'https://*.example.org': [
      ['https://a.example.org', 'https://a.b.example.org', 'https://pr-12_x.example.org'],
      [
        'https://example.org',
        'https://evilexample.org',
        'https://a.example.org.evil.com',
        'https://a.exampleXorg',
        'https://.example.org',
        'https://evil.com/.example.org',
        'https://evil.com#.example.org',
        'http://a.example.org',
        'https://a.example.org:444',
        'https://a.example.org\n',
      ],
    ],
    'http://localhost:*': [
      ['http://localhost', 'http://localhost:5173'],
      ['https://localhost:5173', 'http://localhost.evil.com', 'http://localhost:5173.evil.com', 'http://localhost:x'],
    ],
    'http://[::1]:*': [['http://[::1]:80', 'http://[::1]'], ['http://::1:80']],
  }
  test.each(Object.entries(allowed))('%s', (rule, [inside, outside]) => {
    const matches = compileOrigins([normaliseOrigin(rule)])
    expect(inside.filter((origin) => !matches(origin))).toEqual([])
    expect(outside.filter((origin) => matches(origin))).toEqual([])
  })
})

test('the origin of a request: Origin first, and an opaque one does not fall back to Referer', () => {
  expect(originOf({ origin: 'https://a.example', referer: 'https://b.example/x' })).toBe('https://a.example')
  expect(originOf({ referer: 'https://b.example:8443/x?y' })).toBe('https://b.example:8443')
  expect(originOf({ origin: 'null', referer: 'https://b.example/' })).toBe('null')
  expect(originOf({ referer: '%%%' })).toBeNull()
  expect(originOf({})).toBeNull()
})
