import type { IncomingMessage, ServerResponse } from 'node:http'
import { header } from '@headgate/contract/headers.ts'
import type { Caller } from '../domain/caller.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { prefixedId } from '../kernel/ids.ts'
import { outlineJson, parseJson } from '../kernel/json.ts'
import type { Route, RouteInput } from '../kernel/route.ts'
import { checkBodyHeaders, readBody } from './body.ts'
import { readCredential } from './credential.ts'
import type { Events } from './events.ts'
import { asAppError, type Fail } from './fail.ts'
import type { IdentityPorts, Observe } from './ports.ts'
import { writeReply } from './reply.ts'
import { acceptRequestId } from './request-id.ts'
import { compileCheck } from './schema-check.ts'

const DEFAULT_BODY_BYTES = 65_536
const noQuery: Readonly<Record<string, unknown>> = Object.freeze({})

/** What every route is mounted with. */
export interface MountOptions {
  readonly clock: Clock
  readonly identity: IdentityPorts
  readonly clientAddress: (peer: string, headers: IncomingMessage['headers']) => string
  readonly events: Events
  readonly fail: Fail
  readonly observe: Observe
}

/** Handles one HTTP request whose path has matched a route. Never rejects. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, unknown>> | undefined,
) => Promise<void>

const mintExchange = (
  caller: Caller,
  requestId: string,
  address: string,
  now: number,
  headers: IncomingMessage['headers'],
  answerHeaders: Record<string, string>,
): Exchange => {
  const user = headers[header.user]
  // Reuse the minted request id as the ledger key; a caller's own id is echoed, never a key.
  const id = headers[header.requestId] === requestId ? prefixedId('req', now) : requestId
  const named = typeof user === 'string' && user.length <= 256 ? user : null
  return { id, requestId, caller, address, receivedAt: now, user: named, headers: answerHeaders }
}

const abortOnLeave = (response: ServerResponse): AbortController => {
  const controller = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller
}

/** Turns a declared route into a handler: identify, check, read, validate, handle, answer. */
export const mountRoute = (route: Route, options: MountOptions): Handler => {
  const { clock, identity, events, fail } = options
  const checkQuery = route.query ? compileCheck(route.query) : null
  const checkBody = route.body && route.body !== 'bytes' ? compileCheck(route.body) : null
  const maxBodyBytes = route.maxBodyBytes ?? DEFAULT_BODY_BYTES

  const takeBody = async (request: IncomingMessage): Promise<unknown> => {
    if (route.body === undefined) return undefined
    checkBodyHeaders(request, maxBodyBytes)
    const bytes = await readBody(request, maxBodyBytes)
    if (!checkBody) return bytes
    outlineJson(bytes)
    return checkBody(parseJson(bytes))
  }

  return async (request, response, params, query) => {
    const startedAt = clock.monotonic()
    const now = clock.now()
    const requestId = acceptRequestId(request.headers[header.requestId], now)
    const answerHeaders: Record<string, string> = {
      [header.requestId]: requestId,
      'cache-control': 'private, no-store',
      ...(response.getHeaders() as Record<string, string>),
    }
    let caller: Caller | null = null
    let fault: AppError | null = null
    try {
      const credential = route.access === 'public' ? null : readCredential(request.headers)
      const address = options.clientAddress(request.socket.remoteAddress ?? '', request.headers)
      let actor = ''
      if (route.access === 'caller') {
        const identified = identity.authenticate(credential)
        caller = identified instanceof Promise ? await identified : identified
        if (caller.kind === 'publishable') {
          if (route.browser !== true) throw new AppError('secret_key_required')
          identity.checkOrigin(caller, request.headers)
        }
      } else if (route.access === 'admin') {
        actor = await identity.authenticateAdmin(credential)
      }
      const controller = abortOnLeave(response)
      const input: RouteInput = {
        params,
        query: checkQuery ? (checkQuery(query ?? {}) as Record<string, unknown>) : (query ?? noQuery),
        body: await takeBody(request),
        headers: request.headers,
        requestId,
        address,
        signal: controller.signal,
      }
      const reply =
        route.access === 'public'
          ? await route.handle(input)
          : route.access === 'admin'
            ? await route.handle({ ...input, actor })
            : await route.handle(
                Object.assign(input, {
                  exchange: mintExchange(caller as Caller, requestId, address, now, request.headers, answerHeaders),
                }),
              )
      if (reply.kind === 'events') {
        fault = await events.answer({
          response,
          stream: reply.stream,
          headers: () => answerHeaders,
          presentEvent: (error) => fail.presentEvent(error, requestId),
          abort: () => controller.abort(),
        })
      } else if (!response.destroyed) writeReply(response, reply, answerHeaders)
    } catch (thrown) {
      fault = asAppError(thrown)
      answerFault(request, response, fault, requestId, answerHeaders)
    }
    options.observe({
      requestId,
      method: route.method,
      route: route.path,
      status:
        fault && !response.headersSent
          ? fault.status
          : fault?.code === 'client_closed_request'
            ? 499
            : response.statusCode,
      durationMs: clock.monotonic() - startedAt,
      fault,
      caller,
    })
  }

  function answerFault(
    request: IncomingMessage,
    response: ServerResponse,
    error: AppError,
    requestId: string,
    headers: Record<string, string>,
  ): void {
    if (response.destroyed || response.headersSent) {
      response.destroy()
      return
    }
    const presented = fail.present(error, requestId)
    // What is still coming of a refused body would be taken for the next request.
    if (!request.complete) headers['connection'] = 'close'
    writeReply(
      response,
      { kind: 'json', status: presented.status, value: presented.body, headers: presented.headers },
      { ...headers, 'content-language': 'en' },
    )
  }
}
