import { inject } from 'vitest'

/** The run's shared Redis. Use keys with a random prefix; for faults start one with `startRedis` of services.ts. */
export const redisUrl = (): string => inject('redisUrl')
