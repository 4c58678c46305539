import ipaddr from 'ipaddr.js'
import type { ConfigFault } from './faults.ts'
import type { Leaf } from './layers.ts'
import type { LoadedConfig, Profile } from './schema.ts'

const tier = (rate_per_minute: number, burst: number, priority: number, asset_bytes?: number) => ({
  'requests.rate_per_minute': rate_per_minute,
  'requests.burst': burst,
  priority,
  ...(asset_bytes !== undefined && { asset_bytes }),
})

/** Limits shipped in every profile. `internal` is counted and practically unlimited. */
const shippedTiers = {
  anonymous: tier(20, 10, 1, 16_777_216),
  free: tier(60, 20, 2, 268_435_456),
  pro: tier(600, 100, 3),
  internal: tier(1_000_000_000, 1_000_000, 4),
}

/** Promises shipped in every profile. */
const shippedObjectives = { availability: { measure: 'errors', target_percent: 99.9 } }

const thisMachine = ['127.0.0.0/8', '::1/128']

/** What a profile sets where the operator says nothing. */
const overlays: Readonly<Record<Profile, readonly (readonly [path: string, value: unknown])[]>> = {
  development: [
    ['providers.demo.kind', 'demo'],
    ['metrics.public', true],
    ['fetch.operator_addresses', thisMachine],
  ],
  testing: [
    ['providers.demo.kind', 'demo'],
    ['log.level', 'warn'],
    ['ollama_autodetect', false],
    ['fetch.operator_addresses', thisMachine],
    // Machines under test are busy with other things.
    ['guards.loop_delay_ms', 0],
  ],
  staging: [
    ['providers.demo.kind', 'demo'],
    ['timeouts.drain_delay_ms', 10_000],
  ],
  production: [
    ['ollama_autodetect', false],
    ['timeouts.drain_delay_ms', 10_000],
  ],
}

/** The defaults that are not in the schema: shipped tiers and what the profile sets. */
export const profileDefaults = (profile: Profile): Leaf[] => [
  ...Object.entries(shippedTiers).flatMap(([name, members]) =>
    Object.entries(members).map(([member, value]) => ({
      path: ['tiers', name, ...member.split('.')],
      value,
      source: 'default' as const,
      where: 'default',
    })),
  ),
  ...Object.entries(shippedObjectives).flatMap(([name, members]) =>
    Object.entries(members).map(([member, value]) => ({
      path: ['objectives', name, member],
      value,
      source: 'default' as const,
      where: 'default',
    })),
  ),
  ...overlays[profile].map(([path, value]) => ({
    path: path.split('.'),
    value,
    source: 'profile' as const,
    where: `profile ${profile}`,
  })),
]

/** Whether nobody but this machine reaches a server that listens there. */
export const isLoopback = (host: string): boolean => {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (bare === 'localhost') return true
  const numeric = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare)
  return numeric && ipaddr.process(bare).range() === 'loopback'
}

/**
 * Whether a secret is guessable: fewer than 100 bits by the frequency of its characters (Shannon 1948), a repeated piece, a run of
 * neighbouring characters, or a placeholder.
 */
export const isWeakSecret = (secret: string): boolean => {
  const frequencies = new Map<string, number>()
  for (const character of secret) frequencies.set(character, (frequencies.get(character) ?? 0) + 1)
  let bits = 0
  for (const frequency of frequencies.values()) bits -= frequency * Math.log2(frequency / secret.length)
  let runs = 0
  for (let at = 1; at < secret.length; at += 1) {
    if (Math.abs(secret.charCodeAt(at) - secret.charCodeAt(at - 1)) <= 1) runs += 1
  }
  const repeats = /^(.{1,16}?)\1+.{0,15}$/s.exec(secret)
  const repeated =
    repeats?.[1] !== undefined && repeats[1].length * 2 <= secret.length && secret.startsWith(repeats[1].repeat(2))
  const placeholder = /change[-_ ]?me|password|placeholder|example|your[-_ ]/i.test(secret)
  return secret.length < 32 || bits < 100 || repeated || placeholder || runs > secret.length / 2
}

/**
 * What production and staging refuse: a missing or weak admin or root key, and a public address without TLS or named proxies. Production
 * also refuses debug logs. Development and testing refuse nothing here.
 */
export const profileRefusals = (config: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] => {
  const { profile } = config
  if (profile !== 'production' && profile !== 'staging') return []
  const faults: ConfigFault[] = []
  const refuse = (option: string, problem: string, expected: string, path?: string[]): void => {
    faults.push({ where: path === undefined ? `profile ${profile}` : where(path), option, problem, expected })
  }
  for (const name of ['admin_key', 'root_key'] as const) {
    const variable = `HEADGATE_${name.toUpperCase()}`
    const secret = config[name]
    if (secret === undefined)
      refuse(name, `is required in ${profile}`, `${variable}, for example from: openssl rand -base64 32`)
    else if (isWeakSecret(secret))
      refuse(name, 'is too easy to guess', 'a random text, for example from: openssl rand -base64 32', [name])
  }
  if (config.admin_key !== undefined && config.admin_key === config.root_key) {
    refuse('root_key', 'is the same as admin_key', 'a secret of its own', ['root_key'])
  }
  const { level } = config.log
  if (profile === 'production' && (level === 'debug' || level === 'trace')) {
    refuse('log.level', `"${level}" is refused in production`, 'info or a quieter level', ['log', 'level'])
  }
  if (!isLoopback(config.host) && config.tls === undefined && config.trusted_proxies.length === 0) {
    refuse(
      'host',
      `${JSON.stringify(config.host)} is public, without TLS`,
      'tls.cert and tls.key, or trusted_proxies',
      ['host'],
    )
  }
  config.trusted_proxies.forEach((range, index) => {
    if (!range.endsWith('/0')) return
    refuse(`trusted_proxies.${index}`, `"${range}" trusts everyone`, 'the ranges of your proxies', [
      'trusted_proxies',
      String(index),
    ])
  })
  return faults
}
