import type { Access } from '@headgate/contract/limits.ts'
import ipaddr from 'ipaddr.js'
import { AppError } from '../../kernel/errors.ts'
import type { CountryOf } from './policy.ts'

/** Who may call at all, as it stands now. */
export interface AccessGate {
  replace(access: Access): void
  current(): Access
  /** Why the address is refused; null when it is not. */
  refusal(address: string): 'address_denied' | 'country_denied' | null
  /** @throws AppError `address_denied` or `country_denied`. */
  check(address: string): void
}

/** What holds until something else is said. */
export const openAccess: Access = { default: 'allow', allow: [], deny: [], allow_countries: [], deny_countries: [] }

type Action = 'allow' | 'deny'

/** An address as a number and how many bits it has; IPv4 within IPv6 is IPv4. */
const numberOf = (address: string): { readonly bits: 32 | 128; readonly value: bigint } | null => {
  if (!ipaddr.isValid(address)) return null
  const parsed = ipaddr.process(address)
  let value = 0n
  for (const byte of parsed.toByteArray()) value = (value << 8n) | BigInt(byte)
  return { bits: parsed.kind() === 'ipv4' ? 32 : 128, value }
}

/** Ranges by length of their prefix, the longest first, so that the first hit decides. */
interface Ranges {
  readonly length: number
  readonly actions: Map<bigint, Action>
}

const rangesOf = (access: Access): Readonly<Record<32 | 128, readonly Ranges[]>> => {
  const found: Record<32 | 128, Map<number, Map<bigint, Action>>> = { 32: new Map(), 128: new Map() }
  const add = (text: string, action: Action): void => {
    const [address = '', prefix] = text.split('/')
    const number = numberOf(address)
    if (number === null) return
    const { bits, value } = number
    // A prefix of an IPv4 address written within IPv6 counts from there.
    const written = prefix === undefined ? bits : Number(prefix) - (bits === 32 && address.includes(':') ? 96 : 0)
    const length = Math.max(0, written)
    const actions = found[bits].get(length) ?? new Map<bigint, Action>()
    // Of the same range twice, the refusal counts.
    const key = value >> BigInt(bits - length)
    if (actions.get(key) !== 'deny') actions.set(key, action)
    found[bits].set(length, actions)
  }
  for (const text of access.allow) add(text, 'allow')
  for (const text of access.deny) add(text, 'deny')
  const sorted = (bits: 32 | 128): readonly Ranges[] =>
    [...found[bits]].map(([length, actions]) => ({ length, actions })).sort((one, other) => other.length - one.length)
  return { 32: sorted(32), 128: sorted(128) }
}

/** The gate that every caller passes before the key is looked at: the longest range decides, then the country, then the default. */
export const createAccess = (countryOf: CountryOf): AccessGate => {
  let access = openAccess
  let ranges = rangesOf(access)
  let isOpen = true

  const byRange = (address: string): Action | null => {
    const number = numberOf(address)
    if (number === null) return null
    const { bits, value } = number
    for (const { length, actions } of ranges[bits]) {
      const action = actions.get(value >> BigInt(bits - length))
      if (action !== undefined) return action
    }
    return null
  }

  const refusal: AccessGate['refusal'] = (address) => {
    if (isOpen) return null
    const action = byRange(address)
    if (action !== null) return action === 'allow' ? null : 'address_denied'
    const { allow_countries: allowed, deny_countries: denied } = access
    if (allowed.length > 0 || denied.length > 0) {
      const country = countryOf(address)
      if (denied.includes(country)) return 'country_denied'
      if (allowed.includes(country)) return null
      if (allowed.length > 0) return 'country_denied'
    }
    return access.default === 'allow' ? null : 'address_denied'
  }

  return {
    replace: (next) => {
      access = next
      ranges = rangesOf(next)
      isOpen =
        next.default === 'allow' &&
        next.deny.length === 0 &&
        next.allow_countries.length === 0 &&
        next.deny_countries.length === 0
    },
    current: () => access,
    refusal,
    check: (address) => {
      const code = refusal(address)
      if (code !== null) throw new AppError(code)
    },
  }
}
