import type { Operation } from '../../../domain/inference.ts'
import { expectationOf } from '../openai/expectation.ts'
import { type OpenAIOptions, OpenAIServer } from '../openai/openai.ts'
import {
  type ListedModel,
  type Provider,
  type ProviderAnswer,
  type ProviderCall,
  ProviderFault,
  abortReason,
} from '../provider.ts'
import { createSseReader } from '../translation/sse-reader.ts'
import { isObject, listOf, membersOf } from '../translation/parts.ts'
import { TranslatedStream } from '../translation/translated-stream.ts'
import { createTranslator } from '../translation/translator.ts'
import { translateAnswer } from './answer.ts'
import { translateEmbeddings, translateVectors } from './embeddings.ts'
import { CandidateTranslator } from './events.ts'
import { geminiFault } from './faults.ts'
import { isImagen, readPredictions, translatePrediction } from './imagen.ts'
import { joinPictures, pictureAnswer, translatePictures } from './images.ts'

const methods: Readonly<Record<string, Operation>> = {
  generateContent: 'chat',
  embedContent: 'embeddings',
  predict: 'images',
}

/** Models that draw say so in their names alone, such as `gemini-2.5-flash-image`. */
const draws = /-image(-|$)/

/** Entries of Gemini's model list that can be called here (ai.google.dev/api/models). @throws ProviderFault `upstream_malformed`. */
const readModels = (list: unknown): ListedModel[] => {
  const { models } = membersOf(list)
  if (!Array.isArray(models)) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  return models.filter(isObject).flatMap(({ name, inputTokenLimit, supportedGenerationMethods }) => {
    const asked = listOf(supportedGenerationMethods).flatMap((method) => methods[method as string] ?? [])
    if (typeof name !== 'string' || name.length > 256 || asked.length === 0) return []
    // Films are predicted too.
    if (asked.includes('images') && !isImagen(name)) return []
    const operations: Operation[] = asked.includes('chat') && draws.test(name) ? [...asked, 'images'] : asked
    const contextTokens = typeof inputTokenLimit === 'number' && inputTokenLimit > 0 ? inputTokenLimit : null
    return [{ id: name.replace(/^models\//, ''), operations, contextTokens, created: null }]
  })
}

/**
 * Google's Gemini API behind OpenAI's: chat by `generateContent`, embeddings by `batchEmbedContents`, pictures by `generateContent` too, or by `predict` where Imagen draws. What cannot be translated is told
 * in the answer's `warning`, or refused. The address may stand with or without `/v1beta`.
 */
export const createGeminiProvider = (options: OpenAIOptions): Provider => {
  const { apiKey, clock, secrets } = options
  const headers = { ...(apiKey !== undefined && { 'x-goog-api-key': apiKey }), ...options.headers }
  const address = options.baseUrl.replace(/\/+$/, '')
  const baseUrl = /\/v1(alpha|beta)?$/.test(address) ? address : `${address}/v1beta`
  const server = new OpenAIServer({ ...options, baseUrl, apiKey: undefined, headers, faultOf: geminiFault })
  const translator = createTranslator('gemini')

  const send = (call: ProviderCall, method: string, body: Buffer): Promise<ProviderAnswer> => {
    const path = `/models/${encodeURIComponent(call.model)}:${method}`
    return server.send('POST', path, body, expectationOf(call.request), call, call.signal)
  }

  const chat = async (call: ProviderCall): Promise<ProviderAnswer> => {
    const { model, request } = call
    const translated = translator.translate(request, model, null)
    const { body, warning } = translated instanceof Promise ? await translated : translated
    const answer = await send(call, request.stream ? 'streamGenerateContent?alt=sse' : 'generateContent', body)
    const created = Math.floor(clock.now() / 1000)
    const told = warning === null ? {} : { warning }
    if (answer.kind === 'json') return { ...answer, ...told, ...translateAnswer(answer.body, model, created) }
    const events = new CandidateTranslator(model, created, secrets)
    return { ...answer, ...told, source: new TranslatedStream(answer.source, createSseReader(), events) }
  }

  const embed = async (call: ProviderCall): Promise<ProviderAnswer> => {
    const { body, warning, isBase64 } = translateEmbeddings(call.request.body, call.model)
    const answer = await send(call, 'batchEmbedContents', body)
    if (answer.kind !== 'json') return answer
    const vectors = translateVectors(answer.body, call.model, isBase64)
    return { ...answer, ...(warning !== null && { warning }), ...vectors }
  }

  const predict = async (call: ProviderCall): Promise<ProviderAnswer> => {
    const { body, warning } = translatePrediction(call.request.body, call.model)
    const path = `/models/${encodeURIComponent(call.model)}:predict`
    const answer = await server.send('POST', path, body, pictureAnswer, call, call.signal)
    const pictures = readPredictions((answer as ProviderAnswer & { kind: 'json' }).body, Math.floor(clock.now() / 1000))
    return warning === null ? pictures : { ...pictures, warning }
  }

  const draw = async (call: ProviderCall): Promise<ProviderAnswer> => {
    if (isImagen(call.model)) return predict(call)
    const { body, warning, count } = translatePictures(call.request.body)
    const path = `/models/${encodeURIComponent(call.model)}:generateContent`
    const one = async (): Promise<Buffer> => {
      const answer = await server.send('POST', path, body, pictureAnswer, call, call.signal)
      return (answer as ProviderAnswer & { kind: 'json' }).body
    }
    const settled = await Promise.allSettled(Array.from({ length: count }, one))
    if (call.signal.aborted) throw abortReason(call.signal)
    const answers = settled.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error)))
    const pictures = joinPictures(answers, Math.floor(clock.now() / 1000))
    const warnings = [warning, pictures.warning].filter((each) => each !== null && each !== undefined)
    return warnings.length === 0 ? pictures : { ...pictures, warning: warnings.join(', ') }
  }

  return {
    name: options.name,
    kind: 'gemini',
    call: async (call) => {
      if (call.request.operation === 'chat') return chat(call)
      if (call.request.operation === 'embeddings') return embed(call)
      if (call.request.operation === 'images') return draw(call)
      throw new ProviderFault('operation_not_supported', {
        upstreamStatus: 0,
        retry: 'elsewhere',
        detail: `Headgate does not ask Gemini for ${call.request.operation}.`,
      })
    },
    listModels: async (signal) => readModels(await server.get('/models?pageSize=1000', signal)),
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
