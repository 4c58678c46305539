import type { PolicyInput, PolicyMatch } from '@headgate/contract/limits.ts'
import { limitSubjects } from '@headgate/contract/limits.ts'
import type { CallerKind } from '../../domain/caller.ts'
import { parseUsd } from '../../domain/money.ts'
import type { Limit } from '../../kernel/counters.ts'

export type Unit = PolicyInput['unit']
export type Subject = (typeof limitSubjects)[number]

/** What is known of a call when its limits are asked. */
export interface Subjects {
  /** Address, or network of an IPv6 address. */
  readonly ip: string
  /** ISO 3166 code, or `unknown`. */
  readonly country: string
  readonly key: string
  readonly user: string
  /** The user, where proven and calling without a secret key; else empty. */
  readonly person: string
  readonly project: string
  readonly tier: string
  readonly endpoint: string
  readonly model: string
  readonly provider: string
  readonly kind: CallerKind
}

/** Answers the country of an address: an ISO 3166 code, or `unknown`. */
export type CountryOf = (address: string) => string

/** A limit ready to be counted. */
export interface Policy {
  readonly name: string
  readonly unit: Unit
  readonly limit: Limit
  readonly per: readonly Subject[]
  readonly match: PolicyMatch
  readonly shadow: boolean
  /** It must be known where the caller is. */
  readonly needsCountry: boolean
}

const SECOND_MS = 1000
const DEFAULT_WINDOW_S = 60

const limitOf = (input: PolicyInput): Limit => {
  const { unit, algorithm = 'token_bucket', window_seconds: seconds = DEFAULT_WINDOW_S } = input
  const quota = unit === 'usd' ? Number(parseUsd(input.limit_usd ?? '0')) : (input.limit ?? 1)
  if (unit === 'concurrent') return { algorithm: 'concurrency', quota, windowMs: 0 }
  if (algorithm === 'sliding_window') return { algorithm, quota, windowMs: seconds * SECOND_MS }
  const burst = input.burst ?? quota
  return { algorithm, quota: burst, windowMs: (burst / quota) * seconds * SECOND_MS }
}

/** Makes a policy countable; null when it is off. */
export const compilePolicy = (name: string, input: PolicyInput): Policy | null => {
  if (input.mode === 'off') return null
  const { per = [], match = {} } = input
  return {
    name,
    unit: input.unit,
    limit: limitOf(input),
    // In one order, so that the same subjects make the same key.
    per: limitSubjects.filter((subject) => per.includes(subject)),
    match,
    shadow: input.mode === 'shadow',
    needsCountry: per.includes('country') || match.countries !== undefined,
  }
}

const listsName = (names: readonly string[], name: string): boolean =>
  names.some((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name))

const lists = (names: readonly string[] | undefined, name: string): boolean =>
  names === undefined || names.includes(name)

/** What of the caller alone keeps a policy from applying; null when nothing does. */
export const callerMismatch = (
  { match }: Policy,
  { tier, project, key, kind }: Pick<Subjects, 'tier' | 'project' | 'key' | 'kind'>,
): string | null => {
  if (!lists(match.tiers, tier)) return `the tier is ${tier}`
  if (!lists(match.projects, project)) return `the project is ${project}`
  if (!lists(match.keys, key)) return `the key is ${key}`
  return lists(match.kinds, kind) ? null : `the key is ${kind}`
}

/** What of this one call keeps a policy from applying; null when nothing does. */
export const callMismatch = (
  { match }: Policy,
  { user, endpoint, model, provider, country }: Omit<Subjects, 'kind'>,
): string | null => {
  if (!lists(match.users, user)) return user === '' ? 'no user is named' : 'the user is another'
  if (!lists(match.endpoints, endpoint)) return `the endpoint is ${endpoint}`
  if (match.models !== undefined && !listsName(match.models, model)) return `the model is ${model}`
  if (!lists(match.providers, provider)) return `the provider is ${provider}`
  return lists(match.countries, country) ? null : `the country is ${country}`
}

/** Names the count that a call falls into. */
export const counterKey = ({ name, per }: Policy, subjects: Subjects): string => {
  let key = `policy:${name}`
  // With its length, because a value may hold any character.
  for (const subject of per) key += `:${subjects[subject].length}:${subjects[subject]}`
  return key
}
