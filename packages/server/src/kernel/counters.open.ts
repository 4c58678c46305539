import type { Clock } from './clock.ts'
import type { Counters } from './counters.ts'
import { createMemoryCounters } from './counters.memory.ts'
import { createRedisCounters } from './counters.redis.ts'
import type { Log } from './log.ts'

export interface CountersOptions {
  /** `auto`: Redis when there is a URL of one, else memory. */
  readonly kind: 'auto' | 'memory' | 'redis'
  readonly redisUrl: string | undefined
  readonly clock: Clock
  readonly log: Log
}

/** The counters that the configuration asks for. @throws Error when Redis is asked for without a URL. */
export const createCounters = ({ kind, redisUrl, clock, log }: CountersOptions): Counters => {
  if (kind === 'redis' && redisUrl === undefined) throw new Error('counters: redis needs redis_url')
  return kind === 'memory' || redisUrl === undefined
    ? createMemoryCounters({ clock })
    : createRedisCounters({ url: redisUrl, clock, log })
}
