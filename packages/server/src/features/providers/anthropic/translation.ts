import type { ThinkingAbilities } from './thinking.ts'

/** What of the provider decides a translation. */
export interface TranslationSetting {
  /** `temperature` and `top_p` exist in the API version that is spoken. */
  readonly sampling: boolean
  readonly abilities: ThinkingAbilities
}
