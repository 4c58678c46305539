import { anthropicModels } from './known/anthropic.ts'
import { googleModels } from './known/google.ts'
import type { KnownModel } from './known/known-model.ts'
import { openaiModels } from './known/openai.ts'
import { openModels } from './known/open-weights.ts'

/** The models of which the house knows something by itself; the first whose names fit counts. */
export const knownModels: readonly KnownModel[] = [...openaiModels, ...anthropicModels, ...googleModels, ...openModels]
