import { ProviderFault } from '../provider.ts'
import { createLosses, invalid, type Losses, unsupported } from './losses.ts'
import { readStrict } from './parameter-rules.ts'
import { type Members } from './parts.ts'

/** An embeddings request, as far as other protocols have a counterpart. */
export interface VectorsAsked {
  readonly body: Members
  readonly texts: readonly string[]
  readonly dimensions: number | null
  readonly isBase64: boolean
  readonly losses: Losses
}

const textsOf = (input: unknown): readonly string[] => {
  const list: readonly unknown[] = Array.isArray(input) ? input : [input]
  return list.map((text, index) => {
    if (typeof text === 'string') return text
    throw unsupported([{ place: Array.isArray(input) ? `input[${index}]` : 'input', why: 'Send texts, not tokens.' }])
  })
}

const known = new Set(['model', 'input', 'dimensions', 'encoding_format', 'strict'])

/**
 * Reads an OpenAI embeddings request; `own` are members of the other protocol that it may have.
 * @throws ProviderFault `unsupported_parameter` for tokens; `invalid_parameter` for an unknown format.
 */
export const readVectorsAsked = (bytes: Buffer, own: readonly string[] = []): VectorsAsked => {
  const body = JSON.parse(bytes.toString('utf8')) as Members
  const losses = createLosses()
  for (const [name, value] of Object.entries(body))
    if (!known.has(name) && !own.includes(name) && value !== null) losses.note(name, 'No counterpart.')
  const { dimensions, encoding_format: format } = body
  if (format !== undefined && format !== null && format !== 'float' && format !== 'base64')
    throw invalid('encoding_format', 'is not known', 'Write float or base64.')
  return {
    body,
    texts: textsOf(body['input']),
    dimensions: typeof dimensions === 'number' ? dimensions : null,
    isBase64: format === 'base64',
    losses,
  }
}

/** With `strict`, what would be lost is refused. @throws ProviderFault `unsupported_parameter`. */
export const keepStrict = ({ body, losses }: VectorsAsked): void => {
  if (readStrict(body)) losses.refuse()
}

/** Little-endian 32 bit floats, as OpenAI's clients read them. */
const base64Of = (values: readonly number[]): string => Buffer.from(Float32Array.from(values).buffer).toString('base64')

/** Vectors in OpenAI's shape; without usage where nobody counted. @throws ProviderFault `upstream_malformed`. */
export const vectorsBody = (
  vectors: readonly unknown[],
  model: string,
  isBase64: boolean,
  tokens: number | null,
): Buffer => {
  const isVector = (one: unknown): one is readonly number[] => Array.isArray(one) && one.length > 0
  if (vectors.length === 0 || !vectors.every(isVector))
    throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  const data = vectors.map((values, index) => ({
    object: 'embedding',
    index,
    embedding: isBase64 ? base64Of(values) : values,
  }))
  const usage = tokens === null ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } }
  return Buffer.from(JSON.stringify({ object: 'list', data, model, ...usage }))
}
