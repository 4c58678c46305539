import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import type { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { silentLog } from '../../kernel/log.ts'
import { createIdentity, type Identity } from './identity.ts'
import { mintKey } from './key-secret.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const operator = { actor: 'admin' }
let home: TestDatabase
let live: Database
let dead: Database
let isAway = false
let ahead = 0
let identity: Identity & Feature

// A PostgreSQL that refuses connections for real, in place of the live one while it is "away".
const switching: Database = {
  read: (scope, work) => (isAway ? dead : live).read(scope, work),
  transaction: (scope, work) => (isAway ? dead : live).transaction(scope, work),
  statement: (text, values) => (isAway ? dead : live).statement(text, values),
  ping: () => (isAway ? dead : live).ping(),
  warm: (connections) => (isAway ? dead : live).warm(connections),
  assertRuntimeRole: () => live.assertRuntimeRole(),
  load: () => live.load(),
  close: () => live.close(),
}
const clock: Clock = { ...systemClock, monotonic: () => performance.now() + ahead }

const code = async (credential: string): Promise<string> => {
  try {
    await identity.authenticate(credential)
    return 'ok'
  } catch (error) {
    return (error as AppError).code
  }
}

beforeAll(async () => {
  home = await freshDatabase()
  live = openDatabase({ connection: { url: home.url }, log: quiet })
  dead = openDatabase({ connection: { url: 'postgres://nobody@127.0.0.1:1/none' }, log: quiet })
  identity = createIdentity({
    database: switching,
    clock,
    log: silentLog,
    pepperOf: () => ({ id: 'p', value: Buffer.alloc(32, 1) }),
    audit: { record: async () => {} },
    budgets: { put: async () => {}, remove: async () => {}, state: async () => new Map() },
    tiers: () => ['pro'],
    pollIntervalMs: 100,
  })
  await identity.start?.()
})
afterAll(async () => {
  isAway = false
  await identity.stop?.()
  await live.close()
  await dead.close()
  await home.drop()
})

test('while PostgreSQL is away known keys live on for 300 s, unknown ones are 503 and never 401', async () => {
  const known = await identity.keys.create({ name: 'known' }, operator)
  const unseen = await identity.keys.create({ name: 'unseen' }, operator)
  expect(await code(known.key)).toBe('ok')
  isAway = true
  expect(await code(known.key)).toBe('ok')
  expect(await code(unseen.key)).toBe('database_unavailable')
  expect(await code(mintKey('secret', 'abcdefghijkl'))).toBe('database_unavailable')
  expect(await code('hg_sk_nonsense')).toBe('invalid_api_key')
  const refused = identity.keys.create({ name: 'impossible' }, operator)
  await expect(refused).rejects.toMatchObject({ code: 'database_unavailable' })

  ahead = 290_000
  expect(await code(known.key)).toBe('ok')
  ahead = 301_000
  expect(await code(known.key)).toBe('database_unavailable')

  isAway = false
  await identity.refresh()
  expect(await code(known.key)).toBe('ok')
  expect(await code(unseen.key)).toBe('ok')
})

test('a refusal made while PostgreSQL was away is not remembered', async () => {
  const { key } = await identity.keys.create({ name: 'asked too early' }, operator)
  isAway = true
  expect(await code(key)).toBe('database_unavailable')
  isAway = false
  expect(await code(key)).toBe('ok')
})

test('a known key costs microseconds and no promise', async () => {
  const { key } = await identity.keys.create({ name: 'hot' }, operator)
  await identity.authenticate(key)
  const rounds = 50_000
  for (let index = 0; index < rounds; index++) void identity.authenticate(key)
  const start = performance.now()
  for (let index = 0; index < rounds; index++) void identity.authenticate(key)
  // The target is 3 µs; the bound leaves room for a busy machine.
  expect(((performance.now() - start) * 1_000) / rounds).toBeLessThan(30)
})
