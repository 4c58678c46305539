import { expect, it } from 'vitest'
import { timed } from '../../../test/support/timed.ts'
import { redactedKinds } from '../../domain/redacted-kinds.ts'
import { createRedaction } from './redaction.ts'

const mebibyte = 1_048_576
const redact = createRedaction(redactedKinds)

it.each([
  'a',
  '1',
  '1 ',
  '@',
  'a@',
  `${'a'.repeat(63)}@`,
  `a@${'b.'.repeat(20)}`,
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ',
  'eyJ',
  'eyJ.',
  '+1 (2) ',
  ':',
  '1.',
  'DE89 ',
  'sk-',
  'ghp_',
  'é',
  'mail a@b.de call +49 30 1234567 card 4111111111111111 ',
])('takes linear time for a mebibyte of %j', timed, (piece) => {
  const text = piece.repeat(Math.floor(mebibyte / piece.length))
  const before = performance.now()
  redact(text, {})
  expect(performance.now() - before).toBeLessThan(700)
})

it('counts what it takes out once, also where kinds overlap', () => {
  const counts = {}
  expect(redact(`see https://x.example/?t=ghp_${'a'.repeat(36)}&m=a@example.org 10.0.0.7`, counts)).toBe(
    'see https://x.example/?t=[redacted:github_token]&m=[redacted:email] [redacted:ip_address]',
  )
  expect(counts).toEqual({ github_token: 1, email: 1, ip_address: 1 })
})

it('leaves nothing of a secret that began within something else', () => {
  // The beginning of the token reads like the domain of an address.
  const text = 'me@eyJhbGciOiJub25lIn0.eyJhIjoiYiJ.SGVsbG8tdGhpcy1pcy1zZWNyZXQ and on'
  const clean = redact(text, {})
  expect(clean).not.toContain('SGVsbG8')
  expect(clean).toMatch(/^\[redacted:\w+\] and on$/)
})
