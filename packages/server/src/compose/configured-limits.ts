import type { PolicyInput } from '@headgate/contract/limits.ts'
import type { Config } from '../config/schema.ts'
import type { Priority } from '../features/admission/shedding.ts'
import type { Caller } from '../domain/caller.ts'
import { formatUsd } from '../domain/money.ts'

const DAY_SECONDS = 86_400

/** What a tier says of its keys beyond requests, as limits like any other. */
const tierPolicies = (tiers: Config['tiers']): [string, PolicyInput][] =>
  Object.entries(tiers).flatMap(([tier, { tokens_per_minute: tokens, concurrent, usd_per_day: usd }]) => {
    const shared = { per: ['key', 'person'], match: { tiers: [tier] } } as const
    const policies: [string, PolicyInput][] = []
    if (tokens !== undefined) policies.push([`tier-${tier}-tokens`, { ...shared, unit: 'tokens', limit: tokens }])
    if (concurrent !== undefined)
      policies.push([`tier-${tier}-concurrent`, { ...shared, unit: 'concurrent', limit: concurrent }])
    if (usd !== undefined)
      policies.push([
        `tier-${tier}-usd`,
        {
          ...shared,
          unit: 'usd',
          limit_usd: formatUsd(usd),
          window_seconds: DAY_SECONDS,
          algorithm: 'sliding_window',
        },
      ])
    return policies
  })

/**
 * What a caller's calls weigh against others', in the line and under overload: the priority of the tier, 2 where it names
 * none; strangers and calls that nobody waits for come last.
 */
export const createPriorityOf =
  ({ tiers }: Pick<Config, 'tiers'>) =>
  ({ kind, person, tier, isBackground }: Caller): Priority =>
    isBackground === true || (kind === 'publishable' && person === null)
      ? 1
      : ((tiers[tier]?.priority ?? 2) as Priority)

/** The limits and access rules that the configuration states. */
export const configuredLimits = ({ tiers, limits }: Pick<Config, 'tiers' | 'limits'>) => ({
  policies: { ...Object.fromEntries(tierPolicies(tiers)), ...limits.policies },
  access: limits.access,
})
