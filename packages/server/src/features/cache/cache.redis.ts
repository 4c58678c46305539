import type { Clock } from '../../kernel/clock.ts'
import { connectRedis, redisScript, runScript } from '../../kernel/redis.ts'
import { type CacheStore, HELD_MS, type Place } from './cache.ports.ts'

/** An answer that takes longer is none. */
const TIMEOUT_MS = 2_000
const SCANNED_AT_ONCE = 500

// The first key is of the answer, the second of the turn in which one is made. Both go away by themselves.
const claimScript = redisScript(`
local turn = redis.call('HGET', KEYS[2], 'turn')
if turn and turn ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'turn', ARGV[1], 'key', ARGV[3], 'subject', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`)
const keepScript = redisScript(`
if redis.call('HGET', KEYS[2], 'turn') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'answer', ARGV[5], 'key', ARGV[3], 'subject', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)
const releaseScript = redisScript(`
if redis.call('HGET', KEYS[2], 'turn') == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
`)

interface Options {
  readonly url: string
  readonly clock: Clock
  readonly prefix?: string
}

/** Answers in Redis or Valkey, sealed before they come here. */
export const createRedisCache = ({ url, clock, prefix = 'headgate:cache:' }: Options): CacheStore => {
  const client = connectRedis(url, () => undefined)
  const bounded = <Value>(work: Promise<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(TIMEOUT_MS, () => reject(new Error('Redis did not answer in time')))
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  // One hash slot for both keys of a place.
  const keyOf = ({ project, lookup }: Place): string => `${prefix}${project}:{${lookup}}`
  const run = (script: Parameters<typeof runScript>[1], place: Place, args: string[]): Promise<unknown> =>
    bounded(runScript(client, script, [keyOf(place), `${keyOf(place)}:turn`], args))

  return {
    reach: 'replicas',
    read: async (place) => {
      const found = await bounded(client.hGet(keyOf(place), 'answer'))
      return typeof found === 'string' ? Buffer.from(found, 'base64') : null
    },
    claim: async (place, turn, { keyId, subject }) =>
      (await run(claimScript, place, [turn, String(HELD_MS), keyId, subject])) === 1,
    keep: async (place, turn, { keyId, subject }, answer, keepMs) => {
      await run(keepScript, place, [turn, String(keepMs), keyId, subject, answer.toString('base64')])
    },
    release: async (place, turn) => void (await run(releaseScript, place, [turn])),
    purge: async ({ project, keyId, subject }) => {
      let count = 0
      const pattern = `${prefix}${project === null ? '' : `${project.replace(/[*?[\]\\^]/g, '\\$&')}:`}*`
      for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: SCANNED_AT_ONCE })) {
        for (const key of keys) {
          const [ofKey, ofSubject] = await bounded(client.hmGet(key, ['key', 'subject']))
          if ((keyId !== null && ofKey !== keyId) || (subject !== null && ofSubject !== subject)) continue
          const gone = await bounded(client.unlink(key))
          if (!key.endsWith(':turn')) count += gone
        }
      }
      return count
    },
    forget: async () => false,
    close: async () => client.destroy(),
  }
}
