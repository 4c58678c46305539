import { header } from '@headgate/contract/headers.ts'
import {
  CountTokensRequestSchema,
  MessageEventSchema,
  MessageSchema,
  MessagesRequestSchema,
  TokenCountSchema,
} from '@headgate/contract/messages.ts'
import type { InferenceRequest } from '../../../domain/inference.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../../kernel/route.ts'
import type { CallAnswer } from '../flow.ts'
import { callErrors, callHeaders, type GatewayRoutePorts } from '../gateway.routes.ts'
import { eventsOf, readyCall } from '../handle-call.ts'
import { translateCompletion } from './answer.ts'
import { asMessagesStream } from './stream.ts'

/** What these routes need. */
export interface MessagesRoutePorts extends GatewayRoutePorts {
  readonly estimateInput: (request: InferenceRequest) => Promise<number>
}

const protocol =
  'Anthropic’s protocol, for any model: providers that speak it get the request as it was written, others its translation. What ' +
  'a provider cannot be given is named in `x-headgate-warning`, or refused with `"strict": true`. '

/** Declares the routes of Anthropic's Messages API. */
export const messagesRoutes = (ports: MessagesRoutePorts): Route[] => {
  const create = async (input: CallerInput): Promise<Reply> => {
    const read = ({ body }: CallerInput) => ports.read('messages', body as Buffer)
    const { request, begin } = await readyCall(ports, 'chat', read, input)
    if (request.stream) {
      const events = async (signal: CancelSignal) => asMessagesStream(eventsOf(await begin(signal)))
      const kept = ports.keepStream(input, 'messages', events)
      return kept ?? { kind: 'events', stream: events(input.signal) }
    }
    const made = (await begin(input.signal)) as CallAnswer & { kind: 'json' }
    if (made.costUsd !== null) input.exchange.headers[header.costUsd] = made.costUsd
    return {
      kind: 'bytes',
      contentType: 'application/json',
      bytes: made.answer.isMessage === true ? made.answer.body : translateCompletion(made.answer.body),
    }
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/messages',
      summary: 'Answers a conversation in Anthropic’s protocol, whole or as an event stream.',
      access: 'caller',
      browser: true,
      body: 'bytes',
      maxBodyBytes: ports.maxBodyBytes,
      errorWords: 'messages',
      reference: {
        operationId: 'createMessage',
        tag: 'Chat',
        description: `${protocol}Errors have \`error.type\` in Anthropic’s words.`,
        body: MessagesRequestSchema,
        answer: MessageSchema,
        events: MessageEventSchema,
        answerHeaders: [...callHeaders, header.stream],
        errors: [...callErrors, 'messages_empty'],
      },
      handle: create,
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/messages/count_tokens',
      summary: 'Counts the tokens of a request in Anthropic’s protocol, without making the call.',
      access: 'caller',
      browser: true,
      body: 'bytes',
      maxBodyBytes: ports.maxBodyBytes,
      errorWords: 'messages',
      reference: {
        operationId: 'countMessageTokens',
        tag: 'Chat',
        description: 'Counted here, by a tokeniser close to those of most models: an estimate. Nothing is charged.',
        body: CountTokensRequestSchema,
        answer: TokenCountSchema,
        errors: ['duplicate_parameter', 'unsupported_parameter', 'model_missing', 'prompt_empty', 'messages_empty'],
      },
      handle: async ({ body }) => {
        const request = await ports.read('message_tokens', body as Buffer)
        return { kind: 'json', value: { input_tokens: await ports.estimateInput(request) } }
      },
    }),
  ]
}
