import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import type { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { silentLog } from '../../kernel/log.ts'
import { createIdentity, type Identity } from './identity.ts'
import { mintKey } from './key-secret.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const operator = { actor: 'admin' }
let home: TestDatabase
let database: Database
let replicas: (Identity & Feature)[]

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: quiet, poolSize: 8 })
  replicas = Array.from({ length: 3 }, () =>
    createIdentity({
      database,
      clock: systemClock,
      log: silentLog,
      pepperOf: () => ({ id: 'p', value: Buffer.alloc(32, 1) }),
      audit: { record: async () => {} },
      budgets: { put: async () => {}, remove: async () => {}, state: async () => new Map() },
      tiers: () => ['pro'],
    }),
  )
  for (const replica of replicas) await replica.start?.()
})
afterAll(async () => {
  for (const replica of replicas) await replica.stop?.()
  await database.close()
  await home.drop()
})

const code = async (identity: Identity, credential: string): Promise<string> => {
  try {
    await identity.authenticate(credential)
    return 'ok'
  } catch (error) {
    return (error as AppError).code
  }
}

test('three replicas under load: no call fails in a rotation, none passes 5 s after a revocation', async () => {
  const first = replicas[0] as Identity
  const { id, key } = await first.keys.create({ name: 'busy' }, operator)
  let current = key
  let isOver = false
  let calls = 0
  let failed = 0
  let lastAccepted = 0
  let revokedAt = Number.POSITIVE_INFINITY
  const load = replicas.map(async (replica) => {
    while (!isOver) {
      for (const credential of [key, current]) {
        const outcome = await code(replica, credential)
        calls += 1
        if (outcome === 'ok') lastAccepted = performance.now()
        else if (performance.now() < revokedAt) failed += 1
      }
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  current = (await first.keys.rotate(id, {}, operator)).key
  while (calls < 10_000) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(failed).toBe(0)
  const asked = performance.now()
  revokedAt = asked
  await first.keys.revoke(id, {}, operator)
  await new Promise((resolve) => setTimeout(resolve, 5_500))
  isOver = true
  await Promise.all(load)
  expect(lastAccepted - asked).toBeLessThan(5_000)
}, 60_000)

const welch = (left: readonly number[], right: readonly number[]): number => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const error = (values: readonly number[]) => {
    const middle = mean(values)
    return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1) / values.length
  }
  return (mean(left) - mean(right)) / Math.sqrt(error(left) + error(right))
}

/** A probe; `npm run timing` asks 10,000 times each. */
const rounds = Number(process.env['TIMING_ROUNDS'] ?? 300)

test('a wrong secret of a key that exists takes as long as one of a key that does not', async () => {
  const identity = replicas[1] as Identity
  const { id } = await identity.keys.create({ name: 'probed' }, operator)
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    // The order alternates, so that neither always finds the caches as the other left them.
    for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const credential = mintKey('secret', which === 0 ? id : `nobody${String(round).padStart(6, '0')}`)
      const start = performance.now()
      expect(await code(identity, credential)).toBe('invalid_api_key')
      times[which].push(performance.now() - start)
    }
  }
  // The slowest tenth is the machine's noise.
  const trimmed = times.map((values) => values.sort((a, b) => a - b).slice(0, Math.floor(values.length * 0.9)))
  const t = welch(trimmed[0] as number[], trimmed[1] as number[])
  if (rounds > 300) console.log(`timing: ${rounds} of each, Welch t = ${t.toFixed(2)}`)
  expect(Math.abs(t)).toBeLessThan(4.5)
}, 1_800_000)
