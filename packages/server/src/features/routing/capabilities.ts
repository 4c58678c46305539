import { calcPrice } from '@pydantic/genai-prices'
import type { Operation } from '../../domain/inference.ts'

/** What can be known of a model without asking it. */
export interface Capabilities {
  readonly operations: readonly Operation[]
  readonly contextTokens: number | null
}

const both: readonly Operation[] = ['chat', 'embeddings']
const chat: readonly Operation[] = ['chat']
const embeddings: readonly Operation[] = ['embeddings']

/** Families of embedding models whose names do not say so. */
const embeddingNames = /embed|(^|[/-])(bge|gte|e5|minilm|all-minilm|paraphrase)([-:/]|$)/i

/**
 * What a model most likely does, by its name and the data of the price library. An unknown name may do either: refusing a
 * call that would work is worse than passing on one that the provider refuses.
 */
export const capabilitiesOf = (provider: string, kind: string | undefined, model: string): Capabilities => {
  const isListed = kind === 'openai' || kind === 'anthropic'
  const known = isListed ? calcPrice({}, model, { providerId: kind === 'anthropic' ? kind : provider }) : null
  const contextTokens = known?.model.context_window ?? null
  if (kind === 'anthropic') return { operations: chat, contextTokens }
  if (embeddingNames.test(model)) return { operations: embeddings, contextTokens }
  return { operations: known !== null && known.model_price['output_mtok'] !== undefined ? chat : both, contextTokens }
}
