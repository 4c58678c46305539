import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ChatBody } from './answer.ts'
import { answerChat } from './chat.ts'
import { type Address, readAddress } from './addresses.ts'
import { type ConverseBody, answerConverse } from './converse.ts'
import { type EmbeddingsBody, type InvokeBody, answerEmbeddings, answerInvoke } from './embeddings.ts'
import { Exchange } from './exchange.ts'
import { answerImages, answerModerations, answerSpeech, answerTextToSpeech, answerTranscript } from './media.ts'
import { type MediaBody, readForm } from './media-request.ts'
import {
  type BatchEmbedBody,
  type GenerateContentBody,
  answerBatchEmbed,
  answerGenerateContent,
} from './generate-content.ts'
import { answerMessages } from './messages.ts'
import type { MessagesBody } from './messages-request.ts'
import { answerCloudModels, answerModels } from './models.ts'
import { answerInstead, refuse } from './plain-writer.ts'
import { type Script, ScriptError, parseScript, splitModel, withoutFaults } from './script.ts'
import { type RecordedRequest, TruthLog, type TruthRow } from './truth.ts'

/** How to start the upstream. */
export interface UpstreamOptions {
  /** 0, the default, takes a free one. */
  port?: number
  /** 127.0.0.1 by default. */
  host?: string
  /** Appends every settled truth row to this file as a JSON line. */
  truthFile?: string
}

/** A running scripted upstream. */
export interface Upstream {
  /** Without a trailing slash and without `/v1`. */
  url: string
  port: number
  truth(): TruthRow[]
  truthOf(requestId: string): TruthRow[]
  requests(): RecordedRequest[]
  /** Forgets truth, requests, and how far `fail-first` and `fail-ms` have come. */
  reset(): void
  close(): Promise<void>
}

type ScriptedBody = { model: string; stream?: boolean }
type Answerer = (exchange: Exchange, script: Script, body: never) => Promise<void>

const answerers: Readonly<Record<string, Answerer>> = {
  '/v1/chat/completions': (exchange, script, body: ChatBody) => answerChat(exchange, script, body),
  '/v1/embeddings': (exchange, script, body: EmbeddingsBody) => answerEmbeddings(exchange, script, body),
  '/v1/images/generations': (exchange, script, body: MediaBody) => answerImages(exchange, script, body),
  '/v1/images/edits': (exchange, script, body: MediaBody) => answerImages(exchange, script, body),
  '/v1/images/variations': (exchange, script, body: MediaBody) => answerImages(exchange, script, body),
  '/v1/audio/speech': (exchange, script, body: MediaBody) => answerSpeech(exchange, script, body),
  'text-to-speech': (exchange, script, body: MediaBody) => answerTextToSpeech(exchange, script, body),
  '/v1/audio/transcriptions': (exchange, script, body: MediaBody) => answerTranscript(exchange, script, body),
  '/v1/audio/translations': (exchange, script, body: MediaBody) => answerTranscript(exchange, script, body),
  '/v1/moderations': (exchange, script, body: MediaBody) => answerModerations(exchange, script, body),
  '/v1/messages': (exchange, script, body: MessagesBody) => answerMessages(exchange, script, body),
  generateContent: (exchange, script, body: GenerateContentBody) => answerGenerateContent(exchange, script, body),
  batchEmbedContents: (exchange, script, body: BatchEmbedBody) => answerBatchEmbed(exchange, script, body),
  invoke: (exchange, script, body: InvokeBody) => answerInvoke(exchange, script, body),
  converse: (exchange, script, body: ConverseBody) => answerConverse(exchange, script, body),
}

const largestBody = 64 * 1024 * 1024

const readBody = (request: IncomingMessage): Promise<Buffer | 'too large'> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > largestBody) resolve('too large')
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', reject)
  })

const sendPlain = (response: ServerResponse, status: number, value: unknown): void => {
  const bytes = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}

const headerOf = (request: IncomingMessage, name: string): string | null => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

class UpstreamHandler {
  readonly truth: TruthLog
  readonly #failures = new Map<string, number>()
  readonly #firsts = new Map<string, number>()
  /** Identical bodies are parsed and counted once: benchmarks send the same one all the time. */
  readonly #parsed = new Map<string, ScriptedBody>()

  constructor(truth: TruthLog) {
    this.truth = truth
  }

  reset(): void {
    this.truth.reset()
    this.#failures.clear()
    this.#firsts.clear()
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const target = request.url ?? '/'
    const query = target.indexOf('?')
    const path = query < 0 ? target : target.slice(0, query)
    if (path.startsWith('/__'))
      return this.#handleOwn(request, response, path, new URLSearchParams(target.slice(path.length)))
    const row = this.truth.open(path, headerOf(request, 'x-request-id'))
    const exchange = new Exchange(request, response, row, this.truth)
    const address = readAddress(request, path)
    this.#answer(exchange, path, address).catch((fault: unknown) => {
      if (exchange.closed) return
      if (response.headersSent) {
        response.destroy()
        return
      }
      const isScriptFault = fault instanceof ScriptError
      const message = fault instanceof Error ? fault.message : String(fault)
      const { dialect } = address
      const body = isScriptFault
        ? dialect.error(`scripted upstream: ${message}`, 'invalid_request_error', 'invalid_script')
        : dialect.error(`scripted upstream failed: ${message}`, 'server_error', 'upstream_fault')
      refuse(exchange, isScriptFault ? 400 : 500, body)
    })
  }

  #handleOwn(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): void {
    request.resume()
    if (path === '/__health') return sendPlain(response, 200, { status: 'ok' })
    if (path === '/__requests') {
      return sendPlain(
        response,
        200,
        this.truth.requests().map(({ body: _, ...rest }) => rest),
      )
    }
    if (path === '/__truth' && request.method === 'DELETE') {
      this.reset()
      response.writeHead(204).end()
      return
    }
    if (path === '/__truth') {
      const id = query.get('request_id')
      return sendPlain(
        response,
        200,
        id === null ? this.truth.rows() : this.truth.rows().filter((row) => row.request_id === id),
      )
    }
    sendPlain(response, 404, { error: { message: `no such page: ${path}` } })
  }

  async #answer(exchange: Exchange, path: string, { dialect, operation, told }: Address): Promise<void> {
    const { request, row } = exchange
    const bytes = await readBody(request)
    if (bytes === 'too large')
      return refuse(exchange, 413, dialect.error('The body is too large.', 'invalid_request_error', null))
    const text = bytes.length <= 65_536 ? bytes.toString() : null
    this.truth.record({
      sequence: row.sequence,
      method: request.method ?? '',
      path,
      headers: request.headers,
      body_bytes: bytes.length,
      body: text,
    })
    if (operation === 'models') return answerCloudModels(exchange, dialect)
    if (operation === '/v1/models' || operation.startsWith('/v1/models/'))
      return answerModels(exchange, operation, dialect)
    const answerer = answerers[operation]
    if (answerer === undefined || request.method !== 'POST') {
      return refuse(
        exchange,
        404,
        dialect.error(`Unknown request URL: ${request.method} ${path}.`, 'invalid_request_error', 'unknown_url'),
      )
    }
    const type = headerOf(request, 'content-type') ?? ''
    const body = type.startsWith('multipart/') ? readForm(bytes, type) : this.#parse(bytes, text, told)
    row.model = body.model
    row.stream = body.stream === true
    const script = this.#scriptFor(request, body.model)
    if (script.delay !== undefined && !(await exchange.sleep(script.delay))) return
    if (answerInstead(exchange, script, dialect)) return
    await answerer(exchange, script, body as never)
  }

  #parse(bytes: Buffer, text: string | null, told: Address['told']): ScriptedBody {
    const known = text === null || told !== null ? undefined : this.#parsed.get(text)
    if (known !== undefined) return known
    let body: unknown
    try {
      body = JSON.parse(text ?? bytes.toString())
    } catch {
      throw new ScriptError('the body is not JSON')
    }
    if (told !== null) return { ...(body as object), ...told }
    // ElevenLabs names the model otherwise.
    const { model_id } = (body ?? {}) as { model_id?: unknown }
    if (typeof model_id === 'string') return { ...(body as object), model: model_id }
    if (typeof (body as ScriptedBody | null)?.model !== 'string') throw new ScriptError('model is required')
    if (text !== null) {
      if (this.#parsed.size >= 500) this.#parsed.clear()
      this.#parsed.set(text, body as ScriptedBody)
    }
    return body as ScriptedBody
  }

  #scriptFor(request: IncomingMessage, model: string): Script {
    const script = parseScript(headerOf(request, 'x-upstream-script') ?? splitModel(model).source)
    const limit = script['fail-first']
    const milliseconds = script['fail-ms']
    if (limit === undefined && milliseconds === undefined) return script
    const key = `${model}\n${script.source}`
    if (milliseconds !== undefined) {
      const now = performance.now()
      const first = this.#firsts.get(key) ?? now
      this.#firsts.set(key, first)
      if (now - first >= milliseconds) return withoutFaults(script)
    }
    if (limit === undefined) return script
    const failures = this.#failures.get(key) ?? 0
    if (failures >= limit) return withoutFaults(script)
    this.#failures.set(key, failures + 1)
    return script
  }
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

/** Starts the scripted upstream: a provider that speaks the protocols of OpenAI, Azure, Anthropic, Gemini, Bedrock and ElevenLabs, scripted in its faults, its truth logged. */
export const startUpstream = async (options: UpstreamOptions = {}): Promise<Upstream> => {
  const host = options.host ?? '127.0.0.1'
  const handler = new UpstreamHandler(new TruthLog(options.truthFile))
  const server = createServer({ keepAliveTimeout: 120_000, noDelay: true }, (request, response) =>
    handler.handle(request, response),
  )
  // a caller that resets its connection is part of the play, not an error of the server
  server.on('clientError', (_, socket) => socket.destroy())
  await listen(server, options.port ?? 0, host)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    truth: () => handler.truth.rows(),
    truthOf: (requestId) => handler.truth.rows().filter((row) => row.request_id === requestId),
    requests: () => handler.truth.requests(),
    reset: () => handler.reset(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          handler.truth.close()
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
