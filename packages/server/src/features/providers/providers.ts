import type { Attempt } from '../../domain/hold.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { UpstreamAnswer } from '../../domain/upstream.ts'
import type { Walk } from '../../domain/walk.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { type FaultPoints, noFaults } from '../../kernel/fault-points.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createRetryBudget } from '../../kernel/retry.ts'
import { UpstreamFailure, createAttempts } from './attempts.ts'
import { createDetector } from './detector.ts'
import { createFetchedImages, type FetchImage, type ImageBounds } from './images/fetched-images.ts'
import { type HeldKey, heldKeys, takeUsedKeys } from './held-keys.ts'
import type { KeyStanding } from './key-ring.ts'
import type { ProviderKind } from '../../domain/provider-kind.ts'
import type { ListedModel, Provider } from './provider.ts'
import type { CircuitPort, GatePort } from './providers.ports.ts'
import type { ProviderDefaults, ProviderOptions } from './provider-options.ts'
import { type ProviderOrigin, type Standing, createRegistry, standUp } from './registry.ts'

/** What may change while calls are under way. */
export interface ProviderSettings extends ProviderDefaults {
  /** The providers of the configuration. */
  readonly configs: Readonly<Record<string, ProviderOptions>>
  /** Servers to look for on this machine, by the names they have once found. */
  readonly lookedFor: Readonly<Record<string, ProviderOptions>>
}

export interface ProvidersOptions extends ProviderSettings {
  /** Hears the name of each provider that is another now, or gone. */
  readonly changed?: (provider: string) => void
  readonly log: Log
  readonly circuit: CircuitPort
  /** The places at a provider; there is always one by default. */
  readonly gate?: (provider: string) => GatePort
  readonly faultPoints?: FaultPoints
  /** Fetches pictures for providers that take bytes alone; absent: none is fetched. */
  readonly images?: { readonly fetch: FetchImage; readonly bounds: () => ImageBounds | null }
  /** What a provider is told of our trace; nothing by default. */
  readonly traceHeaders?: (walk: Walk, provider: string, index: number) => readonly string[]
  /** In [0, 1); for the jitter of retries. */
  readonly random?: () => number
}

/** The providers of the house, behind one call. */
export interface Providers extends Feature {
  /**
   * Asks the targets in their order until one answers; a stream has then brought its first event.
   * @throws UpstreamFailure with the catalogue code of the last fault, or of the caller's leaving.
   */
  call(
    targets: readonly Target[],
    request: InferenceRequest,
    exchange: Pick<Exchange, 'id' | 'walk' | 'caller' | 'startedAt'>,
    signal: CancelSignal,
  ): Promise<UpstreamAnswer>
  /** @throws AppError when the provider does not answer. */
  listModels(provider: string, signal: CancelSignal): Promise<readonly ListedModel[]>
  /** Asks each provider for its models, so that a connection to it stands; resolves to how many answered. */
  reach(): Promise<number>
  /** Providers that can be called now: those of the configuration and of operators, and servers that were found. */
  names(): readonly string[]
  kindOf(provider: string): ProviderKind | undefined
  /** How a provider is reached: the same object for as long as that holds. */
  optionsOf(provider: string): ProviderOptions | undefined
  /** What is told to a provider in confidence. */
  secretsOf(provider: string): readonly string[]
  /** How the providers of the configuration are reached. */
  configured(): ReadonlyMap<string, ProviderOptions>
  /** Asks a provider that is reached in this way and need not stand. @throws ProviderFault. */
  listModelsOf(name: string, options: ProviderOptions, signal: CancelSignal): Promise<readonly ListedModel[]>
  /** Puts a provider in the place of the one that bore the name; calls under way end on the former one. */
  replace(origin: ProviderOrigin, name: string, options: ProviderOptions): void
  remove(origin: ProviderOrigin, name: string): void
  /** How the keys of a provider stand in this process, in their order. */
  keysOf(name: string): readonly KeyStanding[]
  /** Every key that is held here, those out of use among them. */
  heldKeys(): readonly HeldKey[]
  /** The keys with which something was asked since the last call. */
  takeUsedKeys(): readonly Pick<HeldKey, 'provider' | 'secret'>[]
  /** Takes exactly these out of use until they are not named any more; calls under way end. */
  switchOff(names: ReadonlySet<string>): void
  /** Takes over what differs; calls under way end on the providers they have. */
  reconfigure(settings: ProviderSettings): void
  /** The tries behind what `call` threw; empty for any other error. */
  attemptsOf(thrown: unknown): readonly Attempt[]
  close(): Promise<void>
}

/** Longest wait for a provider that is only to be connected to. */
const REACH_MS = 2_000

const openGate: GatePort = {
  enter: () => true,
  wait: () => Promise.resolve(),
  answered: () => {},
  failed: () => {},
  leave: () => {},
}

/** Builds every provider; nothing is connected to before it is asked. */
export const createProviders = (options: ProvidersOptions): Providers => {
  const { clock, log } = options

  const registry = createRegistry(options.configs, options, log, options.changed)
  let defaults: ProviderDefaults = options
  /** Servers that nobody named. */
  const detector = createDetector(options.lookedFor, (name, config) => standUp(name, config, defaults, log), {
    clock,
    isTaken: (name) => registry.isNamed(name),
  })

  const standing = (name: string): Standing | undefined => registry.get(name) ?? detector.get(name)
  const provider = (name: string): Provider | undefined => standing(name)?.provider

  const images = options.images && createFetchedImages(options.images.fetch, options.images.bounds)

  const attempt = createAttempts({
    provider: (name) => {
      const found = standing(name)
      found?.usage.mark()
      return found?.provider
    },
    circuit: options.circuit,
    gate: options.gate ?? (() => openGate),
    budget: createRetryBudget(clock),
    clock,
    faultPoints: options.faultPoints ?? noFaults,
    random: options.random ?? Math.random,
    traceHeaders: options.traceHeaders ?? (() => []),
    prepare: (asked, request, signal) =>
      images?.prepare(asked, request, registry.get(asked.name)?.options.fetchImages === true, signal) ??
      Promise.resolve({ request, release: () => {} }),
  })

  const close = async (): Promise<void> => {
    await Promise.all([registry.close(), detector.close(), images?.stop()])
  }

  return {
    name: 'providers',
    call: (targets, request, exchange, signal) => attempt(targets, request, exchange, signal),
    listModels: async (name, signal) => {
      const found = provider(name)
      if (found === undefined) throw new AppError('model_not_found', { detail: `There is no provider ${name}.` })
      return found.listModels(signal)
    },
    reach: async () => {
      const asked = registry.names().map(async (name) => {
        const controller = new AbortController()
        const limit = clock.after(REACH_MS, () => controller.abort())
        await registry.get(name)?.provider.listModels(controller.signal)
        limit.cancel()
      })
      const told = await Promise.allSettled(asked)
      return told.filter(({ status }) => status === 'fulfilled').length
    },
    names: () => [...registry.names(), ...detector.names()],
    kindOf: (name) => provider(name)?.kind,
    optionsOf: (name) => (registry.get(name) ?? detector.known(name))?.options,
    secretsOf: (name) => registry.get(name)?.secrets ?? [],
    configured: registry.configured,
    listModelsOf: async (name, config, signal) => {
      const { provider: asked } = standUp(name, config, options, log)
      try {
        return await asked.listModels(signal)
      } finally {
        await asked.close()
      }
    },
    replace: registry.replace,
    remove: registry.remove,
    keysOf: registry.keysOf,
    heldKeys: () => heldKeys(registry.all()),
    takeUsedKeys: () => takeUsedKeys(registry.all()),
    switchOff: registry.switchOff,
    reconfigure: (settings) => {
      registry.reconfigure(settings.configs, settings)
      defaults = settings
      detector.reconfigure(settings.lookedFor)
    },
    attemptsOf: (thrown) => (thrown instanceof UpstreamFailure ? thrown.attempts : []),
    start: () => {
      if (registry.names().length === 0) log.warn({ component: 'providers' }, 'No provider is configured.')
      detector.start()
    },
    relieve: () => {
      registry.relieve()
      images?.rest()
    },
    stop: close,
    close,
  }
}
