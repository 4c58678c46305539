import { at, begins, type KnownModel, modelsDev } from './known-model.ts'

/** Models with open weights, whoever runs them. */
export const openModels: readonly KnownModel[] = [
  {
    title: 'Llama 3.3',
    names: begins('llama-?3[.-]3([:-]|$)'),
    example: 'groq/llama-3.3-70b-versatile',
    facts: {
      input: ['text'],
      output: ['text'],
      contextTokens: 128_000,
      tools: true,
      licence: 'Llama-3.3-Community',
      attribution: 'Built with Llama',
    },
    sources: [
      at(
        'https://github.com/meta-llama/llama-models/blob/cf41a5254b6ad5d4e2258ac377db6cfbfae2c468/models/llama3_3/LICENSE',
        'licence',
        'attribution',
      ),
      modelsDev(
        '36dbbd62f9f602f86ac654d45ab93b6d8a4f38cc',
        'models/meta/llama-3.3-70b-instruct',
        'input',
        'output',
        'contextTokens',
        'tools',
      ),
    ],
  },
  {
    title: 'Llama 3.1',
    names: begins('(meta-)?llama-?3[.-]1([:-]|$)'),
    example: 'groq/llama-3.1-8b-instant',
    facts: { licence: 'Llama-3.1-Community', attribution: 'Built with Llama' },
    sources: [
      at(
        'https://github.com/meta-llama/llama-models/blob/47401a87273be9e4bc7612f4f8c25acaee9a2968/models/llama3_1/LICENSE',
        'licence',
        'attribution',
      ),
    ],
  },
  {
    title: 'gpt-oss',
    names: begins('gpt-oss[:-](20b|120b)'),
    example: 'groq/openai/gpt-oss-20b',
    facts: {
      input: ['text'],
      output: ['text'],
      contextTokens: 131_072,
      tools: true,
      structuredOutput: true,
      licence: 'Apache-2.0',
    },
    sources: [
      at(
        'https://github.com/openai/gpt-oss/blob/0492bd3e037807f434a09583c9ac46d8757b5c4d/README.md',
        'licence',
        'tools',
        'structuredOutput',
      ),
      modelsDev(
        '1a0bdb93f9da8f34c9188e4e385f03c721657f85',
        'models/openai/gpt-oss-20b',
        'input',
        'output',
        'contextTokens',
      ),
    ],
  },
  {
    title: 'Qwen3, the sizes with open weights',
    names: begins('qwen3[:-]\\d+(\\.\\d+)?b'),
    example: 'groq/qwen/qwen3-32b',
    facts: { licence: 'Apache-2.0' },
    sources: [at('https://github.com/QwenLM/Qwen3/blob/4d9f43e9ffc587202fb2225ca9e250761a2a28e3/README.md', 'licence')],
  },
  {
    title: 'DeepSeek-R1',
    names: begins('deepseek-r1($|:|-\\d)'),
    example: null,
    facts: { licence: 'MIT' },
    sources: [
      at(
        'https://github.com/deepseek-ai/DeepSeek-R1/blob/00f3296a14392e787d4138b5a0d8ce0e55a25b23/README.md',
        'licence',
      ),
    ],
  },
  {
    title: 'Whisper',
    names: begins('whisper-(1|large)'),
    example: 'openai/whisper-1',
    facts: { input: ['audio'], output: ['text'], licence: 'MIT' },
    sources: [
      at(
        'https://github.com/openai/whisper/blob/0033c7ff6e813c01265a3f291b85cb4ab2e8940a/README.md',
        'input',
        'output',
        'licence',
      ),
    ],
  },
  {
    title: 'FLUX.1 [schnell]',
    names: begins('flux[.-]?1?[.-]schnell'),
    example: null,
    facts: { input: ['text'], output: ['image'], licence: 'Apache-2.0' },
    sources: [
      at(
        'https://github.com/black-forest-labs/flux/blob/0590e74df7af83adffe6f4cfcfaad671b077b29d/README.md',
        'input',
        'output',
        'licence',
      ),
    ],
  },
  {
    title: 'FLUX.1 [dev]',
    names: begins('flux[.-]?1?[.-]dev'),
    example: null,
    facts: { input: ['text'], output: ['image'], licence: 'FLUX.1-dev-Non-Commercial' },
    sources: [
      at(
        'https://github.com/black-forest-labs/flux/blob/0590e74df7af83adffe6f4cfcfaad671b077b29d/README.md',
        'input',
        'output',
        'licence',
      ),
    ],
  },
]
