import type { Config } from '../config/schema.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createCache } from '../features/cache/cache.ts'
import { createMemoryCache } from '../features/cache/cache.memory.ts'
import type { CacheStore } from '../features/cache/cache.ports.ts'
import { createPostgresCache } from '../features/cache/cache.store.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'

interface CachedOptions {
  readonly config: Config
  readonly redisUrl: string | undefined
  readonly database: Database
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly audit: Pick<Audit, 'record'>
}

const openStore = async ({ config, redisUrl, database, clock }: CachedOptions): Promise<CacheStore> => {
  const { store, max_bytes: maxBytes } = config.cache
  if (store === 'postgres') return createPostgresCache(database)
  if (store === 'redis' && redisUrl !== undefined) {
    // The Redis client is loaded only where it is used.
    const { createRedisCache } = await import('../features/cache/cache.redis.ts')
    return createRedisCache({ url: redisUrl, clock })
  }
  return createMemoryCache(clock, maxBytes)
}

/** Builds the cache of answers, over the store that is configured. */
export const createCached = async (options: CachedOptions) => {
  const { config, database, pepper, clock, log, metrics, audit } = options
  return createCache({
    ...{ database, pepper, clock, log },
    store: await openStore(options),
    maxAnswerBytes: config.cache.max_answer_bytes,
    record: audit.record,
    onLookup: (result) => metrics.cached(result).inc(),
  })
}
