import type { TemplateOperation } from '../../../domain/call-template.ts'
import { expectationOf } from '../openai/expectation.ts'
import { type OpenAIOptions, OpenAIServer } from '../openai/openai.ts'
import { type Provider, type ProviderAnswer, type ProviderCall, ProviderFault } from '../provider.ts'
import { createLosses, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import type { Members } from '../translation/parts.ts'
import { chatAnswer, chatEvents, expectWhole, imagesAnswer, isRaw, soundAnswer } from './answer.ts'
import { type ReadTemplate, readTemplate, type Templates } from './template.ts'
import { noteLosses, valuesOf } from './values.ts'

export interface HttpOptions extends OpenAIOptions {
  readonly templates: Templates
  /** The models that it lists; any other may be named too. */
  readonly models: readonly string[]
}

/**
 * A server that speaks no protocol of ours: each operation is a request made of a template, and the answer is what a JSON pointer leads to,
 * or the body itself. What a template has no place for is told in the answer's `warning`, or refused. A key goes as a bearer, unless a
 * template has a place for it.
 */
export const createHttpProvider = (options: HttpOptions): Provider => {
  const { clock, apiKey, models } = options
  const read = new Map<string, ReadTemplate>(
    Object.entries(options.templates).map(([operation, template]) => [operation, readTemplate(template)]),
  )
  const operations = [...read.keys()] as TemplateOperation[]
  const isKeyPlaced = [...read.values()].some(({ names }) => names.has('api_key'))
  const server = new OpenAIServer({
    ...options,
    apiKey: isKeyPlaced ? undefined : apiKey,
    headers: { accept: '*/*', ...options.headers },
  })

  const refused = (operation: string): ProviderFault =>
    new ProviderFault('operation_not_supported', {
      upstreamStatus: 0,
      retry: 'elsewhere',
      detail: `This provider has no template for ${operation}.`,
    })

  const shaped = (answer: ProviderAnswer, call: ProviderCall, operation: TemplateOperation): ProviderAnswer => {
    if (answer.kind !== 'json') return answer
    const { request, model, requestId } = call
    const { answer: place } = (read.get(operation) as ReadTemplate).template
    const created = Math.floor(clock.now() / 1_000)
    if (operation === 'images') return imagesAnswer(answer, place, created)
    if (operation === 'speech') return soundAnswer(answer, place)
    const make = request.stream ? chatEvents : chatAnswer
    return make(answer, place, `chatcmpl-${requestId}`, created, model)
  }

  return {
    name: options.name,
    kind: 'http',
    call: async (call) => {
      const { request, model, signal } = call
      const operation = operations.find((one) => one === request.operation)
      const found = operation && read.get(operation)
      if (operation === undefined || found === undefined) throw refused(request.operation)
      if (request.stream && operation !== 'chat')
        throw unsupported([{ place: 'stream', why: 'Leave it out: it comes as a whole.' }])
      const body = JSON.parse(request.body.toString('utf8')) as Members
      const losses = createLosses()
      noteLosses(operation, body, found.names, losses)
      if (readStrict(body)) losses.refuse()
      const { template } = found
      const filled = found.fill({ ...valuesOf(operation, body), model, api_key: apiKey })
      const flows = operation === 'speech' && isRaw(template.answer)
      const answer = await server.send(
        template.method,
        filled.path,
        filled.body,
        flows ? expectationOf(request) : expectWhole(template.answer, operation === 'images'),
        { requestId: call.requestId, trace: [...call.trace, ...filled.headers] },
        signal,
        filled.body === null ? null : template.contentType,
      )
      const { warning } = losses
      return { ...shaped(answer, call, operation), ...(warning !== null && { warning }) }
    },
    listModels: () => Promise.resolve(models.map((id) => ({ id, operations, contextTokens: null, created: null }))),
    retire: () => server.retire(),
    close: () => server.close(),
  }
}
