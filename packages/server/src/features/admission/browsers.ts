import type { Counters } from '../../kernel/counters.ts'
import type { CallerInput, Route } from '../../kernel/route.ts'
import { writeLimitHeaders } from './limit-headers.ts'
import type { RateRulesFinder } from './rate-rules.ts'
import { refusalOf } from './refusal.ts'

/**
 * Makes the decorator of routes that make no call to a provider: requests with a publishable key, which anyone can copy
 * out of a page, and those of persons are counted there as calls are; secret keys are not. The handler throws AppError `rate_limit_exceeded`.
 */
export const createBrowserLimit =
  (counters: Counters, rateRules: RateRulesFinder) =>
  (route: Route): Route => {
    if (route.access !== 'caller' || route.browser === undefined) return route
    return {
      ...route,
      handle: async (input: CallerInput) => {
        const { exchange } = input
        if (exchange.caller.kind !== 'secret') {
          const limits = rateRules.of(exchange)
          const decision = await counters.take(limits.rules)
          writeLimitHeaders(exchange.headers, limits.policies, decision.standings)
          if (!decision.allowed) throw refusalOf(decision, limits)
        }
        return route.handle(input)
      },
    }
  }
