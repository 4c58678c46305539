import { header } from '@headgate/contract/headers.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { BinarySource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { CallerInput, Reply } from '../../kernel/route.ts'
import type { CallAnswer } from './flow.ts'

/** What the routes hand a call to. */
export interface CallPorts {
  readonly call: (
    exchange: CallerInput['exchange'],
    request: InferenceRequest,
    signal: CancelSignal,
  ) => Promise<CallAnswer>
  readonly monotonic: () => number
}

/** Reads what is asked for. @throws AppError of the request family. */
export type ReadCall = (input: CallerInput) => InferenceRequest | Promise<InferenceRequest>

/** Notes what is asked for, and makes the call. */
export const startCall = async (
  { call, monotonic }: CallPorts,
  operation: Operation,
  read: ReadCall,
  input: CallerInput,
): Promise<{ request: InferenceRequest; answer: Promise<CallAnswer> }> => {
  const { exchange, signal } = input
  const { walk } = exchange
  walk.operation = operation
  const request = await read(input)
  walk.readAt = monotonic()
  walk.model = request.model
  walk.stream = request.stream
  // As with the header: a backend may name the person, a browser may not.
  const { caller } = exchange
  const mayName = exchange.user === null && caller.kind === 'secret' && caller.person === null
  const named = mayName && request.user !== null ? { ...exchange, user: request.user } : exchange
  return { request, answer: call(named, request, signal) }
}

/** The handler of an inference route: a whole answer, a stream of events, or bytes as they come. */
export const handleCall =
  (ports: CallPorts, operation: Operation, read: ReadCall) =>
  async (input: CallerInput): Promise<Reply> => {
    const { request, answer } = await startCall(ports, operation, read, input)
    if (request.stream) {
      return { kind: 'events', stream: answer.then((made) => (made as CallAnswer & { kind: 'events' }).source) }
    }
    if (operation === 'speech') {
      return { kind: 'binary', stream: answer.then((made) => (made as { source: BinarySource }).source) }
    }
    const made = (await answer) as CallAnswer & { kind: 'json' }
    if (made.costUsd !== null) input.exchange.headers[header.costUsd] = made.costUsd
    const contentType = made.answer.contentType ?? 'application/json; charset=utf-8'
    return { kind: 'bytes', status: 200, contentType, bytes: made.answer.body }
  }
