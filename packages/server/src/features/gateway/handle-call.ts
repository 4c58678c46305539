import { header } from '@headgate/contract/headers.ts'
import type { CacheWish } from '../../domain/cached-answer.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import { withMember } from '../../domain/request-member.ts'
import type { BinarySource, StreamSource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CallerInput, Reply } from '../../kernel/route.ts'
import { continuing, type createContinuation } from './continuation.ts'
import type { CallAnswer } from './flow.ts'

/** What the routes hand a call to. */
export interface CallPorts {
  readonly call: (
    exchange: CallerInput['exchange'],
    request: InferenceRequest,
    signal: CancelSignal,
  ) => Promise<CallAnswer>
  readonly monotonic: () => number
  /** Whether an answer given before is good; null where it is not. @throws AppError `invalid_parameter` */
  readonly cacheWish: (headers: CallerInput['headers'], request: InferenceRequest) => Omit<CacheWish, 'renew'> | null
  /** Makes a call that nobody waits for, as one of its own. */
  readonly inBackground: (
    exchange: Exchange,
    make: (exchange: Exchange, signal: CancelSignal) => Promise<CallAnswer>,
  ) => Promise<void>
  /** The answer of a stream that is kept for a caller who may come back; null where it is not. @throws AppError `invalid_parameter` */
  readonly keepStream: (
    input: CallerInput,
    protocol: 'chat' | 'messages' | 'responses',
    begin: (signal: CancelSignal) => Promise<StreamSource>,
    id?: string,
  ) => Reply | null
  /** How a kept stream goes on elsewhere when its provider breaks off; null where it does not. */
  readonly continuation: ReturnType<typeof createContinuation> | null
}

/** Reads what is asked for. @throws AppError of the request family. */
export type ReadCall = (input: CallerInput) => InferenceRequest | Promise<InferenceRequest>

/** What is asked for, and how it is called. */
interface ReadyCall {
  readonly request: InferenceRequest
  /** With the person whom the body names. */
  readonly exchange: CallerInput['exchange']
  readonly begin: (signal: CancelSignal) => Promise<CallAnswer>
}

/** The exchange of a call that may be answered by an answer given before. */
const withCache = (
  exchange: Exchange,
  wish: Omit<CacheWish, 'renew'>,
  request: InferenceRequest,
  { call, inBackground }: Pick<CallPorts, 'call' | 'inBackground'>,
): Exchange => {
  const renew = (): Promise<void> =>
    inBackground(exchange, (again, signal) =>
      call({ ...again, cache: { ...wish, mode: 'renew', renew } }, request, signal),
    )
  return { ...exchange, cache: { ...wish, renew } }
}

/** Requests for what may be kept, whose body is JSON. */
const makesAsJson = ({ operation }: InferenceRequest): boolean => operation === 'images' || operation === 'speech'

/** No provider that draws or speaks knows the member. */
const withoutStore = (request: InferenceRequest): InferenceRequest =>
  makesAsJson(request) ? withMember(request, 'store', null) : request

/** The member `store` as it was written, without quotes; null where it stands not, or as null. */
const storeMember = (request: InferenceRequest): string | null => {
  const { body, members } = request
  const span = makesAsJson(request) ? members.get('store') : undefined
  if (span === undefined) return null
  const text = body.toString('latin1', span.start, Math.min(span.end, span.start + 20)).replace(/^"(.*)"$/, '$1')
  return text === 'null' ? null : text
}

/** @throws AppError `invalid_parameter`; `secret_key_required` for a page without a person, who can have no assets. */
const readStore = (
  given: string | readonly string[],
  location: string,
  operation: Operation,
  caller: Caller,
): { store: true } => {
  if (given !== 'asset' || !(operation.startsWith('image') || operation === 'speech'))
    throw new AppError('invalid_parameter', {
      details: [
        {
          location,
          message: 'is not known here',
          fix: 'Send `asset` with calls for pictures or speech, and with no others.',
        },
      ],
    })
  if (caller.kind !== 'secret' && caller.person === null) throw new AppError('secret_key_required')
  return { store: true }
}

/** Notes what is asked for. */
export const readyCall = async (
  { call, monotonic, cacheWish, inBackground }: CallPorts,
  operation: Operation,
  read: ReadCall,
  input: CallerInput,
): Promise<ReadyCall> => {
  const { exchange } = input
  const { walk } = exchange
  walk.operation = operation
  const asked = await read(input)
  const member = storeMember(asked)
  const request = withoutStore(asked)
  walk.readAt = monotonic()
  walk.model = request.model
  walk.stream = request.stream
  // As with the header: a backend may name the person, a browser may not.
  const { caller } = exchange
  const mayName = exchange.user === null && caller.kind === 'secret' && caller.person === null
  const named = mayName && request.user !== null ? { ...exchange, user: request.user } : exchange
  const safe = input.headers[header.safe]
  const given = input.headers[header.store] ?? member
  const location = member === null ? header.store : 'store'
  const kept = given === null ? named : { ...named, ...readStore(given, location, operation, caller) }
  const checked = safe === undefined ? kept : { ...kept, safe: String(safe) }
  const wish = cacheWish(input.headers, request)
  const ready = wish === null ? checked : withCache(checked, wish, request, { call, inBackground })
  return { request, exchange: ready, begin: (signal) => call(ready, request, signal) }
}

/** Notes what is asked for, and makes the call. */
export const startCall = async (
  ports: CallPorts,
  operation: Operation,
  read: ReadCall,
  input: CallerInput,
): Promise<{ request: InferenceRequest; answer: Promise<CallAnswer> }> => {
  const { request, begin } = await readyCall(ports, operation, read, input)
  return { request, answer: begin(input.signal) }
}

/** The events of a streamed call. */
export const eventsOf = (made: CallAnswer): StreamSource => (made as CallAnswer & { kind: 'events' }).source

/** Follows an answer on its way out. */
export interface AnswerTap {
  readonly whole: (body: Buffer) => Promise<void>
  readonly stream: (source: StreamSource) => Promise<StreamSource>
}

/** The handler of an inference route: a whole answer, a stream of events, or bytes as they come. */
export const handleCall =
  (ports: CallPorts, operation: Operation, read: ReadCall, tap?: AnswerTap) =>
  async (input: CallerInput): Promise<Reply> => {
    const { request, exchange, begin } = await readyCall(ports, operation, read, input)
    if (request.stream && operation === 'chat') {
      const next = request.choices === 1 ? ports.continuation?.(exchange, request) : undefined
      const kept = ports.keepStream(input, 'chat', async (signal) => {
        const source = eventsOf(await begin(signal))
        const whole = next === undefined ? source : continuing(source, next)
        return tap === undefined ? whole : tap.stream(whole)
      })
      if (kept !== null) return kept
    }
    const answer = begin(input.signal)
    if (request.stream) {
      const stream = answer.then(eventsOf)
      return { kind: 'events', stream: tap === undefined ? stream : stream.then(tap.stream) }
    }
    if (operation === 'speech') {
      return { kind: 'binary', stream: answer.then((made) => (made as { source: BinarySource }).source) }
    }
    const made = (await answer) as CallAnswer & { kind: 'json' }
    if (made.costUsd !== null) input.exchange.headers[header.costUsd] = made.costUsd
    if (tap !== undefined) await tap.whole(made.answer.body)
    const contentType = made.answer.contentType ?? 'application/json; charset=utf-8'
    return { kind: 'bytes', status: 200, contentType, bytes: made.answer.body }
  }
