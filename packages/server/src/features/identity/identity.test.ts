import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { Caller } from '../../domain/caller.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase, type Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { silentLog } from '../../kernel/log.ts'
import { createIdentity, type Identity } from './identity.ts'
import type { AuditEntry, BudgetPort, BudgetState } from './identity.ports.ts'
import { mintKey } from './key-secret.ts'

const pepper = { id: 'test-pepper', value: Buffer.alloc(32, 7) }
const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const operator = { actor: 'admin', requestId: 'req_1' }

let home: TestDatabase
let database: Database
let entries: AuditEntry[] = []
const opened: (Identity & Feature)[] = []

const literalBudgets = (): BudgetPort => {
  const kept = new Map<string, BudgetState>()
  return {
    put: async (_transaction, { id, limit, window }) => {
      kept.set(id, { id, limit, window, spent: 0n, reserved: 0n })
    },
    remove: async (_transaction, id) => {
      kept.delete(id)
    },
    state: async (ids) => new Map([...kept].filter(([id]) => ids.includes(id))),
  }
}

const replica = async (over: Partial<Parameters<typeof createIdentity>[0]> = {}): Promise<Identity & Feature> => {
  const identity = createIdentity({
    database,
    clock: systemClock,
    log: silentLog,
    pepper,
    audit: { record: async (_transaction: Transaction, entry: AuditEntry) => void entries.push(entry) },
    budgets: literalBudgets(),
    tiers: ['anonymous', 'free', 'pro', 'internal'],
    pollIntervalMs: 200,
    ...over,
  })
  await identity.start?.()
  opened.push(identity)
  return identity
}

/** The catalogue code an authentication ends with; 'ok' for a caller. */
const outcome = async (identity: Identity, credential: string | null): Promise<string> => {
  try {
    await identity.authenticate(credential)
    return 'ok'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

const failure = async (work: () => unknown): Promise<AppError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const until = async (holds: () => Promise<boolean>, milliseconds: number): Promise<number> => {
  const start = performance.now()
  while (!(await holds())) {
    if (performance.now() - start > milliseconds) throw new Error(`not within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - start
}

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: quiet, poolSize: 6 })
})
afterAll(async () => {
  for (const identity of opened) await identity.stop?.()
  await database.close()
  await home.drop()
})

test('a new key authenticates with the shipped defaults, then from memory', async () => {
  const identity = await replica()
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
  } satisfies Caller)
  expect(Object.isFrozen(caller)).toBe(true)
  expect(identity.authenticate(made.key)).toBe(caller)
  expect(await identity.keys.get(made.id)).not.toHaveProperty('key')
})

test('nothing of a secret is stored', async () => {
  const identity = await replica()
  entries = []
  const { key, id } = await identity.keys.create({ name: 'canary' }, operator)
  const random = key.slice(18, 48)
  const { rows } = await database.read('system', ({ query }) =>
    query<{ text: string }>(
      'SELECT to_jsonb(k)::text || to_jsonb(s)::text AS text FROM headgate.api_keys k JOIN headgate.api_key_secrets s USING (key_id) WHERE key_id = $1',
      [id],
    ),
  )
  expect(rows[0]?.text).toContain('canary')
  expect(rows[0]?.text).not.toContain(random)
  expect(JSON.stringify(entries)).not.toContain(random)
})

describe('refusals', () => {
  test('none, malformed, mistyped and unknown keys are told apart without telling what exists', async () => {
    const identity = await replica()
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
      ...database,
      read: (scope, work) => {
        reads += 1
        return database.read(scope, work)
      },
    }
    const identity = await replica({ database: counting, pollIntervalMs: 2_000 })
    const { key } = await (await replica()).keys.create({ name: 'herd' }, operator)
    reads = 0
    const mistyped = `${key.slice(0, 20)}${key[20] === 'a' ? 'b' : 'a'}${key.slice(21)}`
    expect(await outcome(identity, mistyped)).toBe('invalid_api_key')
    expect(reads).toBe(0)
    const unknown = mintKey('secret', 'ZZZZZZZZZZZZ')
    for (let index = 0; index < 3; index++) expect(await outcome(identity, unknown)).toBe('invalid_api_key')
    expect(reads).toBe(1)
    await Promise.all(Array.from({ length: 100 }, () => identity.authenticate(key)))
    expect(reads).toBeLessThanOrEqual(3)
  })

  test('expired, suspended and not yet active keys', async () => {
    let ahead = 0
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead }
    const identity = await replica({ clock })
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
    const identity = opened[0] as Identity
    const error = await failure(() => identity.keys.create(input, operator))
    expect(error.code).toBe('invalid_parameter')
    expect(error.options.details?.[0]?.location).toBe(location)
  })

  test('ids that are none, or are nobody’s, are all the same 404', async () => {
    const identity = opened[0] as Identity
    for (const id of ['abcdefghijkl', '../etc', "' OR 1=1", '\u0000', ''])
      expect((await failure(() => identity.keys.get(id))).code).toBe('resource_not_found')
    expect((await failure(() => identity.keys.revoke('abcdefghijkl', {}, operator))).code).toBe('resource_not_found')
  })
})

describe('life cycle', () => {
  test('two secrets are valid while a rotation overlaps, then the former has expired', async () => {
    let ahead = 0
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead }
    const identity = await replica({ clock })
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
    const identity = await replica()
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
    const here = await replica()
    const there = await replica({ pollIntervalMs: 1_000 })
    const { id, key } = await here.keys.create({ name: 'shared' }, operator)
    expect(await outcome(there, key)).toBe('ok')
    await here.keys.update(id, { tier: 'free', models: ['demo'] }, operator)
    await until(async () => ((await there.authenticate(key)) as Caller).tier === 'free', 5_000)
    expect(((await there.authenticate(key)) as Caller).models).toEqual(['demo'])
    await here.keys.revoke(id, {}, operator)
    await until(async () => (await outcome(there, key)) === 'api_key_revoked', 5_000)
  })

  test('budgets are put, changed and taken away with the key', async () => {
    const identity = await replica()
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
    const identity = await replica()
    const { id, key } = await identity.keys.create({ name: 'used' }, operator)
    await identity.authenticate(key)
    await identity.stop?.()
    const { last_used_at } = await identity.keys.get(id)
    expect(last_used_at).toMatch(/:00:00\.000Z$/)
  })
})

test('lists page by page, the newest first, and by project', async () => {
  const identity = await replica()
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
  const identity = await replica()
  for (const id of ['left', 'right']) {
    await identity.projects.create({ id, name: id }, operator)
    await identity.keys.create({ name: `of ${id}`, project: id }, operator)
  }
  for (const table of ['projects', 'api_keys', 'api_key_secrets']) {
    const { rows } = await database.read({ project: 'left' }, ({ query }) =>
      query<{ project_id: string }>(`SELECT project_id FROM headgate.${table}`),
    )
    expect(new Set(rows.map((row) => row.project_id))).toEqual(new Set(['left']))
  }
})

describe('publishable keys', () => {
  test('work from their origins only, and open CORS for them', async () => {
    const identity = await replica()
    const other = await replica()
    const { id, key, tier } = await identity.keys.create(
      {
        name: 'web',
        kind: 'publishable',
        origins: ['https://App.example.org:443', 'https://*.example.net', 'http://localhost:*'],
      },
      operator,
    )
    expect(tier).toBe('anonymous')
    const caller = await identity.authenticate(key)
    const allowed = (headers: Record<string, string>): boolean => {
      try {
        identity.checkOrigin(caller, headers)
        return true
      } catch (error) {
        expect((error as AppError).code).toBe('origin_not_allowed')
        return false
      }
    }
    expect(allowed({ origin: 'https://app.example.org' })).toBe(true)
    expect(allowed({ referer: 'https://app.example.org/page?x=1' })).toBe(true)
    expect(allowed({ origin: 'http://localhost:5173' })).toBe(true)
    for (const headers of [
      {},
      { origin: 'null', referer: 'https://app.example.org/' },
      { origin: 'https://evil.org', referer: 'https://app.example.org/' },
      { referer: 'not a url' },
    ] as Record<string, string>[])
      expect(allowed(headers)).toBe(false)
    expect(identity.corsAllows('https://deep.er.example.net')).toBe(true)
    expect(identity.corsAllows('https://evil.org')).toBe(false)
    await until(async () => other.corsAllows('https://app.example.org'), 5_000)
    await identity.keys.revoke(id, {}, operator)
    expect(identity.corsAllows('https://app.example.org')).toBe(false)
    await until(async () => !other.corsAllows('https://app.example.org'), 5_000)
  })
})

describe('the operator', () => {
  test('is known by the configured key, in whole', async () => {
    const value = 'a configured admin key of 40 characters!'
    const identity = await replica({ adminKey: { reveal: () => value } })
    expect(identity.authenticateAdmin(value)).toBe('admin')
    const { key } = await identity.keys.create({ name: 'no operator' }, operator)
    const code = async (credential: string | null) => (await failure(() => identity.authenticateAdmin(credential))).code
    expect(await code(null)).toBe('api_key_missing')
    expect(await code(value.slice(0, -1))).toBe('invalid_api_key')
    expect(await code('x'.repeat(100_000))).toBe('invalid_api_key')
    expect(await code(key)).toBe('admin_key_required')
    expect((await failure(() => identity.resetAdminKey(operator))).code).toBe('invalid_parameter')
  })

  test('gets a key on the first start, once for all replicas; a reset replaces it everywhere', async () => {
    const own = await freshDatabase()
    const empty = openDatabase({ connection: { url: own.url }, log: quiet })
    try {
      const one = await replica({ database: empty })
      const two = await replica({ database: empty })
      const made = (await Promise.all([one.ensureFirstStart(), two.ensureFirstStart()])).filter(
        (start) => start.adminKey !== undefined,
      )
      expect(made).toHaveLength(1)
      const { adminKey = '', firstKey } = made[0] ?? {}
      expect(adminKey.length).toBeGreaterThanOrEqual(32)
      expect(await outcome(one, firstKey?.key ?? '')).toBe('ok')
      for (const identity of [one, two]) {
        await identity.refresh()
        expect(identity.authenticateAdmin(adminKey)).toBe('admin')
      }
      expect(await one.ensureFirstStart()).toEqual({})
      const fresh = await one.resetAdminKey(operator)
      expect(one.authenticateAdmin(fresh)).toBe('admin')
      const accepts = (credential: string) => {
        try {
          return two.authenticateAdmin(credential) === 'admin'
        } catch {
          return false
        }
      }
      await until(async () => accepts(fresh) && !accepts(adminKey), 5_000)
    } finally {
      for (const identity of opened.splice(-2)) await identity.stop?.()
      await empty.close()
      await own.drop()
    }
  })
})

test('a change that cannot be audited is not made', async () => {
  const broken = await replica({
    audit: {
      record: async () => {
        throw new Error('the audit is full')
      },
    },
  })
  await expect(broken.keys.create({ name: 'unaudited' }, operator)).rejects.toThrow('the audit is full')
  const { rows } = await database.read('system', ({ query }) =>
    query("SELECT 1 FROM headgate.api_keys WHERE name = 'unaudited'"),
  )
  expect(rows).toEqual([])
})
