import { createHash } from 'node:crypto'
import { TOKEN_SLACK } from './counters.ts'

/** A Lua script and the digest by which Redis remembers it. */
export interface RedisScript {
  readonly text: string
  readonly digest: string
}

const scriptOf = (text: string): RedisScript => ({ text, digest: createHash('sha1').update(text).digest('hex') })

/**
 * Decides all rules at once on the clock of Redis. Per key: microseconds of one token, of the whole bucket, and the least
 * that it must be taken to lack; each value is the microsecond of the epoch at which the bucket is full. Answers 1 or 0,
 * then what each bucket lacks. A clock of Redis that is set back can shut a bucket no longer than it takes to fill.
 */
export const takeScript = scriptOf(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local reply = { 1 }
for index, key in ipairs(KEYS) do
  local interval, capacity, least = tonumber(ARGV[index * 3 - 2]), tonumber(ARGV[index * 3 - 1]), tonumber(ARGV[index * 3])
  local need = math.min(capacity, math.max(0, least, tonumber(redis.call('GET', key) or 0) - now))
  reply[index + 1] = need
  if need + interval > capacity + interval * ${TOKEN_SLACK} then reply[1] = 0 end
end
for index, key in ipairs(KEYS) do
  if reply[1] == 1 then
    local need = reply[index + 1] + ARGV[index * 3 - 2]
    reply[index + 1] = need
    redis.call('SET', key, string.format('%.3f', now + need), 'PX', math.ceil(need / 1000) + 1000)
  end
  reply[index + 1] = math.floor(reply[index + 1])
end
return reply
`)

/** Notes that the replica ARGV[1] lives, forgets those silent for ARGV[2] seconds, and answers how many there are. */
export const presenceScript = scriptOf(`
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2] * 2)
return redis.call('ZCARD', KEYS[1])
`)
