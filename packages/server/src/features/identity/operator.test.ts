import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/database.ts'
import { openDatabase } from '../../kernel/db.ts'
import type { AppError } from '../../kernel/errors.ts'
import { failure, openReplicas, operator, outcome, quiet, type Replicas, until } from './test/replicas.ts'

let replicas: Replicas

beforeAll(async () => {
  replicas = await openReplicas()
})
afterAll(() => replicas.close())

describe('publishable keys', () => {
  test('work from their origins only, and open CORS for them', async () => {
    const identity = await replicas.add()
    const other = await replicas.add()
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
    const configured = { reveal: () => value }
    const identity = await replicas.add({ adminKey: () => configured })
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
    const one = await replicas.add({ database: empty })
    const two = await replicas.add({ database: empty })
    try {
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
      await one.stop?.()
      await two.stop?.()
      await empty.close()
      await own.drop()
    }
  })
})

test('a change that cannot be audited is not made', async () => {
  const broken = await replicas.add({
    audit: {
      record: async () => {
        throw new Error('the audit is full')
      },
    },
  })
  await expect(broken.keys.create({ name: 'unaudited' }, operator)).rejects.toThrow('the audit is full')
  const { rows } = await replicas.database.read('system', ({ query }) =>
    query("SELECT 1 FROM headgate.api_keys WHERE name = 'unaudited'"),
  )
  expect(rows).toEqual([])
})
