import { type Expectation, expectationOf, wholeAnswer } from '../openai/expectation.ts'
import { type OpenAIOptions, OpenAIServer } from '../openai/openai.ts'
import { type ListedModel, type Provider, ProviderFault } from '../provider.ts'
import { isObject } from '../translation/parts.ts'
import { elevenLabsFault } from './faults.ts'
import { translateSpeech } from './request.ts'

export interface ElevenLabsOptions extends OpenAIOptions {
  /** Ids of voices by the names that callers may write. */
  readonly voices?: Readonly<Record<string, string>> | undefined
}

/** The list of models is no object. */
const list: Expectation = { ...wholeAnswer, read: () => ({ usage: null }) }

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}

/** Models that speak, of `GET /v1/models` (elevenlabs.io/docs/api-reference/models/list). @throws ProviderFault `upstream_malformed`. */
const readModels = (models: unknown): ListedModel[] => {
  if (!Array.isArray(models)) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  return models.filter(isObject).flatMap(({ model_id: id, can_do_text_to_speech: speaks }) => {
    if (typeof id !== 'string' || id === '' || id.length > 256 || speaks === false) return []
    return [{ id, operations: ['speech'], contextTokens: null, created: null }]
  })
}

/** ElevenLabs’ text to speech, or a server that speaks like it, behind OpenAI’s. The address may stand with or without `/v1`. */
export const createElevenLabsProvider = (options: ElevenLabsOptions): Provider => {
  const { apiKey, voices = {} } = options
  const headers = { ...(apiKey !== undefined && { 'xi-api-key': apiKey }), accept: '*/*', ...options.headers }
  const address = options.baseUrl.replace(/\/+$/, '')
  const baseUrl = /\/v\d+$/.test(address) ? address : `${address}/v1`
  const server = new OpenAIServer({ ...options, baseUrl, apiKey: undefined, headers, faultOf: elevenLabsFault })
  return {
    name: options.name,
    kind: 'elevenlabs',
    call: async (call) => {
      const { request, model } = call
      if (request.operation !== 'speech')
        throw new ProviderFault('operation_not_supported', {
          upstreamStatus: 0,
          retry: 'elsewhere',
          detail: `Headgate does not ask ElevenLabs for ${request.operation}.`,
        })
      const { path, body, warning } = translateSpeech(request.body, model, voices)
      const answer = await server.send('POST', path, body, expectationOf(request), call, call.signal)
      return warning === null ? answer : { ...answer, warning }
    },
    listModels: async (signal) => {
      const answer = await server.send('GET', '/models', null, list, null, signal)
      return readModels(answer.kind === 'json' ? parsed(answer.body) : null)
    },
    retire: () => server.retire(),
    close: () => server.close(),
  }
}
