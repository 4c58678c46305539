import { describe, expect, it } from 'vitest'
import { formatDuration, writeLimitHeaders } from './limit-headers.ts'
import { type ShownLimit, showLimit } from './rate-rules.ts'

const bucket = (quota: number) => ({ algorithm: 'token_bucket', quota, windowMs: 60_000 }) as const
const policy = (name: string, limit: string, unit: ShownLimit['unit'] = 'requests', shadow = false): ShownLimit =>
  showLimit(name, unit, bucket(Number(limit)), shadow)

describe('limit headers', () => {
  it.each([
    ['has less left', { remaining: 5, resetMs: 9000, retryAfterMs: 0 }, '40'],
    ['has the later reset, with as much left', { remaining: 9, resetMs: 9000, retryAfterMs: 0 }, '40'],
    ['makes wait', { remaining: 9, resetMs: 900, retryAfterMs: 1 }, '40'],
    ['is the wider one otherwise, of the other', { remaining: 10, resetMs: 9000, retryAfterMs: 0 }, '20'],
  ])('show the rule that %s, and list every rule', (_, second, limit) => {
    const headers: Record<string, string> = {}
    const first = { remaining: 9, resetMs: 1001, retryAfterMs: 0 }
    writeLimitHeaders(headers, [policy('key', '20'), policy('address', '40')], [first, second])
    expect(headers['x-ratelimit-limit']).toBe(limit)
    expect(headers['x-ratelimit-limit-requests']).toBe(limit)
    expect(headers['ratelimit-policy']).toBe('"key";q=20;w=60, "address";q=40;w=60')
    const state = `"address";r=${second.remaining};t=${Math.ceil(second.resetMs / 1000)}`
    expect(headers['ratelimit']).toBe(`"key";r=9;t=2, ${state}`)
  })
})

describe('units', () => {
  it('show tokens in their own family, requests under way in the draft’s, and shadows nowhere', () => {
    const headers: Record<string, string> = {}
    const atOnce = showLimit('at once', 'concurrent', { algorithm: 'concurrency', quota: 4, windowMs: 0 }, false)
    const limits = [
      policy('key', '20'),
      policy('tokens', '1000', 'tokens'),
      atOnce,
      policy('dark', '1', 'requests', true),
    ]
    const standings = [9, 640, 3, 0].map((remaining) => ({ remaining, resetMs: 1500, retryAfterMs: 0 }))
    writeLimitHeaders(headers, limits, standings)
    expect(headers).toMatchObject({
      'x-ratelimit-limit': '20',
      'x-ratelimit-remaining': '9',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '640',
      'x-ratelimit-reset-tokens': '1.5s',
      'ratelimit-policy': '"key";q=20;w=60, "at once";q=4;qu="concurrent-requests"',
      ratelimit: '"key";r=9;t=2, "at once";r=3',
    })
  })
})

describe('durations as OpenAI writes them', () => {
  it.each([
    [0, '0ms'],
    [119.2, '120ms'],
    [1000, '1s'],
    [1249.5, '1.25s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [3_723_000, '1h2m3s'],
  ])('%d ms → %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text)
  })
})
