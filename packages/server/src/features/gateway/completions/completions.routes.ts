import { CompletionEventSchema, CompletionRequestSchema, CompletionSchema } from '@headgate/contract/completions.ts'
import { header } from '@headgate/contract/headers.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../../kernel/route.ts'
import type { CallAnswer } from '../flow.ts'
import { callErrors, callHeaders, type GatewayRoutePorts } from '../gateway.routes.ts'
import { eventsOf, readyCall } from '../handle-call.ts'
import { translatedStream } from '../translated-stream.ts'
import { createCompletionEvents, translateCompletion } from './answer.ts'

/** Declares the route of OpenAI's legacy Completions API: any model that can chat completes texts. */
export const completionsRoute = (ports: GatewayRoutePorts): Route => {
  const create = async (input: CallerInput): Promise<Reply> => {
    const read = await ports.readCompletion(input.body as Buffer)
    const { asked } = read
    const { request, begin } = await readyCall(ports, 'chat', () => read.request, input)
    if (request.stream) {
      const events = async (signal: CancelSignal) =>
        translatedStream(eventsOf(await begin(signal)), createCompletionEvents(asked))
      return ports.keepStream(input, 'chat', events) ?? { kind: 'events', stream: events(input.signal) }
    }
    const made = (await begin(input.signal)) as CallAnswer & { kind: 'json' }
    if (made.costUsd !== null) input.exchange.headers[header.costUsd] = made.costUsd
    return { kind: 'json', value: translateCompletion(made.answer.body, asked) }
  }

  return defineRoute({
    method: 'POST',
    path: '/v1/completions',
    summary: 'Completes a text, whole or as an event stream.',
    access: 'caller',
    browser: true,
    body: 'bytes',
    maxBodyBytes: ports.maxBodyBytes,
    reference: {
      operationId: 'createCompletion',
      tag: 'Chat',
      description:
        'OpenAI’s legacy protocol, for any model that can chat: the prompt is what the user says. One prompt a request, as text; `suffix` and ' +
        '`best_of` beyond `n` are refused. Members that are not listed here are named in `x-headgate-warning`, or refused with `"strict": true`.',
      body: CompletionRequestSchema,
      answer: CompletionSchema,
      events: CompletionEventSchema,
      answerHeaders: callHeaders,
      errors: [...callErrors],
    },
    handle: create,
  })
}
