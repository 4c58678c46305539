import type { Operation } from '../../../domain/inference.ts'
import { noUsage } from '../../../domain/usage.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import { type Provider, type ProviderAnswer, type ProviderCall, ProviderFault, abortReason } from '../provider.ts'
import { type DemoAnswer, type DemoChat, answerDemo, demoTokens, wireUsage } from './answer.ts'
import { type DemoEmbeddings, embedDemo } from './embedding.ts'
import { answerMedia } from './media.ts'
import { DemoStream } from './stream.ts'

/** The one model of the demo provider. */
export const demoModel = 'demo'
/** On every answer, so that nobody takes it for the real thing. */
const fingerprint = 'headgate-demo-simulated'
const TOKEN_PAUSE_MS = 15
const operations: readonly Operation[] = [
  'chat',
  'embeddings',
  'images',
  'image_edits',
  'image_variations',
  'speech',
  'transcriptions',
  'translations',
  'moderations',
]

interface DemoOptions {
  readonly name: string
  readonly clock: Clock
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** The ids of tool calls are told apart within a conversation by the id of their answer. */
const toolCallsOf = (id: string, choice: number, { toolCalls }: DemoAnswer) =>
  toolCalls.map(({ name, arguments: text }, index) => ({
    id: `call_${id.slice(id.indexOf('_') + 1)}_${choice}_${index}`,
    type: 'function',
    function: { name, arguments: text },
  }))

const messageOf = (id: string, choice: number, answer: DemoAnswer) =>
  answer.toolCalls.length > 0
    ? { role: 'assistant', content: null, refusal: null, tool_calls: toolCallsOf(id, choice, answer) }
    : { role: 'assistant', content: answer.tokens.join(''), refusal: null }

const chatBody = (id: string, created: number, answer: DemoAnswer) => ({
  id,
  object: 'chat.completion',
  created,
  model: demoModel,
  system_fingerprint: fingerprint,
  choices: Array.from({ length: answer.choices }, (_, index) => ({
    index,
    message: messageOf(id, index, answer),
    logprobs: null,
    finish_reason: answer.finish,
  })),
  usage: wireUsage(answer.usage),
})

/** What the events of one choice add, in order: words of a text, or pieces of tool calls. */
const deltasOf = (id: string, choice: number, answer: DemoAnswer): unknown[] => {
  const texts = answer.tokens.map((content) => ({ content }))
  const calls = toolCallsOf(id, choice, answer).flatMap(({ function: called, ...call }, index) => [
    { tool_calls: [{ index, ...call, function: { name: called.name, arguments: '' } }] },
    ...demoTokens(called.arguments).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ])
  return [...texts, ...calls].map((delta, position) => (position === 0 ? { role: 'assistant', ...delta } : delta))
}

const chatEvents = (id: string, created: number, answer: DemoAnswer): string[] => {
  const base = { id, object: 'chat.completion.chunk', created, model: demoModel, system_fingerprint: fingerprint }
  const events: string[] = []
  for (let index = 0; index < answer.choices; index++) {
    const part = (delta: unknown, finished: string | null) =>
      event({ ...base, choices: [{ index, delta, logprobs: null, finish_reason: finished }] })
    events.push(...deltasOf(id, index, answer).map((delta) => part(delta, null)), part({}, answer.finish))
  }
  events.push(event({ ...base, choices: [], usage: wireUsage(answer.usage) }), 'data: [DONE]\n\n')
  return events
}

const json = (value: unknown, usage: DemoAnswer['usage']): ProviderAnswer => ({
  kind: 'json',
  status: 200,
  body: Buffer.from(JSON.stringify(value)),
  usage,
})

/** Answers without any model, marked as simulated: for a first start, and for building an app offline. */
export const createDemoProvider = ({ name, clock }: DemoOptions): Provider => {
  const answer = ({ request }: ProviderCall): ProviderAnswer => {
    const body: unknown = JSON.parse(request.body.toString('utf8'))
    const now = clock.now()
    if (request.operation === 'embeddings') {
      const { data, inputTokens } = embedDemo(body as DemoEmbeddings)
      const usage = { ...noUsage, inputTokens }
      const wire = { prompt_tokens: inputTokens, total_tokens: inputTokens }
      return json({ object: 'list', data, model: demoModel, system_fingerprint: fingerprint, usage: wire }, usage)
    }
    const chat = answerDemo(body as DemoChat)
    const id = prefixedId('chatcmpl', now)
    const created = Math.floor(now / 1000)
    if (!request.stream) return json(chatBody(id, created, chat), chat.usage)
    return { kind: 'events', status: 200, source: new DemoStream(clock, chatEvents(id, created, chat), TOKEN_PAUSE_MS) }
  }
  return {
    name,
    kind: 'demo',
    async call(call) {
      if (call.signal.aborted) throw abortReason(call.signal)
      if (call.model !== demoModel) {
        throw new ProviderFault('model_not_found', {
          upstreamStatus: 404,
          retry: 'elsewhere',
          detail: `The demo provider has one model: ${demoModel}.`,
        })
      }
      return answerMedia(call.request, demoModel, clock) ?? answer(call)
    },
    listModels: async () => [{ id: demoModel, operations, contextTokens: null, created: null }],
    retire: async () => {},
    close: async () => {},
  }
}
