import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'
import { ProviderFault } from '../provider.ts'
import { createLosses, invalid, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import { isObject, listOf, type Members, membersOf } from '../translation/parts.ts'
import type { TranslatedRequest } from '../translation/translated-request.ts'

const known = new Set(['model', 'input', 'dimensions', 'encoding_format', 'strict'])

/** An embeddings request in Gemini's words, and how its vectors are to be written. */
export interface TranslatedEmbeddings extends TranslatedRequest {
  readonly isBase64: boolean
}

const textsOf = (input: unknown): readonly string[] => {
  const list: readonly unknown[] = Array.isArray(input) ? input : [input]
  return list.map((text, index) => {
    if (typeof text === 'string') return text
    throw unsupported([{ place: Array.isArray(input) ? `input[${index}]` : 'input', why: 'Send texts, not tokens.' }])
  })
}

/**
 * An OpenAI embeddings request as `batchEmbedContents` (ai.google.dev/api/embeddings).
 * @throws ProviderFault `unsupported_parameter` for tokens, or with `strict` for what would be left out.
 */
export const translateEmbeddings = (bytes: Buffer, model: string): TranslatedEmbeddings => {
  const body = JSON.parse(bytes.toString('utf8')) as Members
  const losses = createLosses()
  for (const [name, value] of Object.entries(body))
    if (!known.has(name) && value !== null) losses.note(name, 'No counterpart.')
  if (readStrict(body)) losses.refuse()
  const { dimensions, encoding_format: format } = body
  if (format !== undefined && format !== null && format !== 'float' && format !== 'base64')
    throw invalid('encoding_format', 'is not known', 'Write float or base64.')
  const requests = textsOf(body['input']).map((text) => ({
    model: `models/${model}`,
    content: { parts: [{ text }] },
    ...(typeof dimensions === 'number' && { outputDimensionality: dimensions }),
  }))
  return {
    body: Buffer.from(JSON.stringify({ requests })),
    warning: losses.warning,
    isBase64: format === 'base64',
  }
}

/** Little-endian 32 bit floats, as OpenAI's clients read them. */
const base64Of = (values: readonly number[]): string => Buffer.from(Float32Array.from(values).buffer).toString('base64')

/**
 * The vectors of an answer in OpenAI's shape. Where Gemini does not count the input, there is no usage, and it is counted here.
 * @throws ProviderFault `upstream_malformed`.
 */
export const translateVectors = (
  body: Buffer,
  model: string,
  isBase64: boolean,
): { body: Buffer; usage: Usage | null } => {
  const answer = membersOf(JSON.parse(body.toString('utf8')))
  const data = listOf(answer['embeddings']).map((one, index) => {
    const values = isObject(one) ? one['values'] : undefined
    if (!Array.isArray(values))
      throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
    return { object: 'embedding', index, embedding: isBase64 ? base64Of(values) : (values as unknown) }
  })
  if (data.length === 0) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  const { promptTokenCount: tokens } = membersOf(answer['usageMetadata'])
  const usage = typeof tokens === 'number' ? { prompt_tokens: tokens, total_tokens: tokens } : null
  return {
    body: Buffer.from(JSON.stringify({ object: 'list', data, model, ...(usage && { usage }) })),
    usage: usage && readUsage(usage),
  }
}
