import type { Clock } from './clock.ts'
import type { Counters } from './counters.ts'
import { createRemoteCounters, type RemoteCountersOptions } from './counters.door.ts'
import { createMemoryCounters } from './counters.memory.ts'
import { createPostgresCounters } from './counters.postgres.ts'
import type { Database } from './db.ts'
import type { Log } from './log.ts'

export interface CountersOptions {
  /** `auto`: Redis when there is a URL of one, else PostgreSQL when others may share it, else memory. */
  readonly kind: 'auto' | 'memory' | 'postgres' | 'redis'
  readonly redisUrl: string | undefined
  readonly database: Database
  /** The database is not this process's own. */
  readonly databaseIsShared: boolean
  /** How another process of this machine counts for all of them; absent where there is one process. */
  readonly door?: RemoteCountersOptions['count'] | undefined
  readonly clock: Clock
  readonly log: Log
}

/** Where limits are counted. */
export const countersKind = (
  configured: CountersOptions['kind'],
  hasRedis: boolean,
  databaseIsShared: boolean,
): Exclude<CountersOptions['kind'], 'auto'> => {
  if (configured !== 'auto') return configured
  return hasRedis ? 'redis' : databaseIsShared ? 'postgres' : 'memory'
}

/**
 * The counters that the configuration asks for. The Redis client is loaded only where it is used.
 * @throws Error when Redis is asked for without a URL.
 */
export const createCounters = async (options: CountersOptions): Promise<Counters> => {
  const { redisUrl, database, databaseIsShared, clock, log } = options
  const kind = countersKind(options.kind, redisUrl !== undefined, databaseIsShared)
  if (kind === 'memory') {
    if (databaseIsShared)
      log.warn(
        { component: 'counters' },
        'Limits are counted on this machine alone: with a second replica on this database each would allow them in full',
      )
    return options.door ? createRemoteCounters({ clock, count: options.door }) : createMemoryCounters({ clock })
  }
  if (kind === 'postgres') return createPostgresCounters({ database, clock, log })
  if (redisUrl === undefined) throw new Error('counters: redis needs redis_url')
  const { createRedisCounters } = await import('./counters.redis.ts')
  return createRedisCounters({ url: redisUrl, clock, log })
}
