import { abilities, at, type KnownModel, limits, modelsDev, named, readsAll, sold } from './known-model.ts'

/** Google’s models. */
export const googleModels: readonly KnownModel[] = [
  {
    title: 'Gemini 2.0 Flash',
    names: named('gemini-2\\.0-flash(-001)?'),
    example: 'gemini/gemini-2.0-flash',
    facts: {
      input: ['text', 'image', 'audio', 'video'],
      output: ['text'],
      contextTokens: 1_048_576,
      maxOutputTokens: 8_192,
      tools: true,
      structuredOutput: true,
    },
    sources: [
      at(
        'https://ai.google.dev/gemini-api/docs/models/gemini-2.0-flash?hl=it',
        'input',
        'output',
        ...limits,
        'tools',
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'Gemini 2.5 Flash',
    names: named('gemini-2\\.5-flash'),
    example: 'gemini/gemini-2.5-flash',
    facts: {
      ...readsAll,
      contextTokens: 1_048_576,
      maxOutputTokens: 65_536,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '36dbbd62f9f602f86ac654d45ab93b6d8a4f38cc',
        'models/google/gemini-2.5-flash',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'Gemini 2.5 Flash-Lite',
    names: named('gemini-2\\.5-flash-lite'),
    example: 'gemini/gemini-2.5-flash-lite',
    facts: {
      ...readsAll,
      contextTokens: 1_048_576,
      maxOutputTokens: 65_536,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '19565ce21d886b2ec61c7d0b984ce87ad1b140fb',
        'providers/google/models/gemini-2.5-flash-lite',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'Gemini 2.5 Pro',
    names: named('gemini-2\\.5-pro'),
    example: 'gemini/gemini-2.5-pro',
    facts: {
      ...readsAll,
      contextTokens: 1_048_576,
      maxOutputTokens: 65_536,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '36dbbd62f9f602f86ac654d45ab93b6d8a4f38cc',
        'models/google/gemini-2.5-pro',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
]
