import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../domain/caller.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { mintKey } from './key-secret.ts'
import { failure, openReplicas, operator, outcome, type Replicas } from './test/replicas.ts'

let replicas: Replicas

beforeAll(async () => {
  replicas = await openReplicas()
})
afterAll(() => replicas.close())

test('a new key authenticates with the shipped defaults, then from memory', async () => {
  const identity = await replicas.add()
  const made = await identity.keys.create({ name: 'app' }, operator)
  expect(made).toMatchObject({ object: 'key', kind: 'secret', tier: 'pro', project: 'default', state: 'active' })
  const caller = await identity.authenticate(made.key)
  expect(caller).toEqual({
    keyId: made.id,
    projectId: 'default',
    kind: 'secret',
    tier: 'pro',
    models: null,
    budgetId: null,
    person: null,
  } satisfies Caller)
  expect(Object.isFrozen(caller)).toBe(true)
  expect(identity.authenticate(made.key)).toBe(caller)
  expect(await identity.keys.get(made.id)).not.toHaveProperty('key')
})

test('nothing of a secret is stored', async () => {
  const identity = await replicas.add()
  const { key, id } = await identity.keys.create({ name: 'canary' }, operator)
  const random = key.slice(18, 48)
  const { rows } = await replicas.database.read('system', ({ query }) =>
    query<{ text: string }>(
      'SELECT to_jsonb(k)::text || to_jsonb(s)::text AS text FROM headgate.api_keys k JOIN headgate.api_key_secrets s USING (key_id) WHERE key_id = $1',
      [id],
    ),
  )
  expect(rows[0]?.text).toContain('canary')
  expect(rows[0]?.text).not.toContain(random)
  expect(JSON.stringify(replicas.entries)).not.toContain(random)
})

describe('refusals', () => {
  test('none, malformed, mistyped and unknown keys are told apart without telling what exists', async () => {
    const identity = await replicas.add()
    const { key, id } = await identity.keys.create({ name: 'real' }, operator)
    expect(await outcome(identity, null)).toBe('api_key_missing')
    for (const credential of ['', 'sk-proj-123', key.slice(0, -1), `${key}x`])
      expect(await outcome(identity, credential)).toBe('invalid_api_key')
    const foreign = await failure(() => identity.authenticate(mintKey('secret', 'abcdefghijkl')))
    const guessed = await failure(() => identity.authenticate(mintKey('secret', id)))
    expect([foreign.code, guessed.code]).toEqual(['invalid_api_key', 'invalid_api_key'])
    expect(guessed.message).toBe(foreign.message)
  })

  test('a wrong checksum or a repeated unknown key costs no database read, and a herd costs one', async () => {
    let reads = 0
    const counting: Database = {
      ...replicas.database,
      read: (scope, work) => {
        reads += 1
        return replicas.database.read(scope, work)
      },
    }
    const identity = await replicas.add({ database: counting, pollIntervalMs: 2_000 })
    const { key } = await (await replicas.add()).keys.create({ name: 'herd' }, operator)
    reads = 0
    const mistyped = `${key.slice(0, 20)}${key[20] === 'a' ? 'b' : 'a'}${key.slice(21)}`
    expect(await outcome(identity, mistyped)).toBe('invalid_api_key')
    expect(reads).toBe(0)
    const unknown = mintKey('secret', 'ZZZZZZZZZZZZ')
    for (let index = 0; index < 3; index++) expect(await outcome(identity, unknown)).toBe('invalid_api_key')
    expect(reads).toBe(1)
    await Promise.all(Array.from({ length: 100 }, async () => identity.authenticate(key)))
    expect(reads).toBeLessThanOrEqual(3)
  })

  test('expired, suspended and not yet active keys', async () => {
    let ahead = 0
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead }
    const identity = await replicas.add({ clock })
    const short = await identity.keys.create(
      { name: 'short', expires_at: new Date(Date.now() + 60_000).toISOString() },
      operator,
    )
    expect(await outcome(identity, short.key)).toBe('ok')
    ahead = 61_000
    expect(await outcome(identity, short.key)).toBe('api_key_expired')
    ahead = 0
    const later = await identity.keys.create({ name: 'later', state: 'pre-activation' }, operator)
    expect(await outcome(identity, later.key)).toBe('api_key_revoked')
    await identity.keys.update(later.id, { state: 'active' }, operator)
    expect(await outcome(identity, later.key)).toBe('ok')
    await identity.keys.update(later.id, { state: 'suspended' }, operator)
    expect(await outcome(identity, later.key)).toBe('api_key_revoked')
    await identity.keys.update(later.id, { state: 'active' }, operator)
    expect(await outcome(identity, later.key)).toBe('ok')
  })

  test.each([
    [{ name: 'x', tier: 'gold' }, 'tier'],
    [{ name: 'x', kind: 'publishable' as const }, 'origins'],
    [{ name: 'x', origins: ['https://a.example'] }, 'origins'],
    [{ name: 'x', kind: 'publishable' as const, origins: ['https://a.example/path'] }, 'origins.0'],
    [{ name: 'x', expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', expires_at: '2030-13-41T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', project: 'nowhere' }, 'project'],
  ])('creating %j is refused with the place of the fault', async (input, location) => {
    const identity = await replicas.add()
    const error = await failure(() => identity.keys.create(input, operator))
    expect(error.code).toBe('invalid_parameter')
    expect(error.options.details?.[0]?.location).toBe(location)
  })

  test('ids that are none, or are nobody’s, are all the same 404', async () => {
    const identity = await replicas.add()
    for (const id of ['abcdefghijkl', '../etc', "' OR 1=1", '\u0000', ''])
      expect((await failure(() => identity.keys.get(id))).code).toBe('resource_not_found')
    expect((await failure(() => identity.keys.revoke('abcdefghijkl', {}, operator))).code).toBe('resource_not_found')
  })
})

test('lists page by page, the newest first, and by project', async () => {
  const identity = await replicas.add()
  const project = await identity.projects.create({ id: 'paged', name: 'Paged' }, operator)
  expect(project).toMatchObject({ object: 'project', id: 'paged' })
  expect((await failure(() => identity.projects.create({ id: 'paged', name: 'Twice' }, operator))).code).toBe(
    'invalid_parameter',
  )
  const names = ['one', 'two', 'three']
  for (const name of names) await identity.keys.create({ name, project: 'paged' }, operator)
  const first = await identity.keys.list({ project: 'paged', limit: '2' })
  expect(first).toMatchObject({ object: 'list', has_more: true })
  expect(first.data.map((key) => key.name)).toEqual(['three', 'two'])
  const rest = await identity.keys.list({ project: 'paged', limit: '2', after: first.next_cursor as string })
  expect(rest.data.map((key) => key.name)).toEqual(['one'])
  expect(rest).toMatchObject({ has_more: false, next_cursor: null })
  expect((await identity.projects.list({})).data.map(({ id }) => id)).toEqual(['default', 'paged'])
})

test('a project sees neither keys nor secrets nor the name of another', async () => {
  const identity = await replicas.add()
  for (const id of ['left', 'right']) {
    await identity.projects.create({ id, name: id }, operator)
    await identity.keys.create({ name: `of ${id}`, project: id }, operator)
  }
  for (const table of ['projects', 'api_keys', 'api_key_secrets']) {
    const { rows } = await replicas.database.read({ project: 'left' }, ({ query }) =>
      query<{ project_id: string }>(`SELECT project_id FROM headgate.${table}`),
    )
    expect(new Set(rows.map((row) => row.project_id))).toEqual(new Set(['left']))
  }
})
