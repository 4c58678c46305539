import type { Clock } from '../../kernel/clock.ts'
import type { Counters, Decision, Standing } from '../../kernel/counters.ts'
import { writeLimitHeaders } from './limit-headers.ts'
import type { RateRules } from './rate-rules.ts'
import { refusalOf } from './refusal.ts'

/** Addresses whose refusal is remembered. */
const MOST_REFUSED = 10_000

/** Requests that name no key, or none that is valid, are counted against their address and nobody else. */
export interface Strangers {
  /**
   * Takes one request of the address's limit; the limit headers are written when it is refused.
   * @throws AppError `rate_limit_exceeded`.
   */
  stranger(address: string, headers: Record<string, string>): void | Promise<void>
  /**
   * Refuses a key that only PostgreSQL can judge, while the address has nothing left; takes nothing, because the key may
   * be good. @throws AppError `rate_limit_exceeded`.
   */
  mayAsk(address: string, headers: Record<string, string>): void
}

interface Refused {
  readonly standing: Standing
  /** Monotonic. */
  readonly at: number
}

export const createStrangers = (
  counters: Counters,
  clock: Clock,
  rulesOfAddress: (address: string) => RateRules,
): Strangers => {
  const refused = new Map<string, Refused>()

  const refuse = (limits: RateRules, decision: Pick<Decision, 'standings'>, headers: Record<string, string>): never => {
    writeLimitHeaders(headers, limits.policies, decision.standings)
    throw refusalOf(decision, limits)
  }

  const remember = (key: string, standing: Standing): void => {
    refused.delete(key)
    if (refused.size >= MOST_REFUSED) refused.delete(refused.keys().next().value as string)
    refused.set(key, { standing, at: clock.monotonic() })
  }

  const decide = (limits: RateRules, decision: Decision, headers: Record<string, string>): void => {
    const [rule] = limits.rules
    const [standing] = decision.standings
    if (rule === undefined || standing === undefined) return
    if (decision.allowed) {
      refused.delete(rule.key)
      return
    }
    remember(rule.key, standing)
    refuse(limits, decision, headers)
  }

  return {
    stranger: (address, headers) => {
      const limits = rulesOfAddress(address)
      const decision = counters.take(limits.rules)
      return decision instanceof Promise
        ? decision.then((taken) => decide(limits, taken, headers))
        : decide(limits, decision, headers)
    },
    mayAsk: (address, headers) => {
      if (refused.size === 0) return
      const limits = rulesOfAddress(address)
      const key = limits.rules[0]?.key ?? ''
      const known = refused.get(key)
      if (known === undefined) return
      const elapsed = clock.monotonic() - known.at
      const retryAfterMs = known.standing.retryAfterMs - elapsed
      if (retryAfterMs <= 0) {
        refused.delete(key)
        return
      }
      const standing = { remaining: 0, resetMs: known.standing.resetMs - elapsed, retryAfterMs }
      refuse(limits, { standings: [standing] }, headers)
    },
  }
}
