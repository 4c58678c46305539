import type { KeyStanding } from './key-ring.ts'
import type { ProviderOptions } from './provider-options.ts'
import type { NamedStanding, ProviderOrigin } from './registry.ts'

/** A key of a provider that this process holds. */
export interface HeldKey {
  readonly provider: string
  readonly origin: ProviderOrigin
  readonly secret: string
  /** Nothing is sent with it: its provider is switched off, or another by that name counts. */
  readonly isIdle: boolean
  readonly standing: KeyStanding['state']
}

const secretsOf = ({ apiKey, moreKeys = [] }: ProviderOptions): string[] =>
  [apiKey, ...moreKeys].flatMap((key) => key?.reveal() ?? [])

/** Every key of these providers. */
export const heldKeys = (all: readonly NamedStanding[]): HeldKey[] =>
  all.flatMap(({ provider, origin, isIdle, options, keys }) =>
    secretsOf(options).map((secret, index) => ({
      ...{ provider, origin, isIdle, secret },
      standing: keys()[index]?.state ?? 'ready',
    })),
  )

/** The keys with which something was asked since the last call. */
export const takeUsedKeys = (all: readonly NamedStanding[]): { provider: string; secret: string }[] =>
  all.flatMap(({ provider, options, usage }) => {
    const used = usage.take()
    return secretsOf(options).flatMap((secret, index) => (used.includes(index) ? [{ provider, secret }] : []))
  })
