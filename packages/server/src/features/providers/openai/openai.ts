import type { Dispatcher } from 'undici'
import type { InferenceRequest } from '../../../domain/inference.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import {
  CallNotSent,
  type ListedModel,
  type Provider,
  type ProviderAnswer,
  type ProviderCall,
  ProviderFault,
  abortReason,
} from '../provider.ts'
import { type CallSetting, OpenAICall } from './call.ts'
import { type ConnectionOptions, openConnections } from './connections.ts'
import { type DialectName, adapterFor, withoutSafe } from './dialect.ts'
import { type Expectation, expectationOf, wholeAnswer } from './expectation.ts'
import {
  formHeaders,
  operationPath,
  providerHeaders,
  upstreamBody,
  type UpstreamBody,
  withPresentCap,
} from './request.ts'

/** How to reach one OpenAI-compatible server. */
export interface OpenAIOptions extends CallSetting, Omit<ConnectionOptions, 'connectMs'> {
  readonly name: string
  /** Up to and including the version, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string
  readonly apiKey?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Ask for the usage of every stream; false for a server that refuses `stream_options`. */
  readonly streamUsage: boolean
  /** Of a host that takes requests in words of its own; absent: as its address tells. */
  readonly dialect?: DialectName | undefined
  readonly version: string
}

/** What a request says beyond the headers of its provider. */
type Told = Pick<ProviderCall, 'requestId' | 'trace'>

/** A connection pool of one server, and calls over it. */
export class OpenAIServer {
  readonly #pool: Dispatcher
  readonly #origin: string
  readonly #basePath: string
  readonly #headers: readonly string[]
  readonly #setting: CallSetting

  constructor(options: OpenAIOptions) {
    const url = new URL(options.baseUrl)
    this.#basePath = url.pathname.replace(/\/+$/, '')
    this.#headers = providerHeaders(options.apiKey, options.headers, options.version)
    this.#setting = options
    this.#origin = url.origin
    this.#pool = openConnections(url.origin, { ...options, connectMs: options.timeouts.connectMs })
  }

  /** One HTTP request; `path` stands below the base address. */
  send(
    method: 'GET' | 'POST',
    path: string,
    body: UpstreamBody | null,
    expected: Expectation,
    told: Told | null,
    signal: CancelSignal,
    contentType: string | null = null,
  ): Promise<ProviderAnswer> {
    if (signal.aborted) return Promise.reject(new CallNotSent(abortReason(signal)))
    const own = contentType === null || body === null ? this.#headers : formHeaders(this.#headers, contentType, body)
    const headers = told === null ? (own as string[]) : ['x-request-id', told.requestId, ...told.trace, ...own]
    return new Promise((resolve, reject) => {
      const call = new OpenAICall(this.#setting, expected, signal, resolve, reject)
      try {
        const request = {
          origin: this.#origin,
          method,
          path: this.#basePath + path,
          headers,
          body: body as Buffer | null,
        }
        this.#pool.dispatch(request, call)
      } catch (error) {
        call.onResponseError(null, error as Error)
      }
    })
  }

  /** A small JSON document, parsed. */
  async get(path: string, signal: CancelSignal, told: Told | null = null): Promise<unknown> {
    const answer = await this.send('GET', path, null, wholeAnswer, told, signal)
    return answer.kind === 'json' ? JSON.parse(answer.body.toString('utf8')) : null
  }

  /** Ends once the calls under way have. */
  retire(): Promise<void> {
    return this.#pool.close()
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }
}

const finite = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : null

/** Entries of OpenAI's model list; `context_length` and `context_window` are what several compatible servers add. */
export const readModels = (list: unknown): ListedModel[] => {
  const { data } = (list ?? {}) as { data?: unknown }
  if (!Array.isArray(data)) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  return data.flatMap((entry: unknown) => {
    const { id, created, context_length, context_window } = (entry ?? {}) as Record<string, unknown>
    if (typeof id !== 'string' || id === '' || id.length > 256) return []
    const contextTokens = finite(context_length) ?? finite(context_window)
    return [{ id, operations: null, contextTokens, created: finite(created) }]
  })
}

/** Any server that speaks OpenAI's API. */
export const createOpenAIProvider = (options: OpenAIOptions): Provider => {
  const server = new OpenAIServer(options)
  const { hostname } = new URL(options.baseUrl)
  const isOpenAI = hostname.endsWith('openai.com')
  const adapt = adapterFor(hostname, options.dialect)
  const written = (request: InferenceRequest, model: string) =>
    upstreamBody(
      isOpenAI ? withoutSafe(request.translation === undefined ? request : withPresentCap(request)) : request,
      model,
      options.streamUsage && adapt === null,
    )
  const send = ({ model, request, requestId, trace, signal }: ProviderCall) =>
    server.send(
      'POST',
      operationPath[request.operation],
      written(request, model),
      expectationOf(request),
      { requestId, trace },
      signal,
      request.media?.contentType,
    )
  return {
    name: options.name,
    kind: 'openai',
    call:
      adapt === null
        ? send
        : async (call) => {
            const { request, warning } = adapt(call.request)
            const answer = await send({ ...call, request })
            return warning === null ? answer : { ...answer, warning }
          },
    listModels: async (signal) => readModels(await server.get('/models', signal)),
    retire: () => server.retire(),
    close: () => server.close(),
  }
}
