import type { InferenceRequest } from '../../../domain/inference.ts'
import type { ThinkingAbilities } from './thinking.ts'

/** What of the provider decides a translation. */
export interface TranslationSetting {
  /** `temperature` and `top_p` exist in the API version that is spoken. */
  readonly sampling: boolean
  readonly abilities: ThinkingAbilities
}

/** What of a request its translation reads. */
export type TranslatableRequest = Pick<InferenceRequest, 'body' | 'stream' | 'maxOutputTokens' | 'messages'>

/** A request in Anthropic's words. */
export interface TranslatedRequest {
  readonly body: Buffer
  /** What was left out, for `x-headgate-warning`; null when nothing was. */
  readonly warning: string | null
}
