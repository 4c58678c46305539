import { translateRequest as toAnthropic } from '../anthropic/request.ts'
import { translateRequest as toBedrock } from '../bedrock/request.ts'
import { translateRequest as toGemini } from '../gemini/request.ts'
import type { TranslatableRequest, TranslatedRequest } from './translated-request.ts'

/** The translations by the kind of provider that they are for. */
const translations = { anthropic: toAnthropic, bedrock: toBedrock, gemini: toGemini }

export type Translation = keyof typeof translations
/** What of a provider decides its translation. */
export type SettingOf<Kind extends Translation> = Parameters<(typeof translations)[Kind]>[2]

/** @throws ProviderFault for what cannot be translated. */
export const translate = (
  translation: Translation,
  request: TranslatableRequest,
  model: string,
  setting: unknown,
): TranslatedRequest => translations[translation](request, model, setting as never)
