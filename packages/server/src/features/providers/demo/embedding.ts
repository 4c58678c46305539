import { createHash } from 'node:crypto'
import { demoTokens } from './answer.ts'

const DIMENSIONS = 256
const MAX_DIMENSIONS = 4_096

/** What the demo reads of an embeddings request. */
export interface DemoEmbeddings {
  readonly input: string | readonly (string | number | readonly number[])[]
  readonly dimensions?: number | null
  readonly encoding_format?: string | null
}

/** Texts, or lists of token numbers, to embed. */
const itemsOf = (input: DemoEmbeddings['input']): readonly (readonly string[])[] => {
  if (typeof input === 'string') return [demoTokens(input)]
  if (input.every((item) => typeof item === 'number')) return [input.map(String)]
  return input.map((item) => (typeof item === 'string' ? demoTokens(item) : [item].flat().map(String)))
}

/**
 * A unit vector from the words of a text by feature hashing (Weinberger et al. 2009, "Feature Hashing for Large Scale
 * Multitask Learning"): the same text gives the same vector, and shared words bring texts nearer to each other.
 */
const embed = (tokens: readonly string[], dimensions: number): Float32Array => {
  const vector = new Float32Array(dimensions)
  for (const token of tokens.length > 0 ? tokens : ['']) {
    const word = token.trim().toLowerCase()
    const hash = createHash('sha256').update(word).digest()
    for (let feature = 0; feature < 4; feature++) {
      const index = hash.readUInt32LE(feature * 8) % dimensions
      vector[index] = (vector[index] as number) + ((hash[feature * 8 + 4] as number) & 1 ? 1 : -1)
    }
  }
  let norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  if (norm === 0) {
    vector[0] = 1
    norm = 1
  }
  return vector.map((value) => value / norm)
}

/** Vectors in OpenAI's wire shape, and the tokens they cost. */
export const embedDemo = (request: DemoEmbeddings): { data: readonly unknown[]; inputTokens: number } => {
  const wanted = Number.isInteger(request.dimensions) ? (request.dimensions as number) : DIMENSIONS
  const dimensions = Math.min(MAX_DIMENSIONS, Math.max(1, wanted))
  const items = itemsOf(request.input)
  const data = items.map((tokens, index) => {
    const vector = embed(tokens, dimensions)
    const embedding =
      request.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector)
    return { object: 'embedding', index, embedding }
  })
  return { data, inputTokens: items.reduce((sum, tokens) => sum + Math.max(1, tokens.length), 0) }
}
