import type { Clock, Timer } from './clock.ts'
import { type CounterRule, type Counters, type Decision, type Limit, remainingOf } from './counters.ts'
import { createCorrections } from './counters.corrections.ts'
import { createMemoryCounters } from './counters.memory.ts'
import { createHoldings } from './counters.holdings.ts'
import type { Answer, CounterStore } from './counters.shared-store.ts'
import type { Log } from './log.ts'

export interface SharedCountersOptions {
  readonly store: CounterStore
  readonly clock: Clock
  readonly log: Log
  /** Longest wait for a decision of the store. */
  readonly timeoutMs?: number
}

const DECISION_TIMEOUT_MS = 50
/** How often a lost store is tried. */
const TEND_MS = 500
/** How often a healthy store is told that this replica lives, in tends. */
const PRESENCE_EVERY = 10
/** A store silent for so long is opened anew: a peer that vanished without a word is never heard of again. */
const GIVE_UP_MS = 5000
/** A call under way counts so long after its replica was last heard of. */
const LEASE_MS = 45_000
/** How often the leases are renewed, in tends. */
const RENEW_EVERY = 30

const isWindow = ({ algorithm }: Limit): boolean => algorithm === 'sliding_window'

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'unknown'

/**
 * Counts in a store shared by all replicas, one question per decision. While the store is away or slow, decides at once from
 * local counts that hold this replica's share of each limit and start where the shared ones were last seen; a decision that
 * timed out may still be counted when the store wakes and is therefore never repeated. What is known here of a bucket is the
 * least that the store takes as used when it is back or was emptied, so that a lost store forgets little.
 */
export const createSharedCounters = (options: SharedCountersOptions): Counters => {
  const { store, clock, log, timeoutMs = DECISION_TIMEOUT_MS } = options
  const local = createMemoryCounters({ clock })
  const holdings = createHoldings()
  let tending: Timer | null = null
  let opened = false
  let usable = false
  let closed = false
  let replicas = 1
  /** How many the presence before found: an emptied store learns them one by one, so that a fall takes two to be believed. */
  let foundBefore = 1
  let tends = 0
  let heardAt = 0
  let presenceSentAt: number | null = null
  let generation = 0
  let reason = 'connecting'
  /** The store's own time when it was last heard. */
  let heardStoreAt = 0
  /** Since when the store may know less than is known here. */
  let forgotAt = Number.NEGATIVE_INFINITY
  let decidedHere = false

  const noAnswer = (): Error => Object.assign(new Error(`${store.name} did not answer in time`), { code: 'ETIMEDOUT' })

  const trip = (error: unknown): void => {
    reason = reasonOf(error)
    if (!usable || closed) return
    usable = false
    const fields = { component: 'counters', reason, count: replicas } as const
    log.warn(fields, `${store.name} is away: limits are counted in this process`)
  }

  const corrections = createCorrections({ store, clock, isUsable: () => usable, onLost: trip })

  const open = (): void => {
    const mine = ++generation
    heardAt = clock.monotonic()
    presenceSentAt = null
    store.open(
      () => {
        if (mine === generation) sendPresence()
      },
      (error) => {
        if (mine === generation) trip(error)
      },
    )
  }

  const resume = (): void => {
    if (usable || closed) return
    usable = true
    if (decidedHere) forgotAt = clock.monotonic()
    decidedHere = false
    corrections.resume()
    log.info({ component: 'counters', count: replicas }, `${store.name} answers: limits are counted there`)
  }

  /** The store is told what calls took here before it is asked again: else it would give their places away once more. */
  const recover = (): void => {
    if (usable || closed) return
    const untold = holdings.untold()
    if (untold.length === 0) {
      resume()
      return
    }
    const mine = generation
    const taken = { at: clock.monotonic(), store: null }
    store.renew(untold, LEASE_MS).then(
      () => {
        if (mine !== generation) return
        holdings.told(untold)
        for (const ended of untold) if (!holdings.has(ended)) corrections.add({ ...ended, change: -1, taken })
        resume()
        // Those that were taken here meanwhile.
        renew()
      },
      (error: unknown) => {
        reason = reasonOf(error)
      },
    )
  }

  /** Also the probe of an open breaker: nothing is lost when it runs late or twice. */
  const sendPresence = (): void => {
    if (presenceSentAt !== null) return
    const mine = generation
    const sentAt = clock.monotonic()
    presenceSentAt = sentAt
    store.present().then(
      (count) => {
        if (mine !== generation) return
        presenceSentAt = null
        heardAt = clock.monotonic()
        replicas = Math.max(1, count, foundBefore)
        foundBefore = count
        if (heardAt - sentAt <= timeoutMs) recover()
      },
      (error: unknown) => {
        if (mine !== generation) return
        presenceSentAt = null
        trip(error)
      },
    )
  }

  const renew = (): void => {
    const all = holdings.all()
    if (all.length > 0) store.renew(all, LEASE_MS).then(() => holdings.told(all), trip)
  }

  const tend = (): void => {
    tends += 1
    corrections.tidy()
    const silentMs = clock.monotonic() - (presenceSentAt ?? Number.POSITIVE_INFINITY)
    if (usable && silentMs >= TEND_MS) trip(noAnswer())
    if (store.isReady()) {
      if (!usable || tends % PRESENCE_EVERY === 0) sendPresence()
      if (usable && tends % RENEW_EVERY === 0) renew()
    }
    if (!usable && clock.monotonic() - heardAt >= GIVE_UP_MS) open()
  }

  const read = (
    rules: readonly CounterRule[],
    { allowed, found, at }: Answer,
    sentAt: number,
    holder: string,
  ): Decision => {
    const taken = { at: sentAt, store: at }
    const standings = found.map(({ used, resetMs, retryAfterMs, givenMs }, index) => {
      const { key, limit, cost } = rules[index] as CounterRule
      const isTaken = allowed && retryAfterMs === 0
      // What this replica took counts here too, and at its time: what is decided here later must know of it.
      if (
        limit.algorithm === 'concurrency'
          ? isTaken && holdings.hold({ key, limit, holder }, true)
          : isWindow(limit) && isTaken
      )
        local.correct([{ key, limit, change: cost, taken }], holder)
      // Noted from when the question left: any later, and it would say more than the store knows.
      if (isWindow(limit)) local.note(key, limit, sentAt, used / replicas)
      else if (limit.algorithm === 'token_bucket') local.note(key, limit, sentAt, used)
      return { remaining: remainingOf(limit, used), resetMs, retryAfterMs, givenMs }
    })
    return { allowed, standings, taken }
  }

  const decideHere = (rules: readonly CounterRule[], holder: string): Decision => {
    const decision = local.take(rules, holder, replicas)
    decidedHere = true
    if (!decision.allowed) return decision
    corrections.owe(rules, decision)
    rules.forEach(({ key, limit }, index) => {
      if (limit.algorithm === 'concurrency' && decision.standings[index]?.retryAfterMs === 0)
        holdings.hold({ key, limit, holder }, false)
    })
    return decision
  }

  /**
   * Gives back what the store gave too late: the call was decided here. A window would else count it twice, and a place that
   * no call holds would stand until its lease ends. A bucket takes what is known here for the least in use, so not twice.
   */
  const giveBackLate = (
    rules: readonly CounterRule[],
    { allowed, found, at }: Answer,
    sentAt: number,
    holder: string,
  ): void => {
    if (!allowed) return
    rules.forEach(({ key, limit, cost }, index) => {
      if (limit.algorithm === 'token_bucket' || found[index]?.retryAfterMs !== 0) return
      if (limit.algorithm === 'concurrency' && holdings.has({ key, limit, holder })) return
      corrections.add({ key, limit, change: -cost, taken: { at: sentAt, store: at }, holder })
    })
  }

  /** Asks the store. While it may know less of a bucket of the question than is known here, it is told that. */
  const question = (rules: readonly CounterRule[], holder: string, sentAt: number): Promise<Answer> => {
    let mayHaveForgotten = false
    const asked = rules.map((rule) => {
      if (rule.limit.algorithm !== 'token_bucket') return { ...rule, least: 0 }
      if (sentAt - forgotAt < rule.limit.windowMs) mayHaveForgotten = true
      return { ...rule, least: local.used(rule.key, rule.limit, sentAt) }
    })
    return store.take({ rules: asked, holder, leaseMs: LEASE_MS, heardAt: mayHaveForgotten ? 0 : heardStoreAt })
  }

  const ask = (rules: readonly CounterRule[], holder: string): Promise<Decision> => {
    const sentAt = clock.monotonic()
    const asked = question(rules, holder, sentAt)
    return new Promise((resolve) => {
      let settled = false
      const giveUp = (error: unknown): void => {
        if (settled) return
        settled = true
        timer.cancel()
        trip(error)
        resolve(decideHere(rules, holder))
      }
      const timer = clock.after(timeoutMs, () => {
        // After a stall of this process the answer may lie unread in the socket: it is read before this runs.
        setImmediate(giveUp, noAnswer())
      })
      asked.then((answer) => {
        if (answer.isEmptied) forgotAt = clock.monotonic()
        heardStoreAt = answer.at
        if (settled) {
          giveBackLate(rules, answer, sentAt, holder)
          return
        }
        settled = true
        timer.cancel()
        resolve(read(rules, answer, sentAt, holder))
      }, giveUp)
    })
  }

  return {
    take: (rules, holder = '') => (usable ? ask(rules, holder) : decideHere(rules, holder)),
    correct: (given, holder) => {
      for (const correction of given) {
        const { key, limit, change } = correction
        if (isWindow(limit)) {
          local.correct([correction], holder)
        } else if (limit.algorithm === 'token_bucket') {
          // How much of what the store gave can be given back is known there alone: here it could take from what was taken here.
          if (change > 0 || correction.taken.store === null) local.correct([correction], holder)
        } else {
          local.correct([correction], holder)
          if (!holdings.release(holder, key)) continue
        }
        corrections.add({ ...correction, holder })
      }
    },
    start: () => {
      if (opened || closed) return
      opened = true
      const until = `Limits are counted in ${store.name} as soon as it answers, in this process until then`
      log.info({ component: 'counters' }, until)
      open()
      tending = clock.every(TEND_MS, tend)
    },
    close: async () => {
      closed = true
      usable = false
      generation += 1
      tending?.cancel()
      if (!opened) return
      await Promise.race([store.close(), new Promise<void>((resolve) => void clock.after(timeoutMs, resolve))])
    },
    health: () =>
      usable
        ? { state: 'ok', detail: `counted in ${store.name}` }
        : { state: 'degraded', detail: `counted in this process: ${store.name} is away (${reason})` },
  }
}
