import type { IncomingMessage, ServerResponse } from 'node:http'
import { header } from '@headgate/contract/headers.ts'
import { Type } from 'typebox'
import type { Caller } from '../domain/caller.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { NamedRequest } from '../domain/kept-answer.ts'
import { Walk } from '../domain/walk.ts'
import { Cancellation } from '../kernel/cancellation.ts'
import type { Clock } from '../kernel/clock.ts'
import { readUser } from '../kernel/end-user.ts'
import { AppError } from '../kernel/errors.ts'
import { prefixedId } from '../kernel/ids.ts'
import { outlineJson, parseStorableJson } from '../kernel/json.ts'
import { checkBodyHeaders, readBody, streamBody } from './body.ts'
import { bodyLimit, type Reply, type Route, type RouteInput } from '../kernel/route.ts'
import { readCredential, readQueryCredential } from './credential.ts'
import { deprecationHeaders } from './deprecation.ts'
import type { Events } from './events.ts'
import { asAppError, type Fail } from './fail.ts'
import { writeFileReply } from './file-reply.ts'
import { comparableBody, isRepeatable, readIdempotencyKey } from './idempotency-key.ts'
import type { IdempotencyPorts, IdentityPorts, Observe, SheddingPorts, StrangerPorts } from './ports.ts'
import { createRepeatable } from './repeatable.ts'
import { writeRefusal, writeReply } from './reply.ts'
import { acceptRequestId } from './request-id.ts'
import { compileCheck } from './schema-check.ts'
import { readTags } from './tags.ts'

/** Most of a body that is read as it comes which is in memory at once: a piece that is gathered, and the same sealed. */
const STREAM_BYTES = 4_718_592
const noParameters = Type.Object({}, { additionalProperties: false })
const nothing = (): void => {}
const noQuery: Readonly<Record<string, unknown>> = Object.freeze({})

/** What every route is mounted with. */
export interface MountOptions {
  readonly clock: Clock
  readonly identity: IdentityPorts
  readonly strangers: StrangerPorts
  readonly shedding: SheddingPorts
  readonly idempotency: IdempotencyPorts
  readonly clientAddress: (peer: string, headers: IncomingMessage['headers']) => string
  readonly events: Events
  readonly fail: Fail
  /** Where callers reach this server, without a trailing slash. */
  readonly address: () => string
  readonly observe: Observe
}

/** Handles one HTTP request whose path has matched a route. Never rejects. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, unknown>> | undefined,
) => Promise<void>

/** What a body may come to: its announced length; without one, the most that is taken. */
const announcedBytes = ({ headers }: IncomingMessage, most: number): number => {
  const length = headers['content-length']
  return Math.min(most, length === undefined ? most : Number(length))
}

/** A proven person, else the one that a trusted backend names; what a browser says of itself is not believed. */
const userOf = (caller: Caller, headers: IncomingMessage['headers']): string | null => {
  const named = readUser(headers)
  return caller.person ?? (caller.kind === 'secret' ? named : null)
}

const mintExchange = (
  caller: Caller,
  requestId: string,
  address: string,
  walk: Walk,
  headers: IncomingMessage['headers'],
  answerHeaders: Record<string, string>,
): Exchange => {
  // Reuse the minted request id as the ledger key; a caller's own id is echoed, never a key.
  const id = headers[header.requestId] === requestId ? prefixedId('req', walk.at) : requestId
  const { startedAt } = walk
  const user = userOf(caller, headers)
  const tags = readTags(headers)
  const exchange = { id, requestId, caller, address, startedAt, user, tags, headers: answerHeaders, walk }
  // Any other value says nothing: https://www.w3.org/TR/gpc/#the-sec-gpc-header-field-for-http-requests
  return headers[header.gpc] === '1' ? { ...exchange, optsOut: true } : exchange
}

const cancelOnLeave = (response: ServerResponse): Cancellation => {
  const cancellation = new Cancellation()
  if (response.destroyed) cancellation.abort()
  response.on('close', () => {
    if (!response.writableFinished) cancellation.abort()
  })
  return cancellation
}

/** Turns a declared route into a handler: identify, check, read, validate, handle, answer. */
export const mountRoute = (route: Route, options: MountOptions): Handler => {
  const { clock, identity, strangers, shedding, events, fail } = options
  // Operators' routes ignore nothing silently, so without a declared query they take none.
  const declaredQuery = route.query ?? (route.access === 'admin' ? noParameters : undefined)
  const checkQuery = declaredQuery ? compileCheck(declaredQuery) : null
  const checkBody = route.body && typeof route.body === 'object' ? compileCheck(route.body) : null
  const maxBodyBytes = bodyLimit(route)
  const bodyKind = route.body === 'form' ? 'form' : route.body === 'stream' ? 'stream' : 'json'
  const mostHeld = route.body === 'stream' ? Math.min(STREAM_BYTES, maxBodyBytes) : maxBodyBytes
  const mayBeNamed = isRepeatable(route)
  const once = createRepeatable(options.idempotency, clock, events)
  const farewell = route.deprecated ? deprecationHeaders(route.deprecated, options.address) : null

  const takeBody = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    if (route.body === undefined) return undefined
    if (route.body === 'stream') return streamBody(request, response, maxBodyBytes)
    const bytes = await readBody(request, response, maxBodyBytes)
    if (!checkBody) return bytes
    outlineJson(bytes)
    return checkBody(parseStorableJson(bytes))
  }

  /** A browser's key is many people's: where none is proven, the address tells them apart. */
  const nameOf = (key: string, input: RouteInput, exchange: Exchange | null, actor: string): NamedRequest => ({
    project: exchange?.caller.projectId ?? null,
    subject: exchange?.user ?? null,
    holder: exchange
      ? [exchange.caller.keyId, exchange.user ?? '', exchange.caller.kind === 'secret' ? '' : input.address]
      : ['operator', actor],
    route: `${route.method} ${route.path}`,
    key,
    content: [
      JSON.stringify([input.params, input.query]),
      ...comparableBody(input.body, input.headers['content-type'] as string | undefined),
    ],
  })

  /** What a request without a valid key is told: why, or that its address has asked too often. */
  const countStranger = async (
    refusal: unknown,
    address: string,
    answerHeaders: Record<string, string>,
  ): Promise<unknown> => {
    if (!(refusal instanceof AppError) || refusal.status !== 401) return refusal
    try {
      await strangers.stranger(address, answerHeaders)
      return refusal
    } catch (limit) {
      return limit
    }
  }

  return async (request, response, params, query) => {
    const startedAt = clock.monotonic()
    const now = clock.now()
    const requestId = acceptRequestId(request.headers[header.requestId], now)
    // A computed name in the literal would be ten times as dear as a write.
    const answerHeaders: Record<string, string> = {}
    answerHeaders[header.requestId] = requestId
    answerHeaders['cache-control'] = 'private, no-store'
    if (farewell !== null) Object.assign(answerHeaders, farewell())
    const peer = request.socket.remoteAddress ?? ''
    const { traceparent, tracestate } = request.headers
    const walk = route.access === 'caller' ? new Walk(startedAt, now, peer, traceparent, tracestate) : null
    let exchange: Exchange | null = null
    let caller: Caller | null = null
    let fault: AppError | null = null
    let cancellation: Cancellation | null = null
    let releaseBody = nothing
    try {
      const address = options.clientAddress(peer, request.headers)
      let actor = ''
      if (route.access === 'caller') {
        strangers.mayCall(address)
        try {
          const mayAsk = () => strangers.mayAsk(address, answerHeaders)
          const credential =
            route.keyInQuery === true
              ? readQueryCredential(request.headers, query?.['key'])
              : readCredential(request.headers)
          const identified = identity.authenticate(credential, request.headers, mayAsk)
          caller = identified instanceof Promise ? await identified : identified
        } catch (refusal) {
          throw await countStranger(refusal, address, answerHeaders)
        }
        shedding.mayEnter(caller)
        if (caller.kind !== 'secret') {
          if (route.browser !== true && (route.browser === undefined || caller.person === null))
            throw new AppError('secret_key_required')
          identity.checkOrigin(caller, request.headers)
        }
      } else if (route.access === 'admin') {
        try {
          const mayAsk = () => strangers.mayAsk(address, answerHeaders)
          actor = await identity.authenticateAdmin(readCredential(request.headers), route.permission, mayAsk)
        } catch (refusal) {
          throw await countStranger(refusal, address, answerHeaders)
        }
      }
      if (walk) walk.identifiedAt = clock.monotonic()
      cancellation = cancelOnLeave(response)
      if (caller) events.watch(cancellation)
      if (route.body !== undefined) checkBodyHeaders(request, maxBodyBytes, bodyKind)
      if (typeof route.body === 'string') {
        const by = { holder: caller?.keyId ?? actor, signal: cancellation }
        const room = shedding.holdBody(announcedBytes(request, mostHeld), by)
        releaseBody = room instanceof Promise ? await room : room
      }
      const input: RouteInput = {
        params,
        query: checkQuery ? (checkQuery(query ?? {}) as Record<string, unknown>) : (query ?? noQuery),
        body: await takeBody(request, response),
        headers: request.headers,
        requestId,
        address,
        signal: cancellation,
      }
      if (route.access === 'caller') {
        const stamps = walk as Walk
        stamps.receivedAt = clock.monotonic()
        exchange = mintExchange(caller as Caller, requestId, address, stamps, request.headers, answerHeaders)
        if (exchange.optsOut === true) identity.heardOptOut(exchange)
        Object.assign(input, { exchange })
      } else if (route.access === 'admin') Object.assign(input, { actor })
      const handle = route.handle as (given: RouteInput) => Promise<Reply> | Reply
      const key = mayBeNamed ? readIdempotencyKey(request.headers) : null
      const reply = await (key === null
        ? handle(input)
        : once({
            request: nameOf(key, input, exchange, actor),
            signal: cancellation,
            headers: answerHeaders,
            walk,
            handle: (signal) => handle({ ...input, signal }),
            present: (error) => fail.present(error, requestId, route.errorWords),
          }))
      if (reply.kind === 'events' || reply.kind === 'binary') {
        fault = await events.answer({
          response,
          stream: reply.stream,
          headers: () => answerHeaders,
          presentEvent: (error) => fail.presentEvent(error, requestId, route.errorWords),
          cancellation,
          begun: reply.kind === 'events' ? reply.begun : undefined,
          isBinary: reply.kind === 'binary',
        })
      } else if (reply.kind === 'file') await writeFileReply(response, reply, answerHeaders, cancellation)
      else if (!response.destroyed) writeReply(response, reply, answerHeaders)
    } catch (thrown) {
      fault = asAppError(thrown)
      answerFault(request, response, fault, requestId, answerHeaders)
    } finally {
      releaseBody()
      if (caller && cancellation) events.release(cancellation)
    }
    const endedAt = clock.monotonic()
    if (walk) walk.endedAt = endedAt
    options.observe({
      id: exchange?.id ?? requestId,
      requestId,
      method: route.method,
      route: route.path,
      status:
        fault && !response.headersSent
          ? fault.status
          : fault?.code === 'client_closed_request'
            ? 499
            : response.statusCode,
      durationMs: endedAt - startedAt,
      isDeprecated: farewell !== null,
      fault,
      caller,
      walk,
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
    const presented = fail.present(error, requestId, route.errorWords)
    const all = { ...headers, ...presented.headers, 'content-language': 'en' }
    writeRefusal(request, response, presented.status, all, presented.body)
  }
}
