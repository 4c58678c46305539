import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'
import { isObject, listOf, membersOf } from '../translation/parts.ts'
import type { TranslatedRequest } from '../translation/translated-request.ts'
import { keepStrict, readVectorsAsked, vectorsBody } from '../translation/vectors.ts'

/** An embeddings request in Gemini's words, and how its vectors are to be written. */
export interface TranslatedEmbeddings extends TranslatedRequest {
  readonly isBase64: boolean
}

/**
 * An OpenAI embeddings request as `batchEmbedContents` (ai.google.dev/api/embeddings).
 * @throws ProviderFault `unsupported_parameter` for tokens, or with `strict` for what would be left out.
 */
export const translateEmbeddings = (bytes: Buffer, model: string): TranslatedEmbeddings => {
  const asked = readVectorsAsked(bytes)
  keepStrict(asked)
  const { texts, dimensions, isBase64, losses } = asked
  const requests = texts.map((text) => ({
    model: `models/${model}`,
    content: { parts: [{ text }] },
    ...(dimensions !== null && { outputDimensionality: dimensions }),
  }))
  return { body: Buffer.from(JSON.stringify({ requests })), warning: losses.warning, isBase64 }
}

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
  const vectors = listOf(answer['embeddings']).map((one) => (isObject(one) ? one['values'] : undefined))
  const { promptTokenCount } = membersOf(answer['usageMetadata'])
  const tokens = typeof promptTokenCount === 'number' ? promptTokenCount : null
  return {
    body: vectorsBody(vectors, model, isBase64, tokens),
    usage: tokens === null ? null : readUsage({ prompt_tokens: tokens, total_tokens: tokens }),
  }
}
