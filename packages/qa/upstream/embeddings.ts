import type { Exchange } from './exchange.ts'
import { sendWhole } from './plain-writer.ts'
import { type Script, ScriptError, requireMeaning, splitModel } from './script.ts'
import { countTokens } from './tokens.ts'

/** What the upstream reads of an embeddings request. */
export interface EmbeddingsBody {
  model: string
  input: unknown
  dimensions?: number | null
  encoding_format?: string | null
}

const inputsOf = (input: unknown): Array<{ text: string; tokens: number }> => {
  const fromText = (text: string) => ({ text, tokens: countTokens(text) })
  const fromTokens = (tokens: number[]) => ({ text: tokens.join(' '), tokens: tokens.length })
  if (typeof input === 'string') return [fromText(input)]
  if (!Array.isArray(input) || input.length === 0)
    throw new ScriptError('input must be a text, tokens, or a list of them')
  if (input.every((one) => typeof one === 'number')) return [fromTokens(input)]
  return input.map((one) => {
    if (typeof one === 'string') return fromText(one)
    if (Array.isArray(one) && one.every((token) => typeof token === 'number')) return fromTokens(one)
    throw new ScriptError('input must be a text, tokens, or a list of them')
  })
}

const seedOf = (word: string): number => {
  // FNV-1a, 32 bits
  let hash = 0x811c9dc5
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193)
  return hash >>> 0 || 1
}

/** A unit vector that depends only on the words: texts with words in common are near each other. */
export const embed = (text: string, dimensions: number): Float32Array => {
  const vector = new Float32Array(dimensions)
  for (const word of text.toLowerCase().split(/\W+/u).slice(0, 256)) {
    let state = seedOf(word)
    for (let index = 0; index < dimensions; index += 1) {
      // xorshift32
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      vector[index] = (vector[index] ?? 0) + state / 2 ** 31
    }
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}

const defaultDimensions = (model: string): number => (model.includes('3-large') ? 3072 : 1536)

const rememberedAnswers = new WeakMap<object, { data: string; tokens: number }>()

const dataFor = (body: EmbeddingsBody, model: string): { data: string; tokens: number } => {
  const known = rememberedAnswers.get(body)
  if (known !== undefined) return known
  const dimensions = body.dimensions ?? defaultDimensions(model)
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 8192) {
    throw new ScriptError('dimensions must be a whole number from 1 to 8192')
  }
  const inputs = inputsOf(body.input)
  const data = inputs.map(({ text }, index) => {
    const vector = embed(text, dimensions)
    const embedding =
      body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector)
    return { object: 'embedding', index, embedding }
  })
  const answer = { data: JSON.stringify(data), tokens: inputs.reduce((sum, { tokens }) => sum + tokens, 0) }
  rememberedAnswers.set(body, answer)
  return answer
}

/**
 * Answers `POST /v1/embeddings` with float or base64 vectors.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerEmbeddings = async (exchange: Exchange, script: Script, body: EmbeddingsBody): Promise<void> => {
  requireMeaning(script, 'json')
  const model = splitModel(body.model).base
  const { data, tokens } = dataFor(body, model)
  const { row } = exchange
  row.prompt_tokens = tokens
  const reported = script.usage === 'zero' ? 0 : tokens
  const usage = { prompt_tokens: reported, total_tokens: reported }
  const isSilent = script.usage === 'missing' || script.usage === 'null'
  row.usage_reported = isSilent ? null : usage
  const tail = script.usage === 'missing' ? '' : `,"usage":${JSON.stringify(row.usage_reported)}`
  await sendWhole(exchange, script, `{"object":"list","data":${data},"model":${JSON.stringify(model)}${tail}}`)
}

/** What the upstream reads of a request for vectors by Bedrock's `InvokeModel`: Titan's one text, or Cohere's several. */
export interface InvokeBody {
  model: string
  inputText?: string
  dimensions?: number
  texts?: string[]
  input_type?: string
}

/**
 * Answers `InvokeModel` of Titan and Cohere models with vectors of length one.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerInvoke = async (exchange: Exchange, script: Script, body: InvokeBody): Promise<void> => {
  requireMeaning(script, 'json')
  const { row } = exchange
  const { inputText, texts, dimensions = 1024 } = body
  if (inputText === undefined && (texts === undefined || body.input_type === undefined))
    throw new ScriptError('inputText, or texts and input_type, are required')
  if (texts !== undefined && texts.length > 96) throw new ScriptError('texts are more than 96')
  const inputs = texts ?? [inputText ?? '']
  row.prompt_tokens = inputs.reduce((sum, text) => sum + countTokens(text), 0)
  const vectors = inputs.map((text) => Array.from(embed(text, dimensions)))
  const answer =
    texts === undefined
      ? { embedding: vectors[0], inputTextTokenCount: row.prompt_tokens }
      : { id: 'scripted', response_type: 'embeddings_floats', embeddings: vectors, texts }
  await sendWhole(exchange, script, JSON.stringify(answer))
}
