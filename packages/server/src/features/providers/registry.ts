import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../../kernel/log.ts'
import { createAnthropicProvider } from './anthropic/anthropic.ts'
import { createAzureProvider } from './azure/azure.ts'
import { createBedrockProvider } from './bedrock/bedrock.ts'
import { createDemoProvider } from './demo/demo.ts'
import { createKeyRing, type KeyStanding } from './key-ring.ts'
import { createKeyUsage, type KeyUsage } from './key-usage.ts'
import { createElevenLabsProvider } from './elevenlabs/elevenlabs.ts'
import { createGeminiProvider } from './gemini/gemini.ts'
import { createHttpProvider } from './http/http.ts'
import { createLocalProvider } from './local/local.ts'
import { createOllamaProvider } from './ollama/ollama.ts'
import { createOpenAIProvider } from './openai/openai.ts'
import type { Provider } from './provider.ts'
import type { ProviderDefaults, ProviderOptions } from './provider-options.ts'

/** A provider that stands, how it is reached, and what was told to it in confidence. */
export interface Standing {
  readonly options: ProviderOptions
  readonly provider: Provider
  readonly secrets: readonly string[]
  /** How its keys stand in this process, in their order. */
  readonly keys: () => readonly KeyStanding[]
  readonly usage: KeyUsage
}

/** Who named a provider: of two by one name, the configuration’s counts. */
export type ProviderOrigin = 'configuration' | 'operator'

const origins: readonly ProviderOrigin[] = ['configuration', 'operator']

const builders = {
  openai: createOpenAIProvider,
  anthropic: createAnthropicProvider,
  azure: createAzureProvider,
  bedrock: createBedrockProvider,
  gemini: createGeminiProvider,
  ollama: createOllamaProvider,
  elevenlabs: createElevenLabsProvider,
  http: createHttpProvider,
}

/** The proxy of a provider, its own or that of all; a login goes to the proxy that it was given for, and to no other. */
const wayOf = ({ proxy, proxyLogin }: ProviderOptions, defaults: ProviderDefaults) => {
  if (proxy === null) return {}
  return proxy === undefined
    ? { proxy: defaults.proxy, proxyLogin: defaults.proxyLogin?.reveal() }
    : { proxy, proxyLogin: proxyLogin?.reveal() }
}

const keyless = { secrets: [], keys: () => [], usage: { mark: () => {}, take: () => [] } } as const

/** Builds one provider; nothing is connected to before it is asked. */
export const standUp = (name: string, options: ProviderOptions, defaults: ProviderDefaults, log: Log): Standing => {
  const { clock } = defaults
  if (options.kind === 'demo') return { ...keyless, options, provider: createDemoProvider({ name, clock }) }
  const timeouts = { ...defaults.timeouts, ...options.timeouts }
  if (options.kind === 'local') {
    const { searchPath = '' } = options
    const provider = createLocalProvider({ name, searchPath, timeouts, maxResponseBytes: defaults.maxResponseBytes })
    return { ...keyless, options, provider }
  }
  const headers = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([header, value]) => [header, value.reveal()]),
  )
  const keys = [options.apiKey, ...(options.moreKeys ?? [])].flatMap((key) => key?.reveal() ?? [])
  const way = wayOf(options, defaults)
  const login = way.proxyLogin
  const secrets = [...keys, ...Object.values(headers), ...(login ? [login, login.slice(login.indexOf(':') + 1)] : [])]
  const shared = {
    name,
    baseUrl: options.baseUrl ?? '',
    apiKey: keys[0],
    apiVersion: options.apiVersion,
    headers,
    streamUsage: options.streamUsage ?? true,
    dialect: options.dialect,
    voices: options.voices,
    templates: options.templates ?? {},
    models: options.models ?? [],
    secrets,
    timeouts,
    maxResponseBytes: defaults.maxResponseBytes,
    connections: defaults.connections,
    ...way,
    ca: options.ca ?? defaults.ca,
    version: defaults.version,
    clock,
  }
  const build = builders[options.kind]
  if (keys.length < 2) {
    const ready: readonly KeyStanding[] = keys.map(() => ({ state: 'ready', until: null }))
    return { options, provider: build(shared), secrets, keys: () => ready, usage: createKeyUsage() }
  }
  const providers = keys.map((apiKey) => build({ ...shared, apiKey }))
  const ring = createKeyRing(providers[0] as Provider, providers, { clock, log })
  return { options, provider: ring, secrets, keys: ring.standings, usage: { mark: () => {}, take: ring.takeUsed } }
}

/** Two that are equal reach the same server in the same way. */
const told = ({ apiKey, moreKeys = [], headers = {}, proxyLogin, ...open }: ProviderOptions) => ({
  ...open,
  proxyLogin: proxyLogin?.reveal(),
  apiKey: apiKey?.reveal(),
  moreKeys: moreKeys.map((key) => key.reveal()),
  headers: Object.entries(headers).map(([name, value]) => [name, value.reveal()]),
})
const isSame = (one: ProviderOptions, other: ProviderOptions): boolean => isDeepStrictEqual(told(one), told(other))

/** What defaults are compared by; whoever hands them in may hold more. */
const toldDefaults = ({
  timeouts,
  maxResponseBytes,
  connections,
  proxy,
  proxyLogin,
  ca,
  version,
}: ProviderDefaults) => ({
  proxyLogin: proxyLogin?.reveal(),
  timeouts,
  maxResponseBytes,
  connections,
  proxy,
  ca,
  version,
})

/** A provider as somebody named it; idle while it is switched off, or another by the name counts. */
export type NamedStanding = Pick<Standing, 'options' | 'keys' | 'usage'> & {
  readonly provider: string
  readonly origin: ProviderOrigin
  readonly isIdle: boolean
}

/** The providers by name, replaceable while calls are under way. */
export interface ProviderRegistry {
  get(name: string): Standing | undefined
  names(): readonly string[]
  /** All that somebody named, those that are not in use among them. */
  all(): readonly NamedStanding[]
  /** Somebody named one so, be it switched off. */
  isNamed(name: string): boolean
  /** How the keys of a provider stand, also of one that is switched off. */
  keysOf(name: string): readonly KeyStanding[]
  /** Takes exactly these out of use; calls under way end. */
  switchOff(names: ReadonlySet<string>): void
  /** Those of the configuration. */
  configured(): ReadonlyMap<string, ProviderOptions>
  /** Stands up a provider in the place of the one that bore the name; calls under way end on the former one. */
  replace(origin: ProviderOrigin, name: string, options: ProviderOptions): void
  /** Takes a provider away; one that the other origin named comes to the fore. */
  remove(origin: ProviderOrigin, name: string): void
  /** Takes over what differs: other providers of the configuration, and other defaults for all of them. */
  reconfigure(configs: Readonly<Record<string, ProviderOptions>>, defaults: ProviderDefaults): void
  /** Lets go what is idle and can be had again. */
  relieve(): void
  /** Cuts everything, calls under way included. */
  close(): Promise<void>
}

/** Keeps the providers, at first those of the configuration; `changed` hears the name of each that is another now, or gone. */
export const createRegistry = (
  configs: Readonly<Record<string, ProviderOptions>>,
  first: ProviderDefaults,
  log: Log,
  changed: (name: string) => void = () => {},
): ProviderRegistry => {
  let defaults = first
  const configured = Object.entries(configs).map(
    ([name, options]) => [name, standUp(name, options, defaults, log)] as const,
  )
  const layers = { configuration: new Map(configured), operator: new Map<string, Standing>() }
  const standing = new Map(configured)
  const retiring = new Set<Provider>()
  let off: ReadonlySet<string> = new Set()

  const retire = (provider: Provider): void => {
    retiring.add(provider)
    provider.retire().then(
      () => retiring.delete(provider),
      () => retiring.delete(provider),
    )
  }

  const named = (name: string): Standing | undefined => layers.configuration.get(name) ?? layers.operator.get(name)

  const settle = (name: string): void => {
    const next = off.has(name) ? undefined : named(name)
    if (next === standing.get(name)) return
    if (next === undefined) standing.delete(name)
    else standing.set(name, next)
    changed(name)
  }

  const replace: ProviderRegistry['replace'] = (origin, name, options) => {
    const former = layers[origin].get(name)
    layers[origin].set(name, standUp(name, options, defaults, log))
    settle(name)
    if (former) retire(former.provider)
  }

  const remove: ProviderRegistry['remove'] = (origin, name) => {
    const former = layers[origin].get(name)
    if (!former) return
    layers[origin].delete(name)
    settle(name)
    retire(former.provider)
  }

  return {
    get: (name) => standing.get(name),
    names: () => [...standing.keys()],
    all: () =>
      origins.flatMap((origin) =>
        [...layers[origin]].map(([provider, one]) => ({
          ...one,
          provider,
          origin,
          isIdle: standing.get(provider) !== one,
        })),
      ),
    isNamed: (name) => named(name) !== undefined,
    keysOf: (name) => named(name)?.keys() ?? [],
    switchOff: (next) => {
      const turned = [...off, ...next].filter((name) => off.has(name) !== next.has(name))
      off = next
      for (const name of turned) settle(name)
    },
    configured: () => new Map([...layers.configuration].map(([name, { options }]) => [name, options])),
    replace,
    remove,
    reconfigure: (next, nextDefaults) => {
      const isAsBefore = isDeepStrictEqual(toldDefaults(nextDefaults), toldDefaults(defaults))
      defaults = nextDefaults
      for (const name of [...layers.configuration.keys()]) if (!Object.hasOwn(next, name)) remove('configuration', name)
      for (const [name, options] of Object.entries(next)) {
        const former = layers.configuration.get(name)
        if (!isAsBefore || !former || !isSame(former.options, options)) replace('configuration', name, options)
      }
      if (isAsBefore) return
      for (const [name, { options }] of [...layers.operator]) replace('operator', name, options)
    },
    relieve: () => {
      for (const { provider } of standing.values()) provider.relieve?.()
    },
    close: async () => {
      const all = [...origins.flatMap((origin) => [...layers[origin].values()]).map((one) => one.provider), ...retiring]
      await Promise.all(all.map((provider) => provider.close()))
    },
  }
}
