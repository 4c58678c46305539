import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { CounterRule } from '../../kernel/counters.ts'
import {
  callerMismatch,
  callMismatch,
  counterKey,
  type CountryOf,
  type Policy,
  type Subjects,
  type Unit,
} from './policy.ts'
import { networkOf, type ShownLimit, showLimit } from './rate-rules.ts'

/** What one call takes of each unit. */
export type Costs = Readonly<Record<Unit, number>>

/** A policy that holds for a call, counted and shown. */
export interface AppliedPolicy {
  readonly policy: Policy
  readonly rule: CounterRule
  readonly shown: ShownLimit
}

/** The limits that are data, as they stand now. */
export interface Policies {
  /** Sets all policies; calls under way keep theirs. */
  replace(policies: readonly Policy[]): void
  all(): readonly Policy[]
  /** Whether any policy may hold for this caller. */
  concern(caller: Caller): boolean
  /** The policies that hold for a call. */
  of(exchange: Exchange, request: InferenceRequest, target: Target, costs: Costs): readonly AppliedPolicy[]
}

const none: readonly Policy[] = []
/** What holds where no policy does. */
export const noPolicies: readonly AppliedPolicy[] = []

const isOfMedia = (unit: Unit): boolean => unit === 'images' || unit === 'audio_seconds'

/** What is known of a call; its country is looked up only where a policy asks for it. */
export const subjectsOf = (
  { caller, address, user }: Pick<Exchange, 'caller' | 'address' | 'user'>,
  request: Pick<InferenceRequest, 'operation'>,
  target: Target,
  country: string,
): Subjects => ({
  ip: networkOf(address),
  country,
  key: caller.keyId,
  user: user ?? '',
  person: (caller.kind === 'secret' ? null : caller.person) ?? '',
  project: caller.projectId,
  tier: caller.tier,
  endpoint: request.operation,
  model: target.name,
  provider: target.provider,
  kind: caller.kind,
})

/** Policies that hold for a caller are found once and kept as long as the caller and the policies are. */
export const createPolicies = (countryOf: CountryOf): Policies => {
  let policies: readonly Policy[] = none
  let known = new WeakMap<Caller, readonly Policy[]>()
  let shown = new Map<Policy, ShownLimit>()

  const ofCaller = (caller: Caller): readonly Policy[] => {
    if (policies.length === 0) return none
    let found = known.get(caller)
    if (found === undefined) {
      const { tier, projectId: project, keyId: key, kind } = caller
      found = policies.filter((policy) => callerMismatch(policy, { tier, project, key, kind }) === null)
      known.set(caller, found)
    }
    return found
  }

  return {
    replace: (next) => {
      policies = next
      known = new WeakMap()
      shown = new Map(next.map((policy) => [policy, showLimit(policy.name, policy.unit, policy.limit, policy.shadow)]))
    },
    all: () => policies,
    concern: (caller) => ofCaller(caller).length > 0,
    of: (exchange, request, target, costs) => {
      const candidates = ofCaller(exchange.caller)
      const country = candidates.some(({ needsCountry }) => needsCountry) ? countryOf(exchange.address) : ''
      const subjects = subjectsOf(exchange, request, target, country)
      const applied: AppliedPolicy[] = []
      for (const policy of candidates) {
        if (callMismatch(policy, subjects) !== null) continue
        // What a call does not take of is nothing to it: a conversation makes no images.
        if (isOfMedia(policy.unit) && costs[policy.unit] === 0) continue
        applied.push({
          policy,
          rule: {
            key: counterKey(policy, subjects),
            limit: policy.limit,
            cost: costs[policy.unit],
            shadow: policy.shadow,
          },
          shown: shown.get(policy) as ShownLimit,
        })
      }
      return applied
    },
  }
}
