import type { Exchange } from '../../domain/exchange.ts'
import { type CallBudget, type Hold, type Intent, isHard } from '../../domain/hold.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Price } from '../../domain/price.ts'
import { addWarning } from '../../domain/warning.ts'
import type { Decision } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Route } from '../../kernel/route.ts'
import type { AdmissionPorts, Admitted } from './admission.ports.ts'
import { createAccess } from './access.ts'
import { admissionRoutes } from './admission.routes.ts'
import { createBrowserLimit } from './browsers.ts'
import { type Charges, followCharges } from './charges.ts'
import { createExplain } from './explain.ts'
import { writeLimitHeaders } from './limit-headers.ts'
import { createLimits } from './limits.ts'
import { type AppliedPolicy, type Costs, createPolicies, noPolicies } from './policies.ts'
import { createRateRules, type RateRules } from './rate-rules.ts'
import { refusalOf } from './refusal.ts'
import { createStrangers, type Strangers } from './strangers.ts'
import { priceUnknown, type Quote, quote } from './worst-case.ts'

/** Whether a call may be made now, and what it may cost. */
export interface Admission extends Feature, Strangers {
  /**
   * Counts the request against its limits, all in one step, then holds its worst case against the budget. Writes the limit
   * headers whatever it decides. A request refused for its money has used its place among the requests: else a spent key
   * could ask without end. @throws AppError `rate_limit_exceeded`, `request_exceeds_limit`, `price_unknown`, or what
   * reserving throws.
   */
  admit(exchange: Exchange, request: InferenceRequest, targets: readonly Target[]): Admitted | Promise<Admitted>
  /** Refuses who may not call at all. @throws AppError `address_denied` or `country_denied`. */
  mayCall(address: string): void
  /** The route, with requests of publishable keys counted; for routes whose handlers do not admit. */
  readonly limitBrowsers: (route: Route) => Route
}

/** What one call is asked for. */
interface Asked {
  readonly limits: RateRules
  /** The policies among the limits; they stand at the end. */
  readonly applied: readonly AppliedPolicy[]
  readonly costs: Costs | null
  /** Why the call cannot be made however its limits stand. */
  readonly quoted: Quote | AppError
  readonly budgets: readonly CallBudget[]
}

/** Output that a limit of tokens takes for a call that names no cap; what it really was is corrected afterwards. */
const OUTPUT_ESTIMATE = 512

/** What a killed call costs. Images and audio are paid for once they are asked for, so their whole worst case is. */
const ratesOf = (price: Price, { request, worstCase }: Quote): Intent['rates'] =>
  request.media === undefined
    ? { input: price.inputPerMillion, output: price.outputPerMillion, perRequest: price.perRequest }
    : { input: 0n, output: 0n, perRequest: worstCase ?? price.perRequest }

/** Builds admission. The counters it is handed outlive it. */
export const createAdmission = (ports: AdmissionPorts): Admission => {
  const { counters, clock, reserve } = ports
  const rateRules = createRateRules(ports.tiers, ports.perIp, ports.policyKey, ports.log)
  const policies = createPolicies(ports.countryOf)
  const access = createAccess(ports.countryOf)
  const limits = createLimits({
    database: ports.database,
    audit: ports.audit,
    clock,
    log: ports.log,
    policies,
    access,
    configured: ports.configured.policies,
    configuredAccess: ports.configured.access,
  })
  const explain = createExplain({ ...ports, policies, access, rateRules })

  const costsOf = (asked: InferenceRequest, quoted: Quote): Costs => {
    const output =
      asked.operation === 'chat'
        ? (asked.maxOutputTokens ?? Math.min(quoted.outputCap, OUTPUT_ESTIMATE)) * asked.choices
        : 0
    return {
      requests: 1,
      tokens: quoted.inputTokens + output,
      input_tokens: quoted.inputTokens,
      output_tokens: output,
      concurrent: 1,
      images: asked.media?.images ?? 0,
      audio_seconds: Math.ceil((asked.media?.audioMsBound ?? 0) / 1_000),
      usd: quoted.worstCase === null ? 0 : Number(quoted.worstCase),
    }
  }

  const hold = (exchange: Exchange, quoted: Quote, budgets: readonly CallBudget[]): Hold | Promise<Hold> => {
    const { caller, headers } = exchange
    const { target, price, worstCase, request, inputTokens, warning, at } = quoted
    if (warning !== null) addWarning(headers, warning)
    const intent: Intent = {
      id: exchange.id,
      requestId: exchange.requestId,
      projectId: caller.projectId,
      keyId: caller.keyId,
      user: exchange.user,
      operation: request.operation,
      stream: request.stream,
      target: target.name,
      at,
      budgets,
      worstCase,
      inputTokensEstimate: inputTokens,
      rates: price && ratesOf(price, quoted),
    }
    return reserve(intent)
  }

  const flag = ({ headers }: Exchange, { level, rule }: CallBudget): void => {
    const name = rule?.name ?? 'of this key'
    addWarning(headers, `the budget ${name} (per ${level}) is exceeded`)
    ports.onBudgetExceeded(name)
  }

  /** Decides nothing yet: a fault of the request's money is told after its place has been taken. */
  const ask = (exchange: Exchange, request: InferenceRequest, targets: readonly Target[]): Asked => {
    const { caller } = exchange
    const own = rateRules.of(exchange)
    const budgets = ports.budgetsOf(caller, exchange.user, targets)
    let quoted: Quote
    try {
      quoted = quote(ports, request, targets, clock.now(), own.maxOutputTokens, budgets.some(isHard))
    } catch (fault) {
      if (!(fault instanceof AppError)) throw fault
      return { limits: own, applied: noPolicies, costs: null, quoted: fault, budgets }
    }
    if (!policies.concern(caller)) return { limits: own, applied: noPolicies, costs: null, quoted, budgets }
    const costs = costsOf(request, quoted)
    const [target = quoted.target] = targets
    const applied = policies.of(exchange, request, target, costs)
    const needsPrice = quoted.price === null && applied.some(({ policy }) => policy.unit === 'usd' && !policy.shadow)
    return {
      limits: {
        ...own,
        rules: [...own.rules, ...applied.map(({ rule }) => rule)],
        policies: [...own.policies, ...applied.map(({ shown }) => shown)],
      },
      applied,
      costs,
      quoted: needsPrice ? priceUnknown(quoted.target) : quoted,
      budgets,
    }
  }

  const chargesOf = (exchange: Exchange, asked: Asked, decision: Decision): Charges | null => {
    const { applied, costs, limits } = asked
    if (costs === null) return null
    const standings = decision.standings.slice(limits.rules.length - applied.length)
    applied.forEach(({ policy }, index) => {
      if (policy.shadow && standings[index]?.retryAfterMs !== 0) ports.onShadowRefused(policy.name)
    })
    return followCharges({ counters, applied, standings, costs, taken: decision.taken, holder: exchange.id })
  }

  const decide = (exchange: Exchange, asked: Asked, decision: Decision): Admitted | Promise<Admitted> => {
    const { limits, quoted } = asked
    writeLimitHeaders(exchange.headers, limits.policies, decision.standings)
    if (!decision.allowed) throw refusalOf(decision, limits)
    const charges = chargesOf(exchange, asked, decision)
    if (quoted instanceof AppError) {
      charges?.giveBack()
      throw quoted
    }
    const { request } = quoted
    const admitted = (held: Hold): Admitted => {
      for (const budget of held.flagged) flag(exchange, budget)
      return { hold: charges === null ? held : charges.follow(held), request }
    }
    const refused = (refusal: unknown): never => {
      charges?.giveBack()
      throw refusal
    }
    try {
      const held = hold(exchange, quoted, asked.budgets)
      return held instanceof Promise ? held.then(admitted, refused) : admitted(held)
    } catch (refusal) {
      return refused(refusal)
    }
  }

  return {
    name: 'admission',
    limitBrowsers: createBrowserLimit(counters, rateRules),
    ...createStrangers(counters, clock, rateRules.ofAddress),
    admit: (exchange, request, targets) => {
      const asked = ask(exchange, request, targets)
      const decision = counters.take(asked.limits.rules, exchange.id)
      return decision instanceof Promise
        ? decision.then((taken) => decide(exchange, asked, taken))
        : decide(exchange, asked, decision)
    },
    routes: admissionRoutes(limits, explain),
    mayCall: access.check,
    start: limits.start,
    stop: limits.stop,
    health: counters.health,
  }
}
