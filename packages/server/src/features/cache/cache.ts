import { createHmac, hkdfSync } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import type { CacheWish } from '../../domain/cached-answer.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { UpstreamAnswer } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { decrypt, encrypt } from '../../kernel/seal-cipher.ts'
import type { CacheResult, Call, Owner, Place, PurgePorts } from './cache.ports.ts'
import { cacheRoutes } from './cache.routes.ts'
import { answerAgain, type Keep, watchAnswer } from './cached-call.ts'
import { isCacheable, placeOf } from './fingerprint.ts'
import { type PackedAnswer, packAnswer, unpackAnswer } from './packed-answer.ts'
import { pause } from './pause.ts'
import { createPurges } from './purges.ts'

export interface CacheOptions extends PurgePorts {
  /** A secret that all replicas share: digests and seals are made under it. */
  readonly pepper: Buffer
  readonly maxAnswerBytes: number
  readonly onLookup: (result: CacheResult) => void
}

/** Gives answers again to the same request. */
export interface Cache extends Feature {
  /** Answers from what is kept, else by `call`, one at a time for the same request. Never fails by itself. */
  readonly recall: (
    call: Call,
    ...given: [readonly Target[], InferenceRequest, Exchange, CacheWish, CancelSignal]
  ) => Promise<UpstreamAnswer>
  /** Forgets answers of a key, a project or a person, here at once and elsewhere within 5 seconds. Tells how many. */
  readonly forget: ReturnType<typeof createPurges>['purge']
}

/** A third of how long a turn is held without a sign. */
const HOLD_MS = 5_000
const FORGET_MS = 600_000
/** A call waits no longer than that for another one's answer. */
const LONGEST_WAIT_MS = 60_000
/** How often an answer that another replica makes is looked for, at first and at most. */
const FIRST_LOOK_MS = 50
const LAST_LOOK_MS = 1_000

type Outcome = 'kept' | 'left' | 'none'
/** An answer that is being made here. */
interface Making {
  readonly place: Place
  readonly turn: string
  readonly owner: Owner
  /** `left`: whoever made it went away, so another may; `none`: there will be none. */
  readonly ended: Promise<Outcome>
}

/** A turn that is held here. */
interface Held {
  readonly turn: string
  readonly end: (outcome: Outcome) => void
}

const idOf = ({ project, lookup }: Place): string => `${project}/${lookup}`

/** Builds the cache over its store. */
export const createCache = (options: CacheOptions): Cache => {
  const { store, clock, log, pepper, maxAnswerBytes, onLookup } = options
  const key = Buffer.from(hkdfSync('sha256', pepper, '', 'headgate/cache/1', 32))
  const isSealed = store.reach === 'replicas'
  const making = new Map<string, Making>()
  /** Turns held for renewals that are on their way. */
  const handed = new Map<string, Held>()
  const timers: { cancel(): void }[] = []
  let isAway = false

  const subjectOf = (user: string): string =>
    createHmac('sha256', pepper).update(`cache/subject\n${user}`).digest('hex')
  const bindingOf = ({ project, lookup }: Place) => ['cache', project, lookup]
  /** Without its store the cache has no answers, and nobody waits for one. */
  const ask = async <Value>(work: () => Promise<Value>, otherwise: Value): Promise<Value> => {
    try {
      const value = await work()
      isAway = false
      return value
    } catch (error) {
      if (!isAway) log.warn({ component: 'cache', error: error as Error }, 'Cached answers cannot be reached')
      isAway = true
      return otherwise
    }
  }
  const read = (place: Place): Promise<PackedAnswer | null> =>
    ask(async () => {
      const found = await store.read(place)
      if (found === null) return null
      return unpackAnswer(isSealed ? decrypt(key, bindingOf(place), found) : found)
    }, null)

  /** Takes the making of an answer; null where somebody else has it. */
  const begin = async (place: Place, owner: Owner): Promise<Held | null> => {
    const id = idOf(place)
    const turn = prefixedId('run', clock.now())
    let end = (_: Outcome): void => {}
    const entry: Making = { place, turn, owner, ended: new Promise((resolve) => (end = resolve)) }
    // Before anything is awaited, so that two calls cannot both be the first.
    making.set(id, entry)
    const over = (outcome: Outcome): void => {
      if (making.get(id) === entry) making.delete(id)
      end(outcome)
    }
    if (await ask(() => store.claim(place, turn, owner), true)) return { turn, end: over }
    over('left')
    return null
  }

  const recall: Cache['recall'] = async (call, targets, request, exchange, wish, signal) => {
    const { headers } = exchange
    const straight = (): Promise<UpstreamAnswer> => call(targets, request, exchange, signal)
    const told = (result: CacheResult): void => {
      headers[header.cache] = result
      onLookup(result)
    }
    const target = targets[0] as Target
    const place = isCacheable(request, wish) ? placeOf(pepper, target, request, exchange, wish) : null
    if (place === null) {
      told('bypass')
      return straight()
    }
    const owner: Owner = {
      keyId: exchange.caller.keyId,
      subject: exchange.user === null ? '' : subjectOf(exchange.user),
    }
    const deadline = clock.monotonic() + LONGEST_WAIT_MS

    const id = idOf(place)
    const release = ({ turn, end }: Held, outcome: Outcome): Promise<void> =>
      ask(() => store.release(place, turn), undefined).then(() => end(outcome))
    /** Makes the answer, in the turn that is held for it. */
    const make = async (held: Held): Promise<UpstreamAnswer> => {
      const { turn, end } = held
      const keep: Keep = (answer) => {
        const packed = packAnswer(answer)
        const bytes = isSealed ? encrypt(key, bindingOf(place), packed) : packed
        const keepMs = wish.maxAgeMs + wish.staleMs
        return ask(() => store.keep(place, turn, owner, bytes, keepMs), undefined).then(() => end('kept'))
      }
      try {
        const answer = await straight()
        // Another target's answer is not this one's.
        if (answer.target.name !== target.name) {
          void release(held, 'none')
          return answer
        }
        return await watchAnswer(answer, {
          now: clock.now,
          maxAnswerBytes,
          signal,
          keep,
          release: (outcome) => release(held, outcome),
        })
      } catch (fault) {
        await release(held, signal.aborted ? 'left' : 'none')
        throw fault
      }
    }

    /** Has the answer made anew, unless somebody does so already. */
    const renew = async (): Promise<void> => {
      const held = making.has(id) ? null : await begin(place, owner)
      if (held === null) return
      handed.set(id, held)
      await wish.renew()
      // It may have been refused before it came here.
      if (handed.delete(id)) await release(held, 'none')
    }

    for (let look = FIRST_LOOK_MS; ; look = Math.min(LAST_LOOK_MS, look * 2)) {
      if (wish.mode === 'on') {
        const found = await read(place)
        const ageMs = found === null ? Number.POSITIVE_INFINITY : Math.max(0, clock.now() - found.head.madeAt)
        if (found !== null && ageMs < wish.maxAgeMs + wish.staleMs) {
          const isFresh = ageMs < wish.maxAgeMs
          headers[header.age] = String(Math.floor(ageMs / 1_000))
          told(isFresh ? 'hit' : 'stale')
          if (!isFresh) void renew()
          return answerAgain(found, target)
        }
      }
      const given = wish.mode === 'renew' ? handed.get(id) : undefined
      if (given !== undefined) handed.delete(id)
      const other = making.get(id)
      const mine = given ?? (other === undefined ? await begin(place, owner) : null)
      if (mine !== null) {
        told('miss')
        return make(mine)
      }
      const left = deadline - clock.monotonic()
      const outcome = left > 0 ? await pause(clock, other === undefined ? look : left, signal, other?.ended) : 'none'
      if (outcome === 'none' || (outcome === 'kept' && wish.mode !== 'on')) {
        told('bypass')
        return straight()
      }
    }
  }

  const purges = createPurges(options, subjectOf)
  const forgetOld = async (): Promise<void> => {
    while (await ask(store.forget, false));
  }

  return {
    name: 'cache',
    recall,
    forget: purges.purge,
    routes: cacheRoutes(purges.purge),
    start: async () => {
      await purges.start()
      timers.push(
        clock.every(HOLD_MS, () => {
          for (const { place, turn, owner } of making.values()) void ask(() => store.claim(place, turn, owner), true)
        }),
        clock.every(FORGET_MS, () => void forgetOld()),
      )
    },
    // Only what this process holds by itself is short of memory.
    relieve: () => {
      if (store.reach === 'process') void store.purge({ project: null, keyId: null, subject: null })
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
      await purges.stop()
      await store.close()
    },
  }
}
