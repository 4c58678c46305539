import type { Clock } from './clock.ts'
import type { Counters } from './counters.ts'
import { createMemoryCounters } from './counters.memory.ts'
import type { Log } from './log.ts'

export interface CountersOptions {
  /** `auto`: Redis when there is a URL of one, else memory. */
  readonly kind: 'auto' | 'memory' | 'redis'
  readonly redisUrl: string | undefined
  readonly clock: Clock
  readonly log: Log
}

/**
 * The counters that the configuration asks for. The Redis client is loaded only where it is used.
 * @throws Error when Redis is asked for without a URL.
 */
export const createCounters = async ({ kind, redisUrl, clock, log }: CountersOptions): Promise<Counters> => {
  if (kind === 'redis' && redisUrl === undefined) throw new Error('counters: redis needs redis_url')
  if (kind === 'memory' || redisUrl === undefined) return createMemoryCounters({ clock })
  const { createRedisCounters } = await import('./counters.redis.ts')
  return createRedisCounters({ url: redisUrl, clock, log })
}
