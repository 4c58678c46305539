import type { Caller } from '../../../domain/caller.ts'
import type { InferenceRequest } from '../../../domain/inference.ts'
import type { Target } from '../../../domain/model.ts'
import type { StreamSource } from '../../../domain/upstream.ts'
import { Walk } from '../../../domain/walk.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { outlineJson } from '../../../kernel/json.ts'
import { silentLog } from '../../../kernel/log.ts'
import { type Providers, type ProviderSettings, type ProvidersOptions, createProviders } from '../providers.ts'
import type { ProviderOptions } from '../provider-options.ts'

export const providerKey = 'canary-provider-key-0123456789'
export const secret = (value: string) => ({ reveal: () => value })

/** A request as the gateway would read it from these bytes. */
export const requestOf = (body: string | Buffer): InferenceRequest => {
  const bytes = Buffer.from(body)
  const parsed = JSON.parse(bytes.toString()) as Record<string, unknown>
  return {
    operation: parsed['input'] === undefined ? 'chat' : 'embeddings',
    model: parsed['model'] as string,
    stream: parsed['stream'] === true,
    includeUsage: (parsed['stream_options'] as { include_usage?: boolean } | null)?.include_usage === true,
    maxOutputTokens: (parsed['max_completion_tokens'] ?? parsed['max_tokens'] ?? null) as number | null,
    choices: 1,
    inputTokensBound: bytes.length,
    hasFiles: false,
    user: null,
    body: bytes,
    members: outlineJson(bytes).members,
  }
}

export const chatRequest = (model: string, more: Record<string, unknown> = {}): InferenceRequest =>
  requestOf(JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello there' }], ...more }))

export const targetOf = (name: string): Target => {
  const slash = name.indexOf('/')
  return {
    name,
    provider: name.slice(0, slash),
    model: name.slice(slash + 1),
    operations: ['chat', 'embeddings'],
    maxOutputTokens: null,
    contextTokens: null,
  }
}

/** As a reading of the configuration gives them. */
export const settingsOf = (configs: Record<string, ProviderOptions>): ProviderSettings => ({
  configs,
  lookedFor: {},
  timeouts: { connectMs: 1_000, firstByteMs: 5_000, idleMs: 5_000, totalMs: 10_000 },
  maxResponseBytes: 8_388_608,
  connections: 64,
  version: '0.1.0',
  clock: systemClock,
})

/** Providers with short deadlines and circuits that never open, unless told otherwise. */
export const providersOf = (
  configs: Record<string, ProviderOptions>,
  more: Partial<ProvidersOptions> = {},
): Providers =>
  createProviders({
    ...settingsOf(configs),
    log: silentLog,
    circuit: { allow: () => ({ allowed: true, retryAfterMs: 0 }), report: () => {} },
    ...more,
  })

/** One provider named `up` at this address. */
export const openaiAt = (url: string, more: Partial<ProviderOptions> = {}): Record<string, ProviderOptions> => ({
  up: { kind: 'openai', baseUrl: `${url}/v1`, apiKey: secret(providerKey), ...more },
})

/** Who asks where it does not matter. */
export const someone: Caller = {
  keyId: 'k1',
  projectId: 'p1',
  kind: 'secret',
  tier: 'free',
  models: null,
  budgetId: null,
  person: null,
}

let calls = 0

/** Asks a target once and tells what came. */
export const ask = (
  providers: Providers,
  model: string,
  more: Record<string, unknown> = {},
  signal: AbortSignal = new AbortController().signal,
  id = `req_${++calls}`,
) => providers.call([targetOf(model)], chatRequest(model, more), { id, walk: new Walk(0, 0), caller: someone, startedAt: 0 }, signal)

/** Everything that a stream delivers; rejects with what it fails with. */
export const drain = (source: StreamSource): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    source.start({
      data: (chunk) => chunks.push(chunk),
      end: () => resolve(Buffer.concat(chunks).toString()),
      fail: reject,
    })
  })

interface Fault {
  readonly code: string
  readonly message: string
  readonly options: Record<string, unknown>
}

/** The error of a promise that must fail. */
export const faultOf = async (promise: Promise<unknown>): Promise<Fault> => {
  try {
    await promise
  } catch (error) {
    return error as Fault
  }
  throw new Error('expected a fault')
}

/** Resolves once it is so; fails after five seconds. */
export const until = async (condition: () => boolean): Promise<void> => {
  const end = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('it never came to be')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
