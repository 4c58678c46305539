import { createHmac } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { bucketOf, type CounterRule, type Limit } from '../../kernel/counters.ts'
import type { Log } from '../../kernel/log.ts'
import type { RequestRate, TierLimits } from './admission.ports.ts'
import type { Unit } from './policy.ts'

const PARTITION_BYTES = 9
const IPV6_NETWORK_HEXTETS = 4
/** Whom a key of a tier that is no longer configured is treated as. */
const FALLBACK_TIER = 'anonymous'

/** A limit as answers show it: the constant parts of its header fields. */
export interface ShownLimit {
  readonly name: string
  readonly unit: Unit
  /** It never refuses, so no answer shows it. */
  readonly shadow: boolean
  readonly limit: string
  /** Item of `RateLimit-Policy`: quota `q` per window `w`, the whole seconds in which an empty bucket fills. */
  readonly policyItem: string
  /** Item of `RateLimit` up to the value of `r`. */
  readonly stateStart: string
  /** Item of `RateLimit` after the value of `t`. */
  readonly stateEnd: string
}

/** What one request is counted against: the rules, and how each is shown. */
export interface RateRules {
  readonly rules: readonly CounterRule[]
  readonly policies: readonly ShownLimit[]
  readonly maxOutputTokens: number | null
}

/** Whole seconds of the window; nothing for what has none. The draft's own word for requests under way is `qu`. */
const windowOf = ({ algorithm, windowMs }: Limit): string =>
  algorithm === 'concurrency' ? ';qu="concurrent-requests"' : `;w=${Math.max(1, Math.ceil(windowMs / 1000))}`

/** How a limit is shown; `partition` is the parameter `pk`, or nothing. */
export const showLimit = (name: string, unit: Unit, limit: Limit, shadow: boolean, partition = ''): ShownLimit => ({
  name,
  unit,
  shadow,
  limit: String(limit.quota),
  policyItem: `"${name}";q=${limit.quota}${windowOf(limit)}${partition}`,
  stateStart: `"${name}";r=`,
  stateEnd: partition,
})

/** Callers of one IPv6 network have its lower 64 bits to choose from (RFC 4291, 2.5.1), so the network is what counts. */
export const networkOf = (address: string): string => {
  if (!ipaddr.isValid(address)) return address.slice(0, 64)
  const parsed = ipaddr.process(address)
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  const network = parsed.parts.slice(0, IPV6_NETWORK_HEXTETS).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}

const addressKey = (address: string): string => `address:${networkOf(address)}`

/** Finds what a request is counted against. */
export interface RateRulesFinder {
  /** The limits of its key or its person, and of its address when the key is no secret. */
  of(exchange: Exchange): RateRules
  /** The limit of its address alone: of a request without a valid key. */
  ofAddress(address: string): RateRules
}

/** What is constant of a caller is worked out once and kept as long as the caller is. */
export const createRateRules = (
  tiers: Readonly<Record<string, TierLimits>>,
  perIp: RequestRate,
  policyKey: Buffer,
  log: Log,
): RateRulesFinder => {
  const known = new WeakMap<Caller, RateRules>()
  const addressBucket = bucketOf(perIp.rate_per_minute, perIp.burst)
  const addressPolicy = showLimit('address', 'requests', addressBucket, false)

  const tierOf = ({ tier, keyId }: Caller): TierLimits => {
    const found = Object.hasOwn(tiers, tier) ? tiers[tier] : undefined
    if (found) return found
    log.warn({ component: 'admission', tier, key_id: keyId }, 'The tier of a key is not configured; it gets the least')
    const slowest = Object.values(tiers).sort((a, b) => a.requests.rate_per_minute - b.requests.rate_per_minute)[0]
    return tiers[FALLBACK_TIER] ?? slowest ?? { requests: perIp }
  }

  const rulesOf = (caller: Caller): RateRules => {
    const { requests, max_output_tokens: maxOutputTokens = null } = tierOf(caller)
    const bucket = bucketOf(requests.rate_per_minute, requests.burst)
    const { keyId, kind, projectId, tier } = caller
    // A page has one key for all who open it: what the tier allows is allowed to each of them.
    const person = kind === 'secret' ? null : caller.person
    const holder = person === null ? `key:${keyId}` : `person:${projectId}:${tier}:${person}`
    // Named, because the same secret may hash other things.
    const digest = createHmac('sha256', policyKey)
      .update(`rate limit of ${person === null ? keyId : holder}`)
      .digest()
      .subarray(0, PARTITION_BYTES)
    const name = person === null ? 'key' : 'user'
    const policy = showLimit(name, 'requests', bucket, false, `;pk=:${digest.toString('base64')}:`)
    return { rules: [{ key: holder, limit: bucket, cost: 1 }], policies: [policy], maxOutputTokens }
  }

  return {
    of: ({ caller, address }) => {
      let own = known.get(caller)
      if (own === undefined) {
        own = rulesOf(caller)
        known.set(caller, own)
      }
      if (caller.kind === 'secret') return own
      return {
        ...own,
        rules: [...own.rules, { key: addressKey(address), limit: addressBucket, cost: 1 }],
        policies: [...own.policies, addressPolicy],
      }
    },
    ofAddress: (address) => ({
      rules: [{ key: addressKey(address), limit: addressBucket, cost: 1 }],
      policies: [addressPolicy],
      maxOutputTokens: null,
    }),
  }
}
