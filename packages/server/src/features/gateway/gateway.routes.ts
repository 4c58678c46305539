import { chatRequestExamples } from '@headgate/contract/chat-examples.ts'
import { ChatCompletionSchema, ChatEventSchema, ChatRequestSchema } from '@headgate/contract/chat.ts'
import { EmbeddingsRequestSchema, EmbeddingsSchema } from '@headgate/contract/embeddings.ts'
import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { upstreamErrors } from '@headgate/contract/errors/upstream.ts'
import { header } from '@headgate/contract/headers.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { CallAnswer } from './flow.ts'

/** What the routes hand a call to. */
export interface GatewayRoutePorts {
  readonly call: (
    exchange: CallerInput['exchange'],
    request: InferenceRequest,
    signal: CancelSignal,
  ) => Promise<CallAnswer>
  readonly read: (operation: Operation, body: Buffer) => InferenceRequest | Promise<InferenceRequest>
  readonly maxBodyBytes: number
  readonly monotonic: () => number
}

const callErrors: readonly ErrorCode[] = [
  'duplicate_parameter',
  'unsupported_parameter',
  'model_missing',
  'prompt_empty',
  'model_not_allowed',
  'price_unknown',
  'input_unbounded',
  'budget_exceeded',
  'journal_unavailable',
  ...(Object.keys(upstreamErrors) as (keyof typeof upstreamErrors)[]),
]
const callHeaders = [
  header.model,
  header.provider,
  header.attempts,
  header.overheadMs,
  header.queueMs,
  header.costUsd,
  header.warning,
  header.route,
]

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
      // As with the header: a backend may name the person, a browser may not.
      const { caller } = exchange
      const mayName = exchange.user === null && caller.kind === 'secret' && caller.person === null
      const named = mayName && request.user !== null ? { ...exchange, user: request.user } : exchange
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
      reference: {
        operationId: 'createChatCompletion',
        tag: 'Chat',
        description:
          'OpenAI’s protocol. Members that are not listed here go to the provider as they were written, and a whole answer comes ' +
          'back as the provider wrote it. With `"stream": true` the answer is an event stream; a failure before its first part ' +
          'is an ordinary error answer.',
        body: ChatRequestSchema,
        bodyExamples: chatRequestExamples,
        answer: ChatCompletionSchema,
        events: ChatEventSchema,
        answerHeaders: callHeaders,
        errors: [...callErrors, 'messages_empty'],
      },
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
      reference: {
        operationId: 'createEmbeddings',
        tag: 'Embeddings',
        description: 'OpenAI’s protocol. Members that are not listed here go to the provider as they were written.',
        body: EmbeddingsRequestSchema,
        answer: EmbeddingsSchema,
        answerHeaders: callHeaders,
        errors: callErrors,
      },
      handle: handle('embeddings'),
    }),
  ]
}
