import { abilities, type KnownModel, limits, modelsDev, named, readsFiles, readsImages, sold } from './known-model.ts'

/** OpenAI’s models. */
export const openaiModels: readonly KnownModel[] = [
  {
    title: 'GPT-4o mini',
    names: named('gpt-4o-mini'),
    example: 'openai/gpt-4o-mini',
    facts: {
      ...readsFiles,
      contextTokens: 128_000,
      maxOutputTokens: 16_384,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '36dbbd62f9f602f86ac654d45ab93b6d8a4f38cc',
        'models/openai/gpt-4o-mini',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'GPT-4o',
    names: named('gpt-4o'),
    example: 'openai/gpt-4o',
    facts: { ...readsImages, contextTokens: 128_000, maxOutputTokens: 16_384, tools: true, licence: sold },
    sources: [
      modelsDev('1a01dd6f3b381f9d7b039d3bfd92c6031cfda0ac', 'providers/openai/models/gpt-4o', ...abilities, ...limits),
    ],
  },
  {
    title: 'GPT-4.1',
    names: named('gpt-4\\.1'),
    example: 'openai/gpt-4.1',
    facts: {
      ...readsFiles,
      contextTokens: 1_047_576,
      maxOutputTokens: 32_768,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        'f6c6f04367172d62ebd23191660a895587dc3789',
        'models/openai/gpt-4.1',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'GPT-5',
    names: named('gpt-5'),
    example: 'openai/gpt-5',
    facts: {
      ...readsImages,
      contextTokens: 400_000,
      maxOutputTokens: 128_000,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '36dbbd62f9f602f86ac654d45ab93b6d8a4f38cc',
        'models/openai/gpt-5',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'GPT-5 mini',
    names: named('gpt-5-mini'),
    example: 'openai/gpt-5-mini',
    facts: {
      ...readsImages,
      contextTokens: 400_000,
      maxOutputTokens: 128_000,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '8734c00cd030e035b6aa2ebd3cf9ec98b54026bf',
        'providers/openai/models/gpt-5-mini',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'o3',
    names: named('o3'),
    example: 'openai/o3',
    facts: {
      ...readsFiles,
      contextTokens: 200_000,
      maxOutputTokens: 100_000,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      modelsDev(
        '8734c00cd030e035b6aa2ebd3cf9ec98b54026bf',
        'providers/openai/models/o3',
        ...abilities,
        ...limits,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'GPT Image 1',
    names: named('gpt-image-1'),
    example: 'openai/gpt-image-1',
    facts: { input: ['text', 'image'], output: ['image'], tools: false, licence: sold },
    sources: [
      modelsDev('456216f4c8ca6efdd240b8e18656c96851682bfa', 'providers/openai/models/gpt-image-1', ...abilities),
    ],
  },
  {
    title: 'text-embedding-3-small',
    names: named('text-embedding-3-small'),
    example: 'openai/text-embedding-3-small',
    facts: { input: ['text'], contextTokens: 8_191, tools: false, licence: sold },
    sources: [
      modelsDev(
        '1b5eeca85212999576534da7b7afeea6abc5d321',
        'models/openai/text-embedding-3-small',
        'input',
        'contextTokens',
        'tools',
        'licence',
      ),
    ],
  },
]
