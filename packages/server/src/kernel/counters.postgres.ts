import { randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Counters, Limit } from './counters.ts'
import { createSharedCounters } from './counters.shared.ts'
import { type Answer, algorithmLetter, type CounterStore, type Found } from './counters.shared-store.ts'
import type { Database } from './db.ts'
import type { Log } from './log.ts'

export interface PostgresCountersOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Longest wait for a decision of PostgreSQL. */
  readonly timeoutMs?: number
}

const MICROSECONDS = 1000
/** Questions and corrections sent at once. */
const BATCH = 200
const DECIDE = 'SELECT headgate.decide_limits($1::jsonb) AS answers'
const PRESENT = 'SELECT headgate.present_replica($1) AS count'
const RENEW = 'SELECT headgate.renew_holdings($1::jsonb, $2)'
const LEAVE = 'SELECT headgate.leave_replica($1)'

/** The answer to one decision: allowed; used, reset and retry of each rule; the time of PostgreSQL; what was given back of each. Corrections are not answered. */
type Numbers = readonly number[]

interface Waiting {
  readonly item: object
  readonly isAnswered: boolean
  resolve(answer: Numbers): void
  reject(error: unknown): void
}

const keyOf = (key: string, { algorithm }: Limit): string => `${algorithmLetter[algorithm]}:${key}`

const describe = (key: string, limit: Limit, leaseMs: number): object => ({
  k: keyOf(key, limit),
  a: algorithmLetter[limit.algorithm],
  q: limit.quota,
  w: (limit.algorithm === 'concurrency' ? leaseMs : limit.windowMs) * MICROSECONDS,
})

/**
 * The store that PostgreSQL is. What is asked while a question is under way goes together in the next, so that a process has
 * one statement under way and a hot key is locked once per batch.
 */
const createPostgresStore = (database: Database): CounterStore => {
  const replica = randomUUID()
  let queue: Waiting[] = []
  let underWay = false

  const drain = async (): Promise<void> => {
    if (underWay) return
    underWay = true
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH)
      queue = queue.slice(BATCH)
      try {
        const items = JSON.stringify(batch.map(({ item }) => item))
        const { rows } = await database.statement<{ answers: Numbers[] }>(DECIDE, [items])
        const answers = rows[0]?.answers ?? []
        let next = 0
        for (const { isAnswered, resolve } of batch) resolve(isAnswered ? (answers[next++] ?? []) : [])
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    underWay = false
  }

  const send = (item: object, isAnswered: boolean): Promise<Numbers> =>
    new Promise((resolve, reject) => {
      queue.push({ item, isAnswered, resolve, reject })
      void drain()
    })

  return {
    name: 'PostgreSQL',
    open: (onReady) => onReady(),
    isReady: () => true,
    take: async ({ rules, holder, leaseMs, heardAt }): Promise<Answer> => {
      const r = rules.map(({ key, limit, cost, shadow, least }) => ({
        ...describe(key, limit, leaseMs),
        c: cost,
        s: shadow === true,
        l: least,
      }))
      const answer = await send({ h: holder, s: heardAt, r }, true)
      const after = 1 + rules.length * 3
      const found = rules.map((_rule, index): Found => {
        const [used, resetUs, retryUs] = answer.slice(1 + index * 3, 4 + index * 3) as [number, number, number]
        return {
          used,
          resetMs: resetUs / MICROSECONDS,
          retryAfterMs: retryUs < 0 ? Number.POSITIVE_INFINITY : retryUs / MICROSECONDS,
          givenMs: (answer[after + 1 + index] ?? 0) / MICROSECONDS,
        }
      })
      // Only a crash empties it, which is not missed.
      return { allowed: answer[0] === 1, found, at: answer[after] ?? 0, isEmptied: false }
    },
    correct: async (corrections) => {
      await Promise.all(
        corrections.map(({ key, limit, change, taken, bucket, ageMs, holder }) => {
          const when = { g: ageMs * MICROSECONDS, t: taken.store }
          const stood = bucket && { f: bucket.fullInMs * MICROSECONDS, v: bucket.givenMs * MICROSECONDS }
          return send({ ...describe(key, limit, 1), d: change, h: holder, ...when, ...stood }, false)
        }),
      )
    },
    renew: async (holdings, leaseMs) => {
      const mine = holdings.map(({ key, limit, holder }) => ({ k: keyOf(key, limit), h: holder }))
      await database.statement(RENEW, [JSON.stringify(mine), leaseMs / 1000])
    },
    present: async () => (await database.statement<{ count: number }>(PRESENT, [replica])).rows[0]?.count ?? 1,
    close: async () => {
      await database.statement(LEAVE, [replica]).catch(() => undefined)
    },
  }
}

/** Counts in PostgreSQL, shared by all replicas: for a few processes that have no Redis. */
export const createPostgresCounters = ({ database, ...options }: PostgresCountersOptions): Counters =>
  createSharedCounters({ ...options, store: createPostgresStore(database) })
