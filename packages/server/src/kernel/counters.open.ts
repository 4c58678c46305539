import type { Clock } from './clock.ts'
import type { Counters } from './counters.ts'
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
  readonly clock: Clock
  readonly log: Log
}

/**
 * The counters that the configuration asks for. The Redis client is loaded only where it is used.
 * @throws Error when Redis is asked for without a URL.
 */
export const createCounters = async (options: CountersOptions): Promise<Counters> => {
  const { redisUrl, database, databaseIsShared, clock, log } = options
  const automatic = redisUrl !== undefined ? 'redis' : databaseIsShared ? 'postgres' : 'memory'
  const kind = options.kind === 'auto' ? automatic : options.kind
  if (kind === 'memory') {
    if (databaseIsShared)
      log.warn(
        { component: 'counters' },
        'Limits are counted in this process alone: with a second replica on this database each would allow them in full',
      )
    return createMemoryCounters({ clock })
  }
  if (kind === 'postgres') return createPostgresCounters({ database, clock, log })
  if (redisUrl === undefined) throw new Error('counters: redis needs redis_url')
  const { createRedisCounters } = await import('./counters.redis.ts')
  return createRedisCounters({ url: redisUrl, clock, log })
}
