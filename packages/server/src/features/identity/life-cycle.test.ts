import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../domain/caller.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { failure, openReplicas, operator, outcome, type Replicas, until } from './test/replicas.ts'

let replicas: Replicas

beforeAll(async () => {
  replicas = await openReplicas()
})
afterAll(() => replicas.close())

describe('life cycle', () => {
  test('two secrets are valid while a rotation overlaps, then the former has expired', async () => {
    let ahead = 0
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead }
    const identity = await replicas.add({ clock })
    const first = await identity.keys.create({ name: 'rotating' }, operator)
    await identity.authenticate(first.key)
    const second = await identity.keys.rotate(first.id, { overlap_seconds: 60 }, operator)
    expect(second.id).toBe(first.id)
    expect(second.key).not.toBe(first.key)
    for (const key of [first.key, second.key]) expect(await outcome(identity, key)).toBe('ok')
    ahead = 61_000
    expect(await outcome(identity, first.key)).toBe('api_key_expired')
    expect(await outcome(identity, second.key)).toBe('ok')
    const third = await identity.keys.rotate(first.id, {}, operator)
    const fourth = await identity.keys.rotate(first.id, {}, operator)
    expect(await outcome(identity, second.key)).toBe('api_key_expired')
    for (const key of [third.key, fourth.key]) expect(await outcome(identity, key)).toBe('ok')
  })

  test('a revoked key is dead at once here, and cannot come back', async () => {
    const identity = await replicas.add()
    const { id, key } = await identity.keys.create({ name: 'leaked' }, operator)
    await identity.authenticate(key)
    const revoked = await identity.keys.revoke(id, { reason: 'seen in a repository', compromised: true }, operator)
    expect(revoked.state).toBe('compromised')
    expect(await outcome(identity, key)).toBe('api_key_revoked')
    expect((await failure(() => identity.keys.update(id, { state: 'active' }, operator))).code).toBe(
      'invalid_parameter',
    )
    expect((await failure(() => identity.keys.rotate(id, {}, operator))).code).toBe('invalid_parameter')
    await identity.keys.update(id, { state: 'destroyed' }, operator)
    expect(await outcome(identity, key)).toBe('invalid_api_key')
  })

  test('another replica acts on every change within 5 seconds', async () => {
    const here = await replicas.add()
    const there = await replicas.add({ pollIntervalMs: 1_000 })
    const { id, key } = await here.keys.create({ name: 'shared' }, operator)
    expect(await outcome(there, key)).toBe('ok')
    await here.keys.update(id, { tier: 'free', models: ['demo'] }, operator)
    await until(async () => ((await there.authenticate(key)) as Caller).tier === 'free', 5_000)
    expect(((await there.authenticate(key)) as Caller).models).toEqual(['demo'])
    await here.keys.revoke(id, {}, operator)
    await until(async () => (await outcome(there, key)) === 'api_key_revoked', 5_000)
  })

  test('budgets are put, changed and taken away with the key', async () => {
    const identity = await replicas.add()
    const { id, key, budget } = await identity.keys.create(
      { name: 'thrifty', budget: { limit_usd: 0.0000001, window: 'day' } },
      operator,
    )
    expect(budget).toMatchObject({ limit_usd: '0.0000001', window: 'day', spent_usd: '0' })
    expect(((await identity.authenticate(key)) as Caller).budgetId).toBe(budget?.id)
    const raised = await identity.keys.update(id, { budget: { limit_usd: '12.50', window: 'total' } }, operator)
    expect(raised.budget).toMatchObject({ id: budget?.id, limit_usd: '12.5', window: 'total' })
    expect((await identity.keys.update(id, { budget: null }, operator)).budget).toBeNull()
    expect(((await identity.authenticate(key)) as Caller).budgetId).toBeNull()
  })

  test('the hour of the last use is noted', async () => {
    const identity = await replicas.add()
    const { id, key } = await identity.keys.create({ name: 'used' }, operator)
    await identity.authenticate(key)
    await identity.stop?.()
    const { last_used_at } = await identity.keys.get(id)
    expect(last_used_at).toMatch(/:00:00\.000Z$/)
  })
})
