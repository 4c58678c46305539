import { randomUUID } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { freshDatabase } from '../../../test/support/database.ts'
import { redisUrl } from '../../../test/support/redis.ts'
import { systemClock } from '../../kernel/clock.ts'
import { openDatabase } from '../../kernel/db.ts'
import { silentLog } from '../../kernel/log.ts'
import { describeCacheStore } from './cache.conformance.ts'
import { createMemoryCache } from './cache.memory.ts'
import { createRedisCache } from './cache.redis.ts'
import { createPostgresCache } from './cache.store.ts'

describeCacheStore('memory', async () => {
  const store = createMemoryCache(systemClock, 1_000_000)
  return { here: store, there: store, close: store.close }
})

describeCacheStore('Redis', async () => {
  const options = { url: redisUrl(), clock: systemClock, prefix: `${randomUUID()}:` }
  const [here, there] = [createRedisCache(options), createRedisCache(options)]
  const close = async () => void (await Promise.all([here.close(), there.close()]))
  await vi.waitFor(() => Promise.all([here, there].map((one) => one.read({ project: '', lookup: '' }))), 15_000)
  return { here, there, close }
})

describeCacheStore('PostgreSQL', async () => {
  const fresh = await freshDatabase()
  const database = openDatabase({ connection: { url: fresh.url }, log: silentLog, poolSize: 2 })
  const store = createPostgresCache(database)
  return {
    here: store,
    there: createPostgresCache(database),
    close: async () => {
      await database.close()
      await fresh.drop()
    },
  }
})

it('keeps no more bytes in memory than it may, and those used last', async () => {
  const store = createMemoryCache(systemClock, 5_000)
  const owner = { keyId: 'key', subject: '' }
  const keep = async (lookup: string, bytes: number) => {
    await store.claim({ project: 'one', lookup }, 'turn', owner)
    await store.keep({ project: 'one', lookup }, 'turn', owner, Buffer.alloc(bytes), 60_000)
  }
  for (const lookup of ['a', 'b', 'c']) await keep(lookup, 1_000)
  await store.read({ project: 'one', lookup: 'a' })
  await keep('d', 1_000)
  await keep('too large', 5_000)
  const found = await Promise.all(
    ['a', 'b', 'c', 'd', 'too large'].map(async (lookup) => (await store.read({ project: 'one', lookup })) !== null),
  )
  expect(found).toEqual([true, false, true, true, false])
  expect(store.bytes()).toBeLessThanOrEqual(5_000)
})
