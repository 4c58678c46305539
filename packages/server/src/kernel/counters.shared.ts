import type { Clock, Timer } from './clock.ts'
import { type Correction, type CounterRule, type Counters, type Decision, type Limit, remainingOf } from './counters.ts'
import { createMemoryCounters } from './counters.memory.ts'
import { createOwedWindows } from './counters.owed.ts'
import type { Log } from './log.ts'

/** How stores name an algorithm: a bucket is kept as the time at which it is full, a window as its parts. */
export const algorithmLetter = { token_bucket: 'b', sliding_window: 'w', concurrency: 'c' } as const

/** One rule of a question. What a bucket is known here to lack is the least that the store takes for it. */
export interface AskedRule extends CounterRule {
  readonly least: number
}

/** What the store found of one rule. Microseconds would be lost in floats of milliseconds, so these have a fraction. */
export interface Found {
  readonly used: number
  readonly resetMs: number
  /** 0 when it fits, infinite when it never can. */
  readonly retryAfterMs: number
}

/** A correction on its way: whose, and how long ago the units were taken. */
export interface AgedCorrection extends Correction {
  readonly holder: string
  readonly ageMs: number
}

/** A call under way that holds a place of a concurrency limit. */
export interface Holding {
  readonly key: string
  readonly limit: Limit
  readonly holder: string
}

/** A place where all replicas count together. Its methods reject when it is away; they need not bound their time. */
export interface CounterStore {
  /** As logs and health name it. */
  readonly name: string
  /** Connects; `onLost` may be called at any time later. Called again after a long silence. */
  open(onReady: () => void, onLost: (error: unknown) => void): void
  isReady(): boolean
  take(rules: readonly AskedRule[], holder: string, leaseMs: number): Promise<{ allowed: boolean; found: Found[] }>
  correct(corrections: readonly AgedCorrection[]): Promise<void>
  /** Keeps the holdings for `leaseMs` more. */
  renew(holdings: readonly Holding[], leaseMs: number): Promise<void>
  /** Says that this replica lives; resolves to how many do. */
  present(): Promise<number>
  /** Says that it leaves, and lets go of the connection. */
  close(): Promise<void>
}

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

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'unknown'

/**
 * Counts in a store shared by all replicas, one question per decision. While the store is away or slow, decides at once from
 * local counts that hold this replica's share of each limit and start where the shared ones were last seen; a decision that
 * timed out may still be counted when the store wakes and is therefore never repeated. What was decided locally is the least
 * that the store takes as used when it is back, so that a lost store forgets little.
 */
export const createSharedCounters = (options: SharedCountersOptions): Counters => {
  const { store, clock, log, timeoutMs = DECISION_TIMEOUT_MS } = options
  const local = createMemoryCounters({ clock })
  /** What this replica's calls hold in the store, by holder and key. */
  const holdings = new Map<string, Map<string, Holding>>()
  let pending: (Correction & { readonly holder: string })[] = []
  const owed = createOwedWindows(clock)
  let tending: Timer | null = null
  let opened = false
  let usable = false
  let closed = false
  let replicas = 1
  let tends = 0
  let heardAt = 0
  let presenceSentAt: number | null = null
  let generation = 0
  let reason = 'connecting'

  const noAnswer = (): Error => Object.assign(new Error(`${store.name} did not answer in time`), { code: 'ETIMEDOUT' })

  const trip = (error: unknown): void => {
    reason = reasonOf(error)
    if (!usable || closed) return
    usable = false
    const fields = { component: 'counters', reason, count: replicas } as const
    log.warn(fields, `${store.name} is away: limits are counted in this process`)
  }

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

  const recover = (): void => {
    if (usable || closed) return
    usable = true
    for (const correction of owed.takeAll()) pending.push({ ...correction, holder: '' })
    if (pending.length > 0) sendCorrections()
    log.info({ component: 'counters', count: replicas }, `${store.name} answers: limits are counted there`)
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
        replicas = Math.max(1, count)
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
    const all = [...holdings.values()].flatMap((keys) => [...keys.values()])
    if (all.length > 0) store.renew(all, LEASE_MS).catch(trip)
  }

  const tend = (): void => {
    tends += 1
    owed.tidy()
    const silentMs = clock.monotonic() - (presenceSentAt ?? Number.POSITIVE_INFINITY)
    if (usable && silentMs >= TEND_MS) trip(noAnswer())
    if (store.isReady()) {
      if (!usable || tends % PRESENCE_EVERY === 0) sendPresence()
      if (usable && tends % RENEW_EVERY === 0) renew()
    }
    if (!usable && clock.monotonic() - heardAt >= GIVE_UP_MS) open()
  }

  const hold = (key: string, limit: Limit, holder: string): void => {
    const keys = holdings.get(holder) ?? new Map<string, Holding>()
    keys.set(key, { key, limit, holder })
    holdings.set(holder, keys)
  }

  const read = (
    rules: readonly CounterRule[],
    { allowed, found }: { allowed: boolean; found: readonly Found[] },
    sentAt: number,
    holder: string,
  ): Decision => ({
    allowed,
    standings: rules.map(({ key, limit }, index) => {
      const { used, resetMs, retryAfterMs } = found[index] as Found
      // Noted from when the question left: any later, and it would say more than the store knows.
      if (limit.algorithm === 'concurrency') {
        if (allowed && retryAfterMs === 0) hold(key, limit, holder)
      } else local.note(key, limit, sentAt, limit.algorithm === 'sliding_window' ? used / replicas : used)
      return { remaining: remainingOf(limit, used), resetMs, retryAfterMs }
    }),
  })

  const decideHere = (rules: readonly CounterRule[], holder: string): Decision => {
    const decision = local.take(rules, holder, replicas)
    if (decision.allowed) owed.note(rules, decision.standings)
    return decision
  }

  /** Places of concurrency limits that the store gave too late for the call to know of; else they stood until their lease ends. */
  const giveBackPlaces = (
    rules: readonly CounterRule[],
    { allowed, found }: { allowed: boolean; found: readonly Found[] },
    holder: string,
  ): void => {
    if (!allowed) return
    const takenAt = clock.monotonic()
    rules.forEach(({ key, limit, cost }, index) => {
      if (limit.algorithm !== 'concurrency' || found[index]?.retryAfterMs !== 0) return
      if (pending.length === 0) setImmediate(sendCorrections)
      pending.push({ key, limit, change: -cost, takenAt, holder })
    })
  }

  const ask = (rules: readonly CounterRule[], holder: string): Promise<Decision> => {
    const sentAt = clock.monotonic()
    const asked = store.take(
      rules.map((rule) => ({
        ...rule,
        least: rule.limit.algorithm === 'token_bucket' ? local.used(rule.key, rule.limit, sentAt) : 0,
      })),
      holder,
      LEASE_MS,
    )
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
        if (settled) {
          giveBackPlaces(rules, answer, holder)
          return
        }
        settled = true
        timer.cancel()
        resolve(read(rules, answer, sentAt, holder))
      }, giveUp)
    })
  }

  const sendCorrections = (): void => {
    const now = clock.monotonic()
    const batch = pending.map((correction) => ({ ...correction, ageMs: now - correction.takenAt }))
    pending = []
    if (usable) store.correct(batch).catch(trip)
  }

  return {
    take: (rules, holder = '') => (usable ? ask(rules, holder) : decideHere(rules, holder)),
    correct: (corrections, holder) => {
      const held = holdings.get(holder)
      for (const correction of corrections) {
        const { key, limit, change } = correction
        if (limit.algorithm !== 'concurrency') {
          // What is known here would else be taken for the least that is in use.
          const share = limit.algorithm === 'sliding_window' ? change / replicas : change
          local.correct([{ ...correction, change: share }], holder)
        } else if (!held?.delete(key)) {
          // Taken in this process, while the store was away.
          local.correct([correction], holder)
          continue
        }
        if (pending.length === 0) setImmediate(sendCorrections)
        pending.push({ ...correction, holder })
      }
      if (held?.size === 0) holdings.delete(holder)
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
