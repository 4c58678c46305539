import { hkdfSync } from 'node:crypto'
import { connectRedis, redisScript, runScript } from '../../kernel/redis.ts'
import { decrypt, encrypt } from '../../kernel/seal-cipher.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { MirrorAnswer, MirrorPage, StreamEnding, StreamHead, StreamMirror } from './streams.ports.ts'

/** An answer that takes longer is none; what is written twice is there once. */
const TIMEOUT_MS = 2_000
/** Events read at once. */
const PAGE = 512

/*
 * One hash and one list of events, by their numbers, for each stream. Both go away by themselves: while it runs, so long after its
 * owner was last heard of as it would be kept after its end.
 */
const now = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`
const writeScript = redisScript(`${now}
local was = redis.call('HMGET', KEYS[1], 'last', 'ending', 'cancelled', 'watched')
local last = tonumber(was[1] or '0')
if was[2] then return { last, 0, 0, 1 } end
local first, base = tonumber(ARGV[2]), tonumber(ARGV[3])
if first <= last + 1 or first == base then
  for index = 6, #ARGV do
    local number = first + index - 6
    if number > last then
      redis.call('XADD', KEYS[2], number .. '-0', 'e', ARGV[index])
      last = number
    end
  end
end
if base > 1 then redis.call('XTRIM', KEYS[2], 'MINID', base .. '-0') end
redis.call('HSET', KEYS[1], 'head', ARGV[1], 'last', last, 'base', base, 'heard', now, 'keep', ARGV[5])
if ARGV[4] ~= '' and last == first + #ARGV - 6 then redis.call('HSET', KEYS[1], 'ending', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return { last, was[3] and 1 or 0, tonumber(was[4] or '0') > now and 1 or 0, 0 }
`)
const readScript = redisScript(`${now}
local was = redis.call('HMGET', KEYS[1], 'head', 'last', 'base', 'ending', 'heard')
if not was[1] then return false end
if ARGV[2] ~= '0' and not was[4] then redis.call('HSET', KEYS[1], 'watched', now + tonumber(ARGV[2])) end
local events = redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', '+', 'COUNT', ARGV[3])
local found = {}
for index, event in ipairs(events) do found[index] = { string.match(event[1], '^%d+'), event[2][2] } end
return { was[1], was[2], was[3], was[4] or '', tostring(now - tonumber(was[5])), found }
`)
const buryScript = redisScript(`${now}
local was = redis.call('HMGET', KEYS[1], 'last', 'ending', 'heard', 'keep')
if not was[1] or was[2] or was[1] ~= ARGV[2] or now - tonumber(was[3]) <= tonumber(ARGV[1]) then return 0 end
redis.call('XADD', KEYS[2], ARGV[3] .. '-0', 'e', ARGV[4])
redis.call('HSET', KEYS[1], 'last', ARGV[3], 'ending', ARGV[5])
redis.call('PEXPIRE', KEYS[1], was[4])
redis.call('PEXPIRE', KEYS[2], was[4])
return 1
`)
const cancelScript = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'cancelled', '1') end
return 1
`)
const scripts = [writeScript, readScript, buryScript, cancelScript]

interface Options {
  readonly url: string
  readonly clock: Clock
  readonly log: Log
  /** A secret that all replicas share: events are sealed under a key made of it. */
  readonly pepper: Buffer
  readonly prefix?: string
}

/** Streams in Redis or Valkey, sealed: who can read the store cannot read them. */
export const createRedisMirror = ({ url, clock, log, pepper, prefix = 'headgate:stream:' }: Options): StreamMirror => {
  const key = Buffer.from(hkdfSync('sha256', pepper, '', 'headgate/streams/1', 32))
  let isAway = false
  const client = connectRedis(url, () => undefined)
  client.on('ready', () => {
    for (const { text } of scripts) client.scriptLoad(text).catch(() => undefined)
  })

  const bounded = <Value>(work: Promise<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(TIMEOUT_MS, () => reject(new Error('Redis did not answer in time')))
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  const ask = async (script: Parameters<typeof runScript>[1], id: string, args: string[]): Promise<unknown> => {
    try {
      const answer = await bounded(runScript(client, script, [`${prefix}{${id}}`, `${prefix}{${id}}:events`], args))
      isAway = false
      return answer
    } catch (error) {
      if (!isAway)
        log.warn(
          { component: 'streams', error: error as Error },
          'Redis is away: streams can be read on their own replica',
        )
      isAway = true
      throw error
    }
  }
  const seal = (id: string, number: number, event: Buffer): string =>
    encrypt(key, ['stream', id, number], event).toString('base64')
  const open = (id: string, number: number, sealed: string): Buffer =>
    decrypt(key, ['stream', id, number], Buffer.from(sealed, 'base64'))

  return {
    write: async (id, { head, first, frames, base, ending, keepMs }): Promise<MirrorAnswer> => {
      const [last = 0, isCancelled, isWatched, isEnded] = (await ask(writeScript, id, [
        JSON.stringify(head),
        String(first),
        String(base),
        ending === null ? '' : JSON.stringify(ending),
        String(keepMs),
        ...frames.map((event, index) => seal(id, first + index, event)),
      ])) as number[]
      return { last, isCancelled: isCancelled === 1, isWatched: isWatched === 1, isEnded: isEnded === 1 }
    },
    read: async (id, after, watchMs): Promise<MirrorPage | null> => {
      const found = (await ask(readScript, id, [String(after + 1), String(watchMs), String(PAGE)])) as
        | [string, string, string, string, string, [string, string][]]
        | null
      if (found === null) return null
      const [head, last, base, ending, silentMs, events] = found
      return {
        head: JSON.parse(head) as StreamHead,
        frames: events.map(([number, sealed]) => ({
          number: Number(number),
          event: open(id, Number(number), sealed),
        })),
        last: Number(last),
        base: Number(base),
        ending: ending === '' ? null : (JSON.parse(ending) as StreamEnding),
        silentMs: Number(silentMs),
      }
    },
    bury: async (id, { silentMs, last, number, frame, ending }) => {
      const args = [String(silentMs), String(last), String(number), seal(id, number, frame), JSON.stringify(ending)]
      await ask(buryScript, id, args)
    },
    cancel: async (id) => void (await ask(cancelScript, id, [])),
    forget: async (id) => void (await bounded(client.unlink([`${prefix}{${id}}`, `${prefix}{${id}}:events`]))),
    close: async () => client.destroy(),
  }
}
