import { createHmac } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { type Bucket, bucketOf, type CounterRule } from '../../kernel/counters.ts'
import type { Log } from '../../kernel/log.ts'
import type { RequestRate, TierLimits } from './admission.ports.ts'

const PARTITION_BYTES = 9
const IPV6_NETWORK_HEXTETS = 4
/** Whom a key of a tier that is no longer configured is treated as. */
const FALLBACK_TIER = 'anonymous'

/** A request limit, and the constant parts of its header fields. */
export interface RequestPolicy {
  readonly name: string
  readonly limit: string
  /** Item of `RateLimit-Policy`: quota `q` per window `w`, the whole seconds in which an empty bucket fills. */
  readonly policyItem: string
  /** Item of `RateLimit` up to the value of `r`. */
  readonly stateStart: string
  /** Item of `RateLimit` after the value of `t`. */
  readonly stateEnd: string
}

/** What one request is counted against. */
export interface RateRules {
  readonly rules: readonly CounterRule[]
  readonly policies: readonly RequestPolicy[]
  readonly maxOutputTokens: number | null
}

const policyOf = (name: string, { burst, capacityMs }: Bucket, partition: string): RequestPolicy => ({
  name,
  limit: String(burst),
  policyItem: `"${name}";q=${burst};w=${Math.max(1, Math.ceil(capacityMs / 1000))}${partition}`,
  stateStart: `"${name}";r=`,
  stateEnd: partition,
})

/** Callers of one IPv6 network have its lower 64 bits to choose from (RFC 4291, 2.5.1), so the network is what counts. */
const addressKey = (address: string): string => {
  if (!ipaddr.isValid(address)) return `address:${address.slice(0, 64)}`
  const parsed = ipaddr.process(address)
  if (!(parsed instanceof ipaddr.IPv6)) return `address:${parsed.toString()}`
  const network = parsed.parts.slice(0, IPV6_NETWORK_HEXTETS).map((part) => part.toString(16))
  return `address:${network.join(':')}::/64`
}

/** Finds what a request is counted against. */
export interface RateRulesFinder {
  /** The limits of its key, and of its address when the key is no secret. */
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
  const addressPolicy = policyOf('address', addressBucket, '')

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
    // Named, because the same secret may hash other things.
    const digest = createHmac('sha256', policyKey)
      .update(`rate limit of ${caller.keyId}`)
      .digest()
      .subarray(0, PARTITION_BYTES)
    const policy = policyOf('key', bucket, `;pk=:${digest.toString('base64')}:`)
    return { rules: [{ key: `key:${caller.keyId}`, bucket }], policies: [policy], maxOutputTokens }
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
        rules: [...own.rules, { key: addressKey(address), bucket: addressBucket }],
        policies: [...own.policies, addressPolicy],
      }
    },
    ofAddress: (address) => ({
      rules: [{ key: addressKey(address), bucket: addressBucket }],
      policies: [addressPolicy],
      maxOutputTokens: null,
    }),
  }
}
