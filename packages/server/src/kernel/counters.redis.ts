import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import type { Clock, Timer } from './clock.ts'
import { type Counters, type CounterRule, type Decision, hasToken, standingOf } from './counters.ts'
import { createMemoryCounters } from './counters.memory.ts'
import { presenceScript, type RedisScript, takeScript } from './counters.redis-script.ts'
import type { Log } from './log.ts'

export interface RedisCountersOptions {
  readonly url: string
  readonly clock: Clock
  readonly log: Log
  /** Before every key; one hash tag keeps the rules of a decision on one node. */
  readonly prefix?: string
  /** Longest wait for a decision of Redis. */
  readonly timeoutMs?: number
}

const DECISION_TIMEOUT_MS = 50
const CONNECT_TIMEOUT_MS = 2000
const LONGEST_RECONNECT_PAUSE_MS = 1000
/** How often a lost Redis is tried. */
const TEND_MS = 500
/** How often a healthy Redis is told that this replica lives, in tends. */
const PRESENCE_EVERY = 10
const PRESENCE_SECONDS = 15
/** A connection silent for so long is given up: a peer that vanished without a word is never heard of again. */
const GIVE_UP_MS = 5000
const MICROSECONDS = 1000

const connect = (url: string, onError: (error: Error) => void) => {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // Its own timeout ends only what was not sent yet; here every wait has a timer.
    commandOptions: { timeout: 0 },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) =>
        Math.min(LONGEST_RECONNECT_PAUSE_MS, 50 * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2),
    },
  })
  client.on('error', onError)
  client.connect().catch(onError)
  return client
}

type Client = ReturnType<typeof connect>

/** A script is sent by its digest; a Redis that lost it has not run it, so sending it whole is no repetition. */
const run = async (client: Client, { digest, text }: RedisScript, keys: string[], args: string[]): Promise<unknown> => {
  try {
    return await client.evalSha(digest, { keys, arguments: args })
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(text, { keys, arguments: args })
  }
}

const noAnswer = (): Error => Object.assign(new Error('Redis did not answer in time'), { code: 'ETIMEDOUT' })

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'unknown'

/**
 * Counts in Redis or Valkey, one script per decision, shared by all replicas. While Redis is away or slow, decides at once
 * from local buckets that hold this replica's share of each limit and start where the shared ones were last seen; a
 * decision that timed out may still be counted when Redis wakes and is therefore never repeated. What was decided locally
 * is the least that Redis takes as used when it is back, so that a lost Redis forgets little.
 */
export const createRedisCounters = (options: RedisCountersOptions): Counters => {
  const { url, clock, log, prefix = 'headgate:{limits}:', timeoutMs = DECISION_TIMEOUT_MS } = options
  const local = createMemoryCounters({ clock })
  const replica = randomUUID()
  let client: Client | null = null
  let tending: Timer | null = null
  let usable = false
  let closed = false
  let replicas = 1
  let tends = 0
  let heardAt = 0
  let presenceSentAt: number | null = null
  let reason = 'connecting'

  const trip = (error: unknown): void => {
    reason = reasonOf(error)
    if (!usable || closed) return
    usable = false
    log.warn({ component: 'counters', reason, count: replicas }, 'Redis is away: limits are counted in this process')
  }

  const open = (): void => {
    heardAt = clock.monotonic()
    presenceSentAt = null
    const mine = connect(url, (error) => {
      if (mine === client) trip(error)
    })
    client = mine
    mine.on('ready', () => {
      if (mine === client) sendPresence(mine)
    })
  }

  const recover = (): void => {
    if (usable || closed) return
    usable = true
    log.info({ component: 'counters', count: replicas }, 'Redis answers: limits are counted there')
  }

  /** Also the probe of an open breaker: nothing is lost when it runs late or twice. */
  const sendPresence = (through: Client): void => {
    if (presenceSentAt !== null) return
    const sentAt = clock.monotonic()
    presenceSentAt = sentAt
    run(through, presenceScript, [`${prefix}replicas`], [replica, String(PRESENCE_SECONDS)]).then(
      (count) => {
        if (through !== client) return
        presenceSentAt = null
        heardAt = clock.monotonic()
        replicas = Math.max(1, Number(count))
        if (heardAt - sentAt <= timeoutMs) recover()
      },
      (error: unknown) => {
        if (through !== client) return
        presenceSentAt = null
        trip(error)
      },
    )
  }

  const tend = (): void => {
    tends += 1
    const silentMs = clock.monotonic() - (presenceSentAt ?? Number.POSITIVE_INFINITY)
    if (usable && silentMs >= TEND_MS) trip(noAnswer())
    if (client?.isReady && (!usable || tends % PRESENCE_EVERY === 0)) sendPresence(client)
    if (!usable && clock.monotonic() - heardAt >= GIVE_UP_MS) {
      client?.destroy()
      open()
    }
  }

  const readReply = (rules: readonly CounterRule[], reply: readonly number[], sentAt: number): Decision => {
    const allowed = reply[0] === 1
    const standings = rules.map(({ key, bucket }, index) => {
      const need = (reply[index + 1] as number) / MICROSECONDS
      // Noted from when the question left: any later, and it would say more than Redis knows.
      local.note(key, sentAt, need)
      return standingOf(bucket, need, !allowed && !hasToken(bucket, need))
    })
    return { allowed, standings }
  }

  const ask = (through: Client, rules: readonly CounterRule[]): Promise<Decision> => {
    const sentAt = clock.monotonic()
    const args: string[] = []
    for (const { key, bucket } of rules) {
      const parts = [bucket.intervalMs, bucket.capacityMs, local.fullIn(key, sentAt)]
      for (const part of parts) args.push(String(part * MICROSECONDS))
    }
    const asked = run(
      through,
      takeScript,
      rules.map(({ key }) => prefix + key),
      args,
    )
    return new Promise((resolve) => {
      let settled = false
      const decideHere = (error: unknown): void => {
        if (settled) return
        settled = true
        timer.cancel()
        trip(error)
        resolve(local.take(rules, replicas))
      }
      const timer = clock.after(timeoutMs, () => {
        // After a stall of this process the answer may lie unread in the socket: it is read before this runs.
        setImmediate(decideHere, noAnswer())
      })
      asked.then((reply) => {
        if (settled) return
        settled = true
        timer.cancel()
        resolve(readReply(rules, reply as number[], sentAt))
      }, decideHere)
    })
  }

  return {
    take: (rules) => (usable && client !== null ? ask(client, rules) : local.take(rules, replicas)),
    start: () => {
      if (client !== null || closed) return
      log.info(
        { component: 'counters' },
        'Limits are counted in Redis as soon as it answers, in this process until then',
      )
      open()
      tending = clock.every(TEND_MS, tend)
    },
    close: async () => {
      closed = true
      usable = false
      tending?.cancel()
      const leaving = client
      client = null
      if (leaving?.isReady) {
        const left = leaving.zRem(`${prefix}replicas`, replica).catch(() => 0)
        await Promise.race([left, new Promise<void>((resolve) => void clock.after(timeoutMs, resolve))])
      }
      leaving?.destroy()
    },
    health: () =>
      usable
        ? { state: 'ok', detail: 'counted in Redis' }
        : { state: 'degraded', detail: `counted in this process: Redis is away (${reason})` },
  }
}
