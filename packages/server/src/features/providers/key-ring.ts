import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { type Provider, ProviderFault } from './provider.ts'

/** How one key of a provider stands in this process. */
export interface KeyStanding {
  /** `resting`: it was asked for too much (429). `refused`: the provider does not take it, or no money is left. */
  readonly state: 'ready' | 'resting' | 'refused'
  /** When it is tried again, in milliseconds since the epoch; null while it is ready. */
  readonly until: number | null
}

/** One provider called with several keys. */
export interface KeyRing extends Provider {
  /** In the order in which the keys were given. */
  standings(): readonly KeyStanding[]
  /** The places of those that answered since the last call. */
  takeUsed(): readonly number[]
}

/** Rest after a 429 that names no time. */
const USUAL_REST_MS = 30_000
/** Longest rest, and the rest of a key that is not taken: it may be mended where it was issued. */
const LONGEST_REST_MS = 600_000

interface Key {
  readonly provider: Provider
  state: KeyStanding['state']
  until: number
  isUsed: boolean
}

/** How long a fault lays a key aside; null where the key is not to blame. */
const restOf = ({ code, upstreamRetryAfterMs }: ProviderFault): { state: KeyStanding['state']; ms: number } | null => {
  switch (code) {
    case 'upstream_rate_limited':
      return { state: 'resting', ms: Math.min(LONGEST_REST_MS, upstreamRetryAfterMs ?? USUAL_REST_MS) }
    case 'provider_auth_failed':
    case 'provider_quota_exhausted':
      return { state: 'refused', ms: LONGEST_REST_MS }
    default:
      return null
  }
}

/**
 * A provider behind several keys, each with a connection pool of its own. One key is used until it is asked for too much or refused, so that
 * what the provider caches by account is found again; then the next that is ready, in the same try: nothing was generated, so nothing is paid
 * twice. While none is ready, the one that will be first is asked.
 */
export const createKeyRing = (
  { name, kind, speaksMessages }: Pick<Provider, 'name' | 'kind' | 'speaksMessages'>,
  providers: readonly Provider[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): KeyRing => {
  const keys = providers.map((provider): Key => ({ provider, state: 'ready', until: 0, isUsed: false }))
  let current = 0

  const isReady = (key: Key): boolean => key.until <= clock.now()
  /** The keys from the current one on, in their ring. */
  const inTurn = (): Key[] => [...keys.slice(current), ...keys.slice(0, current)]
  const soonest = (): Key => keys.reduce((first, key) => (key.until < first.until ? key : first))

  const lay = (key: Key, fault: ProviderFault, { state, ms }: { state: KeyStanding['state']; ms: number }): void => {
    const was = key.state
    key.state = state
    key.until = clock.now() + ms
    const at = `key ${keys.indexOf(key) + 1} of ${keys.length}`
    const fields = { component: 'providers', provider: name, reason: at, code: fault.code, duration_ms: ms } as const
    if (state === 'resting') log.info(fields, 'A key of a provider rests: it was asked for too much')
    // Once: the provider will not take it until somebody acts.
    else if (was !== 'refused') log.error(fields, 'A provider does not take one of its keys: replace it')
  }

  const turn = async <T>(isGone: () => boolean, ask: (provider: Provider) => Promise<T>): Promise<T> => {
    const tried = new Set<Key>()
    for (;;) {
      const fresh = inTurn().find((key) => !tried.has(key) && isReady(key))
      const key = fresh ?? soonest()
      tried.add(key)
      try {
        const answer = await ask(key.provider)
        key.state = 'ready'
        key.until = 0
        key.isUsed = true
        current = keys.indexOf(key)
        return answer
      } catch (fault) {
        const rest = fault instanceof ProviderFault ? restOf(fault) : null
        if (!(fault instanceof ProviderFault) || rest === null) throw fault
        lay(key, fault, rest)
        if (!isGone() && keys.some((other) => !tried.has(other) && isReady(other))) continue
        if (fault.code !== 'upstream_rate_limited') throw fault
        const { options, upstreamStatus, retry } = fault
        const wait = Math.max(0, soonest().until - clock.now())
        throw new ProviderFault(fault.code, { ...options, upstreamStatus, retry, upstreamRetryAfterMs: wait })
      }
    }
  }

  return {
    name,
    kind,
    ...(speaksMessages && { speaksMessages }),
    call: (call) =>
      turn(
        () => call.signal.aborted,
        (provider) => provider.call(call),
      ),
    listModels: (signal) =>
      turn(
        () => signal.aborted,
        (provider) => provider.listModels(signal),
      ),
    relieve: () => providers.forEach((provider) => provider.relieve?.()),
    retire: async () => {
      await Promise.all(providers.map((provider) => provider.retire()))
    },
    close: async () => {
      await Promise.all(providers.map((provider) => provider.close()))
    },
    standings: () =>
      keys.map((key) => (isReady(key) ? { state: 'ready', until: null } : { state: key.state, until: key.until })),
    takeUsed: () => {
      const used = keys.flatMap(({ isUsed }, index) => (isUsed ? [index] : []))
      for (const key of keys) key.isUsed = false
      return used
    },
  }
}
