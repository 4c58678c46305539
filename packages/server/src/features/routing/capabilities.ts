import { calcPrice } from '@pydantic/genai-prices'
import type { Operation } from '../../domain/inference.ts'

/** What can be known of a model without asking it. */
export interface Capabilities {
  readonly operations: readonly Operation[]
  readonly contextTokens: number | null
}

const ofText: readonly Operation[] = ['chat', 'embeddings']
const ofImages: readonly Operation[] = ['images', 'image_edits', 'image_variations']
const ofTranscripts: readonly Operation[] = ['transcriptions', 'translations']
const any: readonly Operation[] = [...ofText, ...ofImages, 'speech', ...ofTranscripts, 'moderations']
const chat: readonly Operation[] = ['chat']
const embeddings: readonly Operation[] = ['embeddings']

/** Families of embedding models whose names do not say so. */
const embeddingNames = /embed|(^|[/-])(bge|gte|e5|minilm|all-minilm|paraphrase)([-:/]|$)/i

/** Families of other models by their names, and what they do. */
const families: readonly (readonly [names: RegExp, operations: readonly Operation[]])[] = [
  [/(^|[/-])(gpt-image|dall-e|gptimage|imagen|flux|stable-diffusion|sdxl|sd3)/i, ofImages],
  [/(^|[/-])(whisper|.*-transcribe)/i, ofTranscripts],
  [/(^|[/-])tts(-|$)|-tts(-|$)/i, ['speech']],
  [/moderation/i, ['moderations']],
]

/** Kinds that are one provider each, by the price library's names. */
const libraryKinds: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  azure: 'azure',
  bedrock: 'aws',
  gemini: 'google',
}

/**
 * What a model most likely does, by its name and the data of the price library. An unknown name may do either: refusing a
 * call that would work is worse than passing on one that the provider refuses.
 */
export const capabilitiesOf = (provider: string, kind: string | undefined, model: string): Capabilities => {
  const library = kind === 'openai' ? provider : libraryKinds[kind ?? '']
  const known = library === undefined ? null : calcPrice({}, model, { providerId: library })
  const contextTokens = known?.model.context_window ?? null
  if (kind === 'elevenlabs') return { operations: ['speech'], contextTokens: null }
  if (kind === 'bedrock' && embeddingNames.test(model)) return { operations: embeddings, contextTokens }
  if (kind === 'anthropic' || kind === 'bedrock') return { operations: chat, contextTokens }
  if (embeddingNames.test(model)) return { operations: embeddings, contextTokens }
  if (kind === 'ollama') return { operations: ofText, contextTokens }
  const family = families.find(([names]) => names.test(model))
  if (family !== undefined) return { operations: family[1], contextTokens }
  // Some that talk also draw, and the library prices both in tokens.
  if (known !== null && /image/i.test(model)) return { operations: ['chat', ...ofImages], contextTokens }
  return { operations: known !== null && known.model_price['output_mtok'] !== undefined ? chat : any, contextTokens }
}
