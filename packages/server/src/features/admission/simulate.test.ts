import { expect, test } from 'vitest'
import { type PastCall, simulate } from './simulate.ts'

const minute = 60_000
const call = (at: number, more: Partial<PastCall> = {}): PastCall => ({
  at: 1_700_000_000_000 + at,
  project: 'p',
  key: 'k1',
  user: '',
  endpoint: 'chat',
  model: 'up/a',
  provider: 'up',
  inputTokens: 10,
  outputTokens: 90,
  images: 0,
  audioSeconds: 0,
  cost: 1_000_000,
  durationMs: 1000,
  ...more,
})
const play = (policies: Parameters<typeof simulate>[0], calls: readonly PastCall[]) =>
  simulate(
    policies,
    (async function* () {
      yield* calls
    })(),
    (key) => ({ tier: key === 'k1' ? 'free' : 'pro', kind: 'secret' }),
  )

test('counts who would have been refused, and by which policy', async () => {
  const calls = Array.from({ length: 10 }, (_, index) => call(index * 1000, { key: index % 2 === 0 ? 'k1' : 'k2' }))
  const result = await play(
    {
      free: { unit: 'requests', limit: 2, window_seconds: 60, algorithm: 'sliding_window', match: { tiers: ['free'] } },
      tokens: { unit: 'tokens', limit: 700, window_seconds: 600, algorithm: 'sliding_window' },
    },
    calls,
  )
  // Of the five of k1 two pass; with them and the five of k2 the tokens are just used up.
  expect(result).toMatchObject({ calls: 10, refused: 3, not_simulated: [] })
  expect(result.policies).toEqual([
    { name: 'free', calls: 5, refused: 3, keys: [{ key: 'k1', refused: 3 }] },
    { name: 'tokens', calls: 10, refused: 0, keys: [] },
  ])
})

test('frees what was under way when it ended', async () => {
  const policies = { 'at-once': { unit: 'concurrent', limit: 1 } } as const
  const overlapping = [call(0, { durationMs: 5000 }), call(1000), call(4999), call(5000), call(5500), call(6100)]
  const result = await play(policies, overlapping)
  expect(result.policies[0]).toMatchObject({ calls: 6, refused: 3 })
})

test('bounds money, and says what the ledger cannot tell', async () => {
  const result = await play(
    {
      money: { unit: 'usd', limit_usd: '0.003', window_seconds: 3600, algorithm: 'sliding_window', per: ['project'] },
      abroad: { unit: 'requests', limit: 1, match: { countries: ['unknown'] } },
      hosts: { unit: 'requests', limit: 1, per: ['ip'] },
    },
    [0, 1, 2, 3, 4, 70].map((minutes) => call(minutes * minute)),
  )
  expect(result.refused).toBe(2)
  expect(result.not_simulated.map(({ name }) => name)).toEqual(['abroad', 'hosts'])
})
