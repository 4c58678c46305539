import type { Exchange } from '../../domain/exchange.ts'
import type { Hold, Intent } from '../../domain/hold.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import { addWarning } from '../../domain/warning.ts'
import type { Decision } from '../../kernel/counters.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Route } from '../../kernel/route.ts'
import type { AdmissionPorts, Admitted } from './admission.ports.ts'
import { createBrowserLimit } from './browsers.ts'
import { writeLimitHeaders } from './limit-headers.ts'
import { createRateRules, type RateRules } from './rate-rules.ts'
import { refusalOf } from './refusal.ts'
import { createStrangers, type Strangers } from './strangers.ts'
import { quote } from './worst-case.ts'

/** Whether a call may be made now, and what it may cost. */
export interface Admission extends Feature, Strangers {
  /**
   * Counts the request against its limits, then holds its worst case against the budget. Writes the limit headers whatever
   * it decides. A request refused for its money has used its place in the rate: else a spent key could ask without end.
   * @throws AppError `rate_limit_exceeded`, `price_unknown`, or what reserving throws.
   */
  admit(exchange: Exchange, request: InferenceRequest, targets: readonly Target[]): Admitted | Promise<Admitted>
  /** The route, with requests of publishable keys counted; for routes whose handlers do not admit. */
  readonly limitBrowsers: (route: Route) => Route
}

/** Builds admission. The counters it is handed outlive it. */
export const createAdmission = (ports: AdmissionPorts): Admission => {
  const { counters, clock, reserve } = ports
  const rateRules = createRateRules(ports.tiers, ports.perIp, ports.policyKey, ports.log)

  const hold = (
    exchange: Exchange,
    asked: InferenceRequest,
    targets: readonly Target[],
    tierCap: number | null,
  ): Admitted | Promise<Admitted> => {
    const { caller, headers } = exchange
    const at = clock.now()
    const { target, price, worstCase, request, inputTokens, warning } = quote(
      ports,
      asked,
      targets,
      at,
      tierCap,
      caller.budgetId !== null,
    )
    if (warning !== null) addWarning(headers, warning)
    const intent: Intent = {
      id: exchange.id,
      requestId: exchange.requestId,
      projectId: caller.projectId,
      keyId: caller.keyId,
      user: exchange.user ?? request.user,
      operation: request.operation,
      stream: request.stream,
      target: target.name,
      at,
      budgetId: caller.budgetId,
      worstCase,
      inputTokensEstimate: inputTokens,
      rates: price && { input: price.inputPerMillion, output: price.outputPerMillion, perRequest: price.perRequest },
    }
    const held: Hold | Promise<Hold> = reserve(intent)
    return held instanceof Promise ? held.then((opened) => ({ hold: opened, request })) : { hold: held, request }
  }

  const decide = (
    exchange: Exchange,
    request: InferenceRequest,
    targets: readonly Target[],
    limits: RateRules,
    decision: Decision,
  ): Admitted | Promise<Admitted> => {
    writeLimitHeaders(exchange.headers, limits.policies, decision.standings)
    if (!decision.allowed) throw refusalOf(decision, limits)
    return hold(exchange, request, targets, limits.maxOutputTokens)
  }

  return {
    name: 'admission',
    limitBrowsers: createBrowserLimit(counters, rateRules),
    ...createStrangers(counters, clock, rateRules.ofAddress),
    admit: (exchange, request, targets) => {
      const limits = rateRules.of(exchange)
      const decision = counters.take(limits.rules)
      return decision instanceof Promise
        ? decision.then((taken) => decide(exchange, request, targets, limits, taken))
        : decide(exchange, request, targets, limits, decision)
    },
    health: counters.health,
  }
}
