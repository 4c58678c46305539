import { type ConversationPorts, createConversationCall } from './conversation-call.ts'
import { createMemoryCall, type MemoryPorts } from './memory-call.ts'
import { chatRequestExamples } from '@headgate/contract/chat-examples.ts'
import { ChatCompletionSchema, ChatEventSchema, ChatRequestSchema } from '@headgate/contract/chat.ts'
import { EmbeddingsRequestSchema, EmbeddingsSchema } from '@headgate/contract/embeddings.ts'
import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { fetchErrors } from '@headgate/contract/errors/fetch.ts'
import { upstreamErrors } from '@headgate/contract/errors/upstream.ts'
import { header } from '@headgate/contract/headers.ts'
import type { Operation } from '../../domain/inference.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { type CallPorts, handleCall } from './handle-call.ts'
import type { RequestReader } from './large-body.ts'

/** What the routes need. */
export interface GatewayRoutePorts extends CallPorts, Pick<RequestReader, 'read' | 'readCompletion' | 'readResponse'> {
  readonly maxBodyBytes: number
}

/** Errors that every inference route may answer. */
export const callErrors: readonly ErrorCode[] = [
  'duplicate_parameter',
  'unsupported_parameter',
  'model_missing',
  'prompt_empty',
  'model_not_allowed',
  'licence_not_allowed',
  'price_unknown',
  'input_unbounded',
  'budget_exceeded',
  'journal_unavailable',
  ...(Object.keys(fetchErrors) as (keyof typeof fetchErrors)[]),
  'content_refused',
  'content_not_judged',
  'answer_blocked',
  ...(Object.keys(upstreamErrors) as (keyof typeof upstreamErrors)[]),
]
/** Headers of every inference answer. */
export const callHeaders = [
  header.model,
  header.provider,
  header.attempts,
  header.overheadMs,
  header.queueMs,
  header.costUsd,
  header.warning,
  header.route,
  header.attribution,
  header.redacted,
  header.injectionScore,
  header.origin,
  header.cache,
  header.age,
]

/** Declares the inference routes under OpenAI's paths. */
export const gatewayRoutes = (
  ports: GatewayRoutePorts & { readonly conversations: ConversationPorts; readonly memories: MemoryPorts },
): Route[] => {
  const { read, maxBodyBytes } = ports
  const inConversation = createConversationCall(ports, ports.conversations, ports.memories)
  const withMemories = createMemoryCall(ports, ports.memories)
  const handle = (operation: Operation) => handleCall(ports, operation, ({ body }) => read(operation, body as Buffer))
  const chat = handle('chat')
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
          'is an ordinary error answer. With `x-headgate-resume: on` it outlives its reader: see `GET /v1/streams/{stream_id}`. With `x-headgate-session` the conversation ' +
          'that is kept stands before the messages, and both sides are kept. With `x-headgate-memory: on` what is remembered about the person stands ' +
          'before what was said last, as data.',
        body: ChatRequestSchema,
        bodyExamples: chatRequestExamples,
        answer: ChatCompletionSchema,
        events: ChatEventSchema,
        answerHeaders: [...callHeaders, header.stream, header.session, header.context, header.message, header.memory],
        errors: [
          ...callErrors,
          'messages_empty',
          'session_not_found',
          'message_not_found',
          'session_busy',
          'session_quota_exceeded',
        ],
      },
      handle: (input) => {
        if (input.headers[header.session] !== undefined) return inConversation(input)
        return input.headers[header.memory] === undefined ? chat(input) : withMemories(input)
      },
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
