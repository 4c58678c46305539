import type { Attempt } from '../../domain/hold.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { UpstreamAnswer } from '../../domain/upstream.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { type FaultPoints, noFaults } from '../../kernel/fault-points.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createRetryBudget } from '../../kernel/retry.ts'
import { UpstreamFailure, createAttempts } from './attempts.ts'
import { createDemoProvider } from './demo/demo.ts'
import { createOllamaDetector } from './ollama/detect.ts'
import { createOllamaProvider } from './ollama/ollama.ts'
import type { Timeouts } from './openai/call.ts'
import { createOpenAIProvider } from './openai/openai.ts'
import type { ListedModel, Provider, ProviderKind } from './provider.ts'
import type { CircuitPort } from './providers.ports.ts'

/** A value that only shows itself when asked. */
interface Secret {
  reveal(): string
}

/** One configured provider. */
export interface ProviderOptions {
  readonly kind: ProviderKind
  /** Needed by all kinds but `demo`. */
  readonly baseUrl?: string | undefined
  readonly apiKey?: Secret | undefined
  readonly headers?: Readonly<Record<string, Secret>> | undefined
  /** Ask for the usage of every stream (true); false for a server that refuses `stream_options`. */
  readonly streamUsage?: boolean | undefined
  /** Where they differ from those of the house. */
  readonly timeouts?: Partial<Timeouts> | undefined
}

export interface ProvidersOptions {
  readonly configs: Readonly<Record<string, ProviderOptions>>
  /** Address of the Ollama to look for; null when none is to be. */
  readonly ollamaAutodetect: string | null
  readonly timeouts: Timeouts
  readonly maxResponseBytes: number
  /** Most connections to one provider. */
  readonly connections: number
  /** Of Headgate, for the user agent. */
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly circuit: CircuitPort
  readonly faultPoints?: FaultPoints
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
    exchange: Pick<Exchange, 'id'>,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer>
  /** @throws AppError when the provider does not answer. */
  listModels(provider: string, signal: AbortSignal): Promise<readonly ListedModel[]>
  /** Providers that can be called now: the configured ones, and an Ollama that was found. */
  names(): readonly string[]
  kindOf(provider: string): ProviderKind | undefined
  /** The tries behind what `call` threw; empty for any other error. */
  attemptsOf(thrown: unknown): readonly Attempt[]
  close(): Promise<void>
}

const OLLAMA = 'ollama'

const revealAll = (headers: Readonly<Record<string, Secret>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]))

/** Builds every provider; nothing is connected to before it is asked. */
export const createProviders = (options: ProvidersOptions): Providers => {
  const { clock, log } = options

  const build = (name: string, config: ProviderOptions): Provider => {
    if (config.kind === 'demo') return createDemoProvider({ name, clock })
    const headers = revealAll(config.headers)
    const apiKey = config.apiKey?.reveal()
    const shared = {
      name,
      baseUrl: config.baseUrl ?? '',
      apiKey,
      headers,
      streamUsage: config.streamUsage ?? true,
      secrets: [...(apiKey === undefined ? [] : [apiKey]), ...Object.values(headers)],
      timeouts: { ...options.timeouts, ...config.timeouts },
      maxResponseBytes: options.maxResponseBytes,
      connections: options.connections,
      version: options.version,
      clock,
    }
    return config.kind === 'ollama' ? createOllamaProvider(shared) : createOpenAIProvider(shared)
  }

  const configured = new Map(Object.entries(options.configs).map(([name, config]) => [name, build(name, config)]))
  const ollama =
    options.ollamaAutodetect === null || configured.has(OLLAMA)
      ? null
      : build(OLLAMA, { kind: 'ollama', baseUrl: options.ollamaAutodetect })
  const detector = ollama === null ? null : createOllamaDetector(ollama, clock)

  const provider = (name: string): Provider | undefined =>
    configured.get(name) ?? (name === OLLAMA && detector?.found === true && ollama !== null ? ollama : undefined)

  const attempt = createAttempts({
    provider,
    circuit: options.circuit,
    budget: createRetryBudget(clock),
    clock,
    faultPoints: options.faultPoints ?? noFaults,
    random: options.random ?? Math.random,
  })

  const close = async (): Promise<void> => {
    detector?.stop()
    await Promise.all([...configured.values(), ...(ollama === null ? [] : [ollama])].map((one) => one.close()))
  }

  return {
    name: 'providers',
    call: (targets, request, exchange, signal) => attempt(targets, request, exchange.id, signal),
    listModels: async (name, signal) => {
      const found = provider(name)
      if (found === undefined) throw new AppError('model_not_found', { detail: `There is no provider ${name}.` })
      return found.listModels(signal)
    },
    names: () => (detector?.found === true ? [...configured.keys(), OLLAMA] : [...configured.keys()]),
    kindOf: (name) => provider(name)?.kind,
    attemptsOf: (thrown) => (thrown instanceof UpstreamFailure ? thrown.attempts : []),
    start: () => {
      if (configured.size === 0) log.warn({ component: 'providers' }, 'No provider is configured.')
      detector?.start()
    },
    stop: close,
    close,
  }
}
