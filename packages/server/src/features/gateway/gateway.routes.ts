import { header } from '@headgate/contract/headers.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { CallAnswer } from './flow.ts'

/** What the routes hand a call to. */
export interface GatewayRoutePorts {
  readonly call: (
    exchange: CallerInput['exchange'],
    request: InferenceRequest,
    signal: AbortSignal,
  ) => Promise<CallAnswer>
  readonly read: (operation: Operation, body: Buffer) => InferenceRequest | Promise<InferenceRequest>
  readonly maxBodyBytes: number
  readonly monotonic: () => number
}

/** Declares the inference routes under OpenAI's paths. */
export const gatewayRoutes = ({ call, read, maxBodyBytes, monotonic }: GatewayRoutePorts): Route[] => {
  const handle =
    (operation: Operation) =>
    async (input: CallerInput): Promise<Reply> => {
      const { exchange, signal } = input
      const { walk } = exchange
      walk.operation = operation
      const request = await read(operation, input.body as Buffer)
      walk.readAt = monotonic()
      walk.model = request.model
      walk.stream = request.stream
      const named = request.user === null || exchange.user !== null ? exchange : { ...exchange, user: request.user }
      const answer = call(named, request, signal)
      if (request.stream) {
        return { kind: 'events', stream: answer.then((made) => (made as CallAnswer & { kind: 'events' }).source) }
      }
      const made = (await answer) as CallAnswer & { kind: 'json' }
      if (made.costUsd !== null) exchange.headers[header.costUsd] = made.costUsd
      return { kind: 'bytes', status: 200, contentType: 'application/json; charset=utf-8', bytes: made.answer.body }
    }
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/chat/completions',
      summary: 'Answers a conversation, whole or as an event stream.',
      access: 'caller',
      browser: true,
      body: 'bytes',
      maxBodyBytes,
      handle: handle('chat'),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/embeddings',
      summary: 'Turns texts into vectors.',
      access: 'caller',
      browser: true,
      body: 'bytes',
      maxBodyBytes,
      handle: handle('embeddings'),
    }),
  ]
}
