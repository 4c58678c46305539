import packageDescription from '../../package.json' with { type: 'json' }
import {
  anthropicAddress,
  elevenLabsAddress,
  geminiAddress,
  ollamaAddress,
  providerPresets,
} from '../config/provider-presets.ts'
import { searchPath } from '../config/env.ts'
import type { Config } from '../config/schema.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Target } from '../domain/model.ts'
import type { ProviderKind } from '../domain/provider-kind.ts'
import { localPlaces } from '../features/providers/local/places.ts'
import type { ProviderSettings } from '../features/providers/providers.ts'
import type { QueueSettings } from '../features/queue/queue.ts'
import type { Clock } from '../kernel/clock.ts'
import { createPriorityOf } from './configured-limits.ts'
import { type Crew, partOf } from './crew.ts'

/** How a provider of kind `http` is asked, and what it lists. */
const templatesOf = ({ kind, templates = {}, models }: Config['providers'][string]) =>
  kind !== 'http'
    ? {}
    : {
        models,
        templates: Object.fromEntries(
          Object.entries(templates).flatMap(([operation, template]) => {
            if (template === undefined) return []
            const { content_type: contentType = 'application/json', ...rest } = template
            return [[operation, { ...rest, contentType }]]
          }),
        ),
      }

/** Providers with the secrets that belong to them. */
const adaptProviders = (config: Config, secrets: Secrets) =>
  Object.fromEntries(
    Object.entries(config.providers).map(([name, provider]) => {
      const { connect_ms, first_byte_ms, idle_ms, total_ms } = provider.timeouts ?? {}
      return [
        name,
        {
          kind: provider.kind,
          baseUrl: provider.base_url,
          apiVersion: provider.api_version,
          apiKey: secrets.providers[name]?.api_key ?? secrets.providers[name]?.api_keys[0],
          moreKeys: secrets.providers[name]?.api_keys.slice(secrets.providers[name]?.api_key === undefined ? 1 : 0),
          headers: secrets.providers[name]?.headers,
          proxy: provider.proxy === 'none' ? null : provider.proxy,
          proxyLogin: secrets.providers[name]?.proxy_login,
          ca: provider.ca,
          streamUsage: provider.stream_usage,
          dialect: provider.dialect,
          voices: provider.voices,
          ...templatesOf(provider),
          fetchImages: provider.fetch_images,
          ...(provider.kind === 'local' && { searchPath: searchPath() }),
          timeouts: {
            ...(connect_ms !== undefined && { connectMs: connect_ms }),
            ...(first_byte_ms !== undefined && { firstByteMs: first_byte_ms }),
            ...(idle_ms !== undefined && { idleMs: idle_ms }),
            ...(total_ms !== undefined && { totalMs: total_ms }),
          },
        },
      ]
    }),
  )

/** Servers that are looked for on loopback, by the names they will have. */
const serversLookedFor = ({ ollama_autodetect, local_engines, port }: Config): ProviderSettings['lookedFor'] => {
  const llamacpp = providerPresets.find(({ name }) => name === 'llamacpp')?.base_url
  // On that port it would find this Headgate.
  const isFree = llamacpp !== undefined && new URL(llamacpp).port !== String(port)
  return {
    ...((ollama_autodetect || local_engines) && { ollama: { kind: 'ollama', baseUrl: ollamaAddress, isFound: true } }),
    ...(local_engines && isFree && { llamacpp: { kind: 'openai', baseUrl: llamacpp, isFound: true } }),
  }
}

/** How providers are reached. */
export const providerSettings = (config: Config, secrets: Secrets, clock: Clock): ProviderSettings => ({
  configs: adaptProviders(config, secrets),
  lookedFor: serversLookedFor(config),
  timeouts: {
    connectMs: config.timeouts.connect_ms,
    firstByteMs: config.timeouts.first_byte_ms,
    idleMs: config.timeouts.idle_ms,
    totalMs: config.timeouts.total_ms,
  },
  maxResponseBytes: config.upstream.max_response_bytes,
  connections: config.upstream.connections,
  proxy: config.upstream.proxy,
  proxyLogin: secrets.upstream_proxy_login,
  ca: config.upstream.ca,
  version: packageDescription.version,
  clock,
})

/** How people prove who they are; each is asked for anew. */
export const peopleSettings = (config: () => Config) => ({
  configured: () => config().issuers,
  devices: () => config().devices,
  signatureWindowSeconds: () => config().user_signatures.window_seconds,
  tiers: () => Object.keys(config().tiers),
})

/** How long answers are kept for retries, and how long they may be. */
export const idempotencySettings = ({ idempotency }: Config) => ({
  keepHours: idempotency.keep_hours,
  maxAnswerBytes: idempotency.max_answer_bytes,
})

/** Which calls may be answered by answers given before, and how old those may be. */
export const cacheRules = ({ cache }: Config) => ({
  models: cache.store === 'none' ? [] : cache.models,
  operations: cache.store === 'none' ? [] : cache.operations,
  maxAgeMs: cache.max_age_seconds * 1_000,
  staleMs: cache.stale_seconds * 1_000,
  longestMs: cache.longest_seconds * 1_000,
})

/** What of streams is kept for readers who come back. */
export const resumeBounds = ({ resume }: Config) => ({
  streamBytes: resume.stream_bytes,
  totalBytes: resume.total_bytes,
  keepMs: resume.keep_minutes * 60_000,
  lingerMs: resume.linger_ms,
})

/** Least to which the limit of a provider falls by itself. */
const LEAST_CONCURRENCY = 32

/** How many calls go to each provider at once, and how the others wait: each process of a crew has its part of the places. */
export const queueSettings = (config: Config, crew: Pick<Crew, 'number' | 'size'>): QueueSettings => {
  const isLocal = (provider: string): boolean => config.providers[provider]?.kind === 'local'
  return {
    waits: { maxWaiting: partOf(config.queue.max_waiting, crew), maxWaitMs: config.queue.max_wait_ms },
    totalMsOf: (provider) => config.providers[provider]?.timeouts?.total_ms ?? config.timeouts.total_ms,
    limitOf: (provider) => {
      const {
        initial,
        min,
        max = isLocal(provider) ? localPlaces() : config.upstream.connections,
        adaptive = !isLocal(provider),
      } = config.providers[provider]?.concurrency ?? {}
      const mine = (places: number) => partOf(places, crew)
      const least = min ?? Math.min(LEAST_CONCURRENCY, initial ?? max)
      return { initial: mine(initial ?? max), min: mine(least), max: mine(max), adaptive }
    },
    priorityOf: createPriorityOf(config),
  }
}

/** Where a service known by its name, a kind that is one service, or an Ollama on its usual port, is reached. */
export const usualAddress = (name: string, kind: ProviderKind): string | undefined => {
  if (kind === 'ollama') return ollamaAddress
  if (kind === 'anthropic') return anthropicAddress
  if (kind === 'gemini') return geminiAddress
  if (kind === 'elevenlabs') return elevenLabsAddress
  return providerPresets.find((preset) => preset.name === name && preset.kind === kind)?.base_url
}

/** What routing reads of the configuration. */
export const routingConfig = ({ providers, models, routes, auto, licences, tiers }: Config) => ({
  offered: Object.fromEntries(Object.entries(providers).map(([name, provider]) => [name, provider.models])),
  models: Object.fromEntries(
    Object.entries(models).map(([name, model]) => [
      name,
      {
        maxOutputTokens: model.max_output_tokens,
        contextTokens: model.context_tokens,
        quality: model.quality,
        qualityByTask: model.quality_by_task,
      },
    ]),
  ),
  routes: Object.fromEntries(
    Object.entries(routes).map(([name, { targets, fallbacks = [] }]) => [
      name,
      { targets: Object.entries(targets).map(([model, target]) => ({ ...target, model })), fallbacks },
    ]),
  ),
  ...(auto.models.length > 0 && { autoModels: auto.models }),
  ...(licences.allow.length + licences.deny.length > 0 && { licences }),
  tierModels: Object.fromEntries(Object.entries(tiers).map(([name, tier]) => [name, tier.models])),
})

/**
 * The member by which a provider is told its output cap: OpenAI itself has renamed it and refuses the old name on its
 * reasoning models; most compatible servers know the old one only.
 */
export const outputCapMember = (addressOf: (provider: string) => string | undefined) => {
  // Few addresses are configured, and each is read once.
  const known = new Map<string, boolean>()
  const isOpenAI = (address: string): boolean => {
    let answer = known.get(address)
    if (answer === undefined) known.set(address, (answer = new URL(address).hostname.endsWith('openai.com')))
    return answer
  }
  return ({ provider }: Target): 'max_tokens' | 'max_completion_tokens' => {
    const address = addressOf(provider)
    return address !== undefined && isOpenAI(address) ? 'max_completion_tokens' : 'max_tokens'
  }
}

/** A target by its name alone, for looking its price up. */
export const targetNamed = (name: string): Target => {
  const slash = name.indexOf('/')
  return {
    name,
    provider: name.slice(0, slash),
    model: name.slice(slash + 1),
    operations: [],
    maxOutputTokens: null,
    contextTokens: null,
  }
}

/** Takes out of a provider's words what was sent to it in confidence. */
export const hideSecrets =
  (secretsOf: (provider: string) => readonly string[]) =>
  (words: string, provider: string): string =>
    secretsOf(provider)
      .filter(({ length }) => length >= 4)
      .reduce((clean, secret) => clean.replaceAll(secret, '***'), words)
