import { expectationOf } from '../openai/expectation.ts'
import { type OpenAIOptions, OpenAIServer } from '../openai/openai.ts'
import { type Provider, type ProviderAnswer, ProviderFault } from '../provider.ts'
import { createSseReader } from '../translation/sse-reader.ts'
import { TranslatedStream } from '../translation/translated-stream.ts'
import { createTranslator } from '../translation/translator.ts'
import { translateAnswer } from './answer.ts'
import { MessageTranslator } from './events.ts'
import { refineFault } from './faults.ts'
import { readModels } from './models.ts'
import { currentAbilities, type ThinkingAbilities } from './thinking.ts'

/** The API version that is spoken unless the provider's `headers` name another. */
const API_VERSION = '2026-10-21'
/** Most models that one page of the list may have. */
const LIST_PATH = '/v1/models?limit=1000'

/** How to reach Anthropic's API: the address with or without `/v1`. */
type AnthropicOptions = Omit<OpenAIOptions, 'streamUsage'>

/** Anthropic's own headers below the configured ones, whose names come in any case. */
const headersOf = ({ apiKey, headers }: AnthropicOptions): Record<string, string> => ({
  'anthropic-version': API_VERSION,
  ...(apiKey !== undefined && { 'x-api-key': apiKey }),
  ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
})

/**
 * Anthropic's Messages API behind OpenAI's: requests, answers and streams are translated in full. What cannot be is told
 * in the answer's `warning`, or refused.
 */
export const createAnthropicProvider = (options: AnthropicOptions): Provider => {
  const { clock, secrets } = options
  const headers = headersOf(options)
  const baseUrl = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '')
  const server = new OpenAIServer({ ...options, baseUrl, apiKey: undefined, headers, streamUsage: false })
  const sampling = (headers['anthropic-version'] as string) < API_VERSION
  const translator = createTranslator('anthropic')
  let abilities: ReadonlyMap<string, ThinkingAbilities> = new Map()

  const translate = (answer: ProviderAnswer, warning: string | null, isForMessages: boolean): ProviderAnswer => {
    const created = Math.floor(clock.now() / 1000)
    const told = warning === null ? {} : { warning }
    if (answer.kind === 'json') {
      const { usage, ...translated } = translateAnswer(answer.body, created)
      return { ...answer, ...told, usage, ...(isForMessages ? { isMessage: true } : translated) }
    }
    const events = new MessageTranslator(created, secrets, isForMessages)
    return { ...answer, ...told, source: new TranslatedStream(answer.source, createSseReader(), events) }
  }

  return {
    name: options.name,
    kind: 'anthropic',
    speaksMessages: true,
    call: async ({ model, request, requestId, trace, signal }) => {
      if (request.operation !== 'chat')
        throw new ProviderFault('operation_not_supported', {
          upstreamStatus: 0,
          retry: 'elsewhere',
          detail: `Anthropic does not offer ${request.operation}.`,
        })
      const setting = { sampling, abilities: abilities.get(model) ?? currentAbilities }
      const translated = translator.translate(request, model, setting)
      const { body, warning } = translated instanceof Promise ? await translated : translated
      const answer = await server
        .send('POST', '/v1/messages', body, expectationOf(request), { requestId, trace }, signal)
        .catch((fault: unknown) => {
          throw refineFault(fault)
        })
      return translate(answer, warning, request.translation?.messages !== undefined)
    },
    listModels: async (signal) => {
      const models = readModels(await server.get(LIST_PATH, signal))
      abilities = new Map(models.flatMap(({ id, abilities: own }) => (own === null ? [] : [[id, own]])))
      return models
    },
    relieve: translator.rest,
    retire: async () => {
      await server.retire()
      await translator.stop()
    },
    close: async () => {
      await Promise.all([server.close(), translator.stop()])
    },
  }
}
