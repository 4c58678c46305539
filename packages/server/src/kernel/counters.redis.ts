import { randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Counters, Limit } from './counters.ts'
import { correctScript, presenceScript, renewScript, takeScript } from './counters.redis-script.ts'
import { createSharedCounters } from './counters.shared.ts'
import { type Answer, algorithmLetter, type CounterStore, type Found } from './counters.shared-store.ts'
import type { Log } from './log.ts'
import { connectRedis, type RedisClient, runScript } from './redis.ts'

export interface RedisCountersOptions {
  readonly url: string
  readonly clock: Clock
  readonly log: Log
  /** Before every key; one hash tag keeps the rules of a decision on one node. */
  readonly prefix?: string
  /** Longest wait for a decision of Redis. */
  readonly timeoutMs?: number
}

const PRESENCE_SECONDS = 15
const MICROSECONDS = 1000
const scripts = [takeScript, correctScript, renewScript, presenceScript]
/** Leases renewed, or corrections made, by one script. */
const BATCH = 500

/** The store that Redis or Valkey is: one script per decision. */
const createRedisStore = (url: string, prefix: string): CounterStore => {
  const replica = randomUUID()
  let client: RedisClient | null = null

  const ask = (...parameters: [Parameters<typeof runScript>[1], string[], string[]]): Promise<unknown> =>
    client === null ? Promise.reject(new Error('Redis is not connected')) : runScript(client, ...parameters)
  const keyOf = (key: string, { algorithm }: Limit): string => `${prefix}${algorithmLetter[algorithm]}:${key}`
  const beganKey = `${prefix}began`
  const argumentsOf = (limit: Limit, leaseMs: number): string[] => [
    algorithmLetter[limit.algorithm],
    String(limit.quota),
    String((limit.algorithm === 'concurrency' ? leaseMs : limit.windowMs) * MICROSECONDS),
  ]

  return {
    name: 'Redis',
    open: (onReady, onLost) => {
      client?.destroy()
      const connected = connectRedis(url, onLost)
      client = connected
      connected.on('ready', () => {
        // Else the first correction would be sent twice, and a decision asked after it would be made before it.
        for (const { text } of scripts) connected.scriptLoad(text).catch(onLost)
        onReady()
      })
    },
    isReady: () => client?.isReady === true,
    take: async ({ rules, holder, leaseMs, heardAt }): Promise<Answer> => {
      const reply = (await ask(
        takeScript,
        [...rules.map(({ key, limit }) => keyOf(key, limit)), beganKey],
        [
          holder,
          String(heardAt),
          ...rules.flatMap(({ limit, cost, shadow, least }) => [
            ...argumentsOf(limit, leaseMs),
            String(cost),
            shadow ? '1' : '0',
            String(least),
          ]),
        ],
      )) as string[]
      const after = 1 + rules.length * 3
      const found = rules.map((_rule, index): Found => {
        const [used, resetUs, retryUs] = reply.slice(1 + index * 3, 4 + index * 3).map(Number) as [
          number,
          number,
          number,
        ]
        return {
          used,
          resetMs: resetUs / MICROSECONDS,
          retryAfterMs: retryUs < 0 ? Number.POSITIVE_INFINITY : retryUs / MICROSECONDS,
          givenMs: Number(reply[after + 2 + index] ?? 0) / MICROSECONDS,
        }
      })
      const [at = 0, began = 0] = reply.slice(after, after + 2).map(Number)
      return { allowed: reply[0] === '1', found, at, isEmptied: heardAt > 0 && began > heardAt }
    },
    correct: async (corrections) => {
      for (let start = 0; start < corrections.length; start += BATCH) {
        const batch = corrections.slice(start, start + BATCH)
        await ask(
          correctScript,
          [...batch.map(({ key, limit }) => keyOf(key, limit)), beganKey],
          batch.flatMap(({ limit, change, taken, bucket, ageMs, holder }) => [
            ...argumentsOf(limit, 0),
            String(change),
            String(ageMs * MICROSECONDS),
            holder,
            taken.store === null ? '' : String(taken.store),
            bucket === undefined ? '' : String(bucket.fullInMs * MICROSECONDS),
            bucket === undefined ? '' : String(bucket.givenMs * MICROSECONDS),
          ]),
        )
      }
    },
    renew: async (holdings, leaseMs) => {
      for (let start = 0; start < holdings.length; start += BATCH) {
        const batch = holdings.slice(start, start + BATCH)
        await ask(
          renewScript,
          batch.map(({ key, limit }) => keyOf(key, limit)),
          [String(leaseMs * MICROSECONDS), ...batch.map(({ holder }) => holder)],
        )
      }
    },
    present: async () => Number(await ask(presenceScript, [`${prefix}replicas`], [replica, String(PRESENCE_SECONDS)])),
    close: async () => {
      if (client?.isReady) await client.zRem(`${prefix}replicas`, replica).catch(() => 0)
      client?.destroy()
      client = null
    },
  }
}

/** Counts in Redis or Valkey, shared by all replicas. */
export const createRedisCounters = ({
  url,
  prefix = 'headgate:{limits}:',
  ...options
}: RedisCountersOptions): Counters => createSharedCounters({ ...options, store: createRedisStore(url, prefix) })
