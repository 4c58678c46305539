import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { exposedHeaders } from '@headgate/contract/headers.ts'
import Fastify from 'fastify'
import { AppError } from '../kernel/errors.ts'
import { type Respond, takePosts } from './posts.ts'
import { writeRefusal } from './reply.ts'
import { acceptRequestId } from './request-id.ts'
import { isPlainTarget } from './request-target.ts'
import { followSilentConnections } from './silent-connections.ts'
import { createStanding, type Door } from './standing.ts'
import { createUnrouted, methodsOf, pathsOf, type Refuse } from './unrouted.ts'

const MAX_HEADER_BYTES = 16_384
/** How long a caller may take to send the headers, and the whole request; how often this is looked at. */
const ARRIVAL = { headersMs: 10_000, requestMs: 30_000, checkMs: 1_000 } as const
/** Longer than the idle timeout of common load balancers (60 s), so that they and not we close first. */
const KEEP_ALIVE_MS = 72_000
/** How often connections that became idle are closed during a drain. */
const SWEEP_MS = 100
const PREFLIGHT_SECONDS = '600'

/** How the server listens. */
export interface ServerOptions extends Door {
  /** How long a request may take to arrive. */
  readonly arrival?: { readonly headersMs: number; readonly requestMs: number; readonly checkMs: number }
  readonly tls?: Certificate
}

/** A certificate chain and its private key, PEM. */
export interface Certificate {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** The HTTP door of the house. */
export interface HttpServer {
  /** Begins to listen; answers the port, which the system chose when 0 was asked for. */
  listen(host: string, port: number): Promise<number>
  /**
   * Puts the same routes, built anew, behind the door: requests from now on are theirs. Resolves when the last request of
   * the former ones has ended.
   */
  replace(door: Door): Promise<void>
  /** Takes another certificate for the connections to come. */
  present(certificate: Certificate): void
  /** Stops accepting and resolves once every open answer has ended; connections without a request are closed at once. */
  close(): Promise<void>
  /** Cuts what is still open. */
  closeAll(): void
}

/** Exactly one `Host`, which HTTP/1.0 may lack: RFC 9112, section 3.2. */
const hasOneHost = (request: IncomingMessage): boolean => {
  let hosts = 0
  const { rawHeaders } = request
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 || (hosts === 0 && request.httpVersionMinor === 0)
}

const secure = ({ cert, key }: Certificate) => ({ cert, key, minVersion: 'TLSv1.2' as const })

/** Sets up the web framework: limits, timeouts, CORS, errors before any route. */
export const createServer = (options: ServerOptions): HttpServer => {
  const { identity, clock, arrival = ARRIVAL } = options
  const standing = createStanding(options)

  const refuse: Refuse = (request, response, error, extra = {}) => {
    const requestId = acceptRequestId(request.headers['x-request-id'], clock.now())
    const presented = standing.fail().present(error, requestId)
    const headers = {
      'x-request-id': requestId,
      'cache-control': 'private, no-store',
      'content-language': 'en',
      ...presented.headers,
      ...extra,
    }
    writeRefusal(request, response, presented.status, headers, presented.body)
    options.observe({
      id: requestId,
      requestId,
      method: request.method ?? '',
      route: 'unmatched',
      status: presented.status,
      durationMs: 0,
      isDeprecated: false,
      fault: error,
      caller: null,
      walk: null,
    })
  }

  const app = Fastify({
    logger: false,
    ...(options.tls && {
      https: { ...secure(options.tls), handshakeTimeout: arrival.headersMs },
    }),
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: arrival.headersMs,
      connectionsCheckingInterval: arrival.checkMs,
      requireHostHeader: false,
    },
    requestTimeout: arrival.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 512, ignoreDuplicateSlashes: false },
    clientErrorHandler: (error, socket) => {
      // As Node.js itself does: never write a status line into an answer that has begun.
      const { _httpMessage: answering } = socket as typeof socket & { _httpMessage?: ServerResponse }
      if (!socket.writable || answering?.headersSent) {
        socket.destroy()
        return
      }
      const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      const requestId = acceptRequestId(undefined, clock.now())
      const presented = standing.fail().present(new AppError(timedOut ? 'request_timeout' : 'bad_http'), requestId)
      const body = JSON.stringify(presented.body)
      const reason = timedOut ? 'Request Timeout' : 'Bad Request'
      socket.end(
        `HTTP/1.1 ${presented.status} ${reason}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n` +
          `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
      // A caller that sends nothing more and does not close would keep its socket and its request for ever.
      socket.destroySoon()
    },
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      refuse(request.raw, reply.raw, new AppError('bad_http'))
    },
  })
  app.setErrorHandler((_error, request, reply) => {
    reply.hijack()
    refuse(request.raw, reply.raw, new AppError('bad_http'))
  })
  // Bodies are read by the routes themselves, after the caller is known.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  /** What holds for every request before its route is looked for. False: it has been answered. */
  const admit = (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url as string
    if (!hasOneHost(request) || !isPlainTarget(url)) {
      refuse(request, response, new AppError('bad_http'), { connection: 'close' })
      return false
    }
    const { headers, method } = request
    const { origin } = headers
    if (origin === undefined || !identity.corsAllows(origin)) return true
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-expose-headers', exposedHeaders.join(', '))
    response.setHeader('vary', 'origin')
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return true
    response.writeHead(204, {
      'access-control-allow-methods': 'GET, POST, PATCH, PUT, DELETE',
      'access-control-allow-headers': String(headers['access-control-request-headers'] ?? '*'),
      'access-control-max-age': PREFLIGHT_SECONDS,
    })
    response.end()
    return false
  }

  const answerUnrouted = createUnrouted(options.routes, refuse)
  app.addHook('onRequest', (request, reply, next) => {
    const admitted = admit(request.raw, reply.raw)
    if (admitted && !request.is404) {
      next()
      return
    }
    reply.hijack()
    // Here and not later: of some methods the framework would first judge the body.
    if (admitted) answerUnrouted(request.raw, reply.raw)
  })

  const posts = new Map<string, Respond>()
  for (const [index, route] of options.routes.entries()) {
    const respond = standing.respondAt(index)
    for (const path of pathsOf(route)) {
      if (route.method === 'POST' && !/[:*]/.test(path)) posts.set(path, respond)
      app.route({
        method: methodsOf(route),
        url: path,
        handler: (request, reply) => {
          reply.hijack()
          respond(
            request.raw,
            reply.raw,
            request.params as Record<string, string>,
            request.query as Record<string, unknown>,
          )
        },
      })
    }
  }

  const server = app.server as Server
  const closing = takePosts(server, posts, admit)
  const silent = followSilentConnections(server, options.tls !== undefined)
  // The body is asked for when the caller is known and the announced length is fine.
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  server.on('checkExpectation', (request, response) => refuse(request, response, new AppError('bad_http')))
  return {
    listen: async (host, port) => {
      await app.listen({ host, port })
      const address = server.address()
      return typeof address === 'object' && address ? address.port : port
    },
    replace: standing.replace,
    present: (certificate) => {
      if (server instanceof TlsServer) server.setSecureContext(secure(certificate))
    },
    close: () => {
      closing()
      const closed = app.close()
      silent.end(arrival.headersMs)
      // A connection whose answer began before would otherwise stay open, idle, for as long as its client likes.
      const sweep = options.clock.every(SWEEP_MS, () => server.closeIdleConnections())
      return closed.finally(() => sweep.cancel())
    },
    closeAll: () => server.closeAllConnections(),
  }
}
