import { withoutSafe } from '../openai/dialect.ts'
import { expectationOf } from '../openai/expectation.ts'
import { faultOfStatus } from '../openai/faults.ts'
import { type OpenAIOptions, OpenAIServer, readModels } from '../openai/openai.ts'
import { operationPath, upstreamBody } from '../openai/request.ts'
import { type Provider, ProviderFault } from '../provider.ts'
import { membersOf } from '../translation/parts.ts'

/** How to reach a resource of Azure OpenAI. */
interface AzureOptions extends OpenAIOptions {
  /** Names the surface by deployments; absent: the v1 surface, which needs none. */
  readonly apiVersion?: string | undefined
}

/** Categories for which Azure refused, such as `hate (medium)` (learn.microsoft.com/azure/ai-services/openai/concepts/content-filter). */
const filteredCategories = (body: unknown): string[] => {
  const { content_filter_result: one, content_filter_results: several } = membersOf(
    membersOf(membersOf(body)['error'])['innererror'],
  )
  return Object.entries(membersOf(one ?? several)).flatMap(([category, verdict]) => {
    const { filtered, severity } = membersOf(verdict)
    if (filtered !== true || !/^[a-z_]{1,40}$/.test(category)) return []
    return [typeof severity === 'string' && /^[a-z]{1,12}$/.test(severity) ? `${category} (${severity})` : category]
  })
}

/** As OpenAI's, and why a content filter refused. */
const azureFault: typeof faultOfStatus = (status, body, retryAfterMs, secrets) => {
  const fault = faultOfStatus(status, body, retryAfterMs, secrets)
  const categories = fault.code === 'upstream_content_refused' ? filteredCategories(body) : []
  if (categories.length === 0) return fault
  return new ProviderFault(fault.code, {
    ...fault.options,
    upstreamStatus: status,
    retry: fault.retry,
    detail: `${fault.options.detail ?? 'The provider refused.'} Filtered: ${categories.join(', ')}.`,
  })
}

/**
 * Azure OpenAI: OpenAI's protocol byte for byte, by the v1 surface or, where an `apiVersion` is given, by deployments
 * (learn.microsoft.com/azure/ai-services/openai/api-version-lifecycle). A model's name is that of its deployment.
 */
export const createAzureProvider = (options: AzureOptions): Provider => {
  const { apiKey, apiVersion } = options
  const headers = { ...(apiKey !== undefined && { 'api-key': apiKey }), ...options.headers }
  const resource = options.baseUrl.replace(/\/+$/, '').replace(/\/openai(\/v1)?$/, '')
  const baseUrl = `${resource}/openai${apiVersion === undefined ? '/v1' : ''}`
  const server = new OpenAIServer({ ...options, baseUrl, apiKey: undefined, headers, faultOf: azureFault })
  const query = apiVersion === undefined ? '' : `?api-version=${encodeURIComponent(apiVersion)}`
  const pathOf = (deployment: string, path: string): string =>
    apiVersion === undefined ? path : `/deployments/${encodeURIComponent(deployment)}${path}${query}`

  return {
    name: options.name,
    kind: 'azure',
    call: ({ model, request, requestId, trace, signal }) =>
      server.send(
        'POST',
        pathOf(model, operationPath[request.operation]),
        upstreamBody(withoutSafe(request), model, options.streamUsage),
        expectationOf(request),
        { requestId, trace },
        signal,
        request.media?.contentType,
      ),
    listModels: async (signal) => readModels(await server.get(`/models${query}`, signal)),
    retire: () => server.retire(),
    close: () => server.close(),
  }
}
