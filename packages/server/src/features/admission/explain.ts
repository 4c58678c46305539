import type { ExplainInput, Explanation } from '@headgate/contract/limits.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Counters, CounterRule } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AccessGate } from './access.ts'
import type { AdmissionPorts } from './admission.ports.ts'
import { createBudgetExplain } from './explain-budgets.ts'
import { tightestOf } from './limit-headers.ts'
import { type Costs, type Policies, subjectsOf } from './policies.ts'
import { callerMismatch, callMismatch, type CountryOf } from './policy.ts'
import type { RateRulesFinder, ShownLimit } from './rate-rules.ts'

/** Output that stands for a call which names no cap. */
const OUTPUT_ESTIMATE = 512
const LOOPBACK = '127.0.0.1'
const MOST_MS = 366 * 86_400_000

export interface ExplainPorts
  extends Pick<AdmissionPorts, 'budgetStandings' | 'priceOf' | 'worstCase' | 'requiresOutputCap' | 'clock'> {
  readonly counters: Counters
  readonly policies: Policies
  readonly access: AccessGate
  readonly rateRules: RateRulesFinder
  readonly countryOf: CountryOf
  /** The caller that a key's public id means. @throws AppError `resource_not_found`. */
  readonly callerOf: (keyId: string) => Promise<Caller>
  /** @throws AppError `model_not_found`, `model_not_allowed`, `licence_not_allowed` or `operation_not_supported`. */
  readonly targetsOf: (
    caller: Caller,
    request: Pick<InferenceRequest, 'model' | 'operation'>,
  ) => readonly Target[] | Promise<readonly Target[]>
}

/** Says which limits and budgets a call would meet, how each stands, and which decides; takes nothing of any. */
export const createExplain = (ports: ExplainPorts) => {
  const { counters, policies, access, rateRules, countryOf, callerOf, targetsOf } = ports
  const explainBudgets = createBudgetExplain(ports)
  return async (input: ExplainInput): Promise<Explanation> => {
    const found = await callerOf(input.key_id)
    // Of those who come with a publishable key only proven users count.
    const proven = found.kind === 'publishable' && input.user !== undefined
    const caller = proven ? { ...found, person: input.user } : found
    const address = input.address ?? LOOPBACK
    const request = { operation: input.endpoint ?? 'chat', user: input.user ?? null, model: input.model } as const
    const targets = await targetsOf(caller, request)
    const [target] = targets
    if (target === undefined) throw new AppError('model_not_found')
    const output = request.operation === 'chat' ? (input.max_tokens ?? OUTPUT_ESTIMATE) : 0
    const inputTokens = input.input_tokens ?? 1
    const costs: Costs = {
      requests: 1,
      tokens: inputTokens + output,
      input_tokens: inputTokens,
      output_tokens: output,
      concurrent: 1,
      images: input.images ?? 0,
      audio_seconds: input.audio_seconds ?? 0,
      usd: 0,
    }
    const exchange = { caller, address, user: request.user } as Exchange
    const own = rateRules.of(exchange)
    const applied = policies.of(exchange, request as unknown as InferenceRequest, target, costs)
    const rules: readonly CounterRule[] = [...own.rules, ...applied.map(({ rule }) => rule)]
    const shown: readonly ShownLimit[] = [...own.policies, ...applied.map((one) => one.shown)]
    // A cost of nothing takes nothing and tells how the limit stands.
    const { standings } = await counters.take(rules.map((rule) => ({ ...rule, cost: 0, shadow: true })))
    const left = (index: number): number => standings[index]?.remaining ?? 0
    const refuses = rules.map(({ cost, shadow }, index) => shadow !== true && left(index) < cost)
    const denied = access.refusal(address)
    const tightest = tightestOf(shown, standings, ({ shadow }) => !shadow)
    const deciding = refuses.indexOf(true) === -1 ? tightest : refuses.indexOf(true)
    const subjects = subjectsOf(exchange, request as unknown as InferenceRequest, target, countryOf(address))
    const money = await explainBudgets({
      ...{ caller, user: request.user, targets, inputTokens, operation: request.operation },
      maxOutputTokens: input.max_tokens ?? null,
      tierCap: own.maxOutputTokens,
    })
    const tooLarge = rules.some(({ cost, limit }, index) => refuses[index] && cost > limit.quota)
    const ofLimits = refuses.includes(true) ? (tooLarge ? 'request_exceeds_limit' : 'rate_limit_exceeded') : null
    const refusal = denied ?? ofLimits ?? money.refusal
    return {
      object: 'limit_explanation',
      allowed: refusal === null,
      refusal,
      decides: denied === null ? (shown[deciding]?.name ?? null) : 'access',
      country: subjects.country,
      access: denied,
      rules: rules.map(({ key, limit, cost, shadow }, index) => ({
        name: shown[index]?.name ?? '',
        unit: shown[index]?.unit ?? 'requests',
        algorithm: limit.algorithm,
        mode: shadow ? 'shadow' : 'enforce',
        counted_for: key,
        cost,
        limit: limit.quota,
        remaining: left(index),
        reset_ms: Math.min(MOST_MS, Math.ceil(standings[index]?.resetMs ?? 0)),
        would_refuse: left(index) < cost,
      })),
      not_applied: policies.all().flatMap((policy) => {
        const reason = callerMismatch(policy, subjects) ?? callMismatch(policy, subjects)
        return reason === null ? [] : [{ name: policy.name, reason }]
      }),
      ...money.told,
    }
  }
}
