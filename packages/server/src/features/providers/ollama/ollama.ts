import type { ListedModel, Provider } from '../provider.ts'
import { ProviderFault } from '../provider.ts'
import { type OpenAIOptions, OpenAIServer } from '../openai/openai.ts'
import { expectationOf } from '../openai/expectation.ts'
import { operationPath, upstreamBody } from '../openai/request.ts'

const readTags = (tags: unknown): ListedModel[] => {
  const { models } = (tags ?? {}) as { models?: unknown }
  if (!Array.isArray(models)) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  return models.flatMap((entry: unknown) => {
    const { name, modified_at } = (entry ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || name === '' || name.length > 256) return []
    const modified = typeof modified_at === 'string' ? Date.parse(modified_at) : Number.NaN
    return [
      {
        id: name,
        operations: null,
        contextTokens: null,
        created: Number.isNaN(modified) ? null : Math.floor(modified / 1000),
      },
    ]
  })
}

/** An Ollama, its address with or without `/v1`: its OpenAI-compatible endpoint for calls, its own `/api/tags` for the models that are installed. */
export const createOllamaProvider = (options: OpenAIOptions): Provider => {
  const root = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '')
  const server = new OpenAIServer({ ...options, baseUrl: root })
  return {
    name: options.name,
    kind: 'ollama',
    call: ({ model, request, requestId, trace, signal }) =>
      server.send(
        'POST',
        `/v1${operationPath[request.operation]}`,
        upstreamBody(request, model, options.streamUsage),
        expectationOf(request),
        { requestId, trace },
        signal,
      ),
    listModels: async (signal) => readTags(await server.get('/api/tags', signal)),
    retire: () => server.retire(),
    close: () => server.close(),
  }
}
