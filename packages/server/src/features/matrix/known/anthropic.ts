import { abilities, at, begins, type KnownModel, limits, modelsDev, named, readsFiles, sold } from './known-model.ts'

/** Anthropic’s models. */
export const anthropicModels: readonly KnownModel[] = [
  {
    title: 'Claude Haiku 4.5',
    names: begins('claude-haiku-4-5'),
    example: 'anthropic/claude-haiku-4-5',
    facts: {
      ...readsFiles,
      contextTokens: 200_000,
      maxOutputTokens: 64_000,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      at('https://platform.claude.com/docs/zh-CN/models/haiku-4-5/overview.md', ...limits),
      modelsDev('506b1b0279f8494c42921508044367b640cfc212', 'models/anthropic/claude-haiku-4-5', ...abilities),
      modelsDev(
        '482fb019a4847290b37990da929dc707d9243dca',
        'providers/anthropic/models/claude-haiku-4-5',
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'Claude Sonnet 4.5',
    names: begins('claude-sonnet-4-5'),
    example: 'anthropic/claude-sonnet-4-5',
    facts: { ...readsFiles, contextTokens: 200_000, maxOutputTokens: 64_000, tools: true, licence: sold },
    sources: [
      at('https://platform.claude.com/docs/zh-CN/models/sonnet-4-5/overview.md', ...limits),
      modelsDev(
        '179029e9a90fac95bd0b3ae225f1ebdaaa1a70c3',
        'providers/anthropic/models/claude-sonnet-4-5',
        ...abilities,
      ),
    ],
  },
  {
    title: 'Claude Opus 4.5',
    names: begins('claude-opus-4-5'),
    example: 'anthropic/claude-opus-4-5',
    facts: {
      ...readsFiles,
      contextTokens: 200_000,
      maxOutputTokens: 64_000,
      tools: true,
      structuredOutput: true,
      licence: sold,
    },
    sources: [
      at('https://platform.claude.com/docs/pt-BR/models/opus-4-5/overview.md', ...limits),
      modelsDev(
        '7fbe22429db68bfe4b3219fd7d8604105a7419d1',
        'providers/anthropic/models/claude-opus-4-5',
        ...abilities,
        'structuredOutput',
      ),
    ],
  },
  {
    title: 'Claude Sonnet 5',
    names: named('claude-sonnet-5'),
    example: 'anthropic/claude-sonnet-5',
    facts: { contextTokens: 1_000_000, maxOutputTokens: 128_000 },
    sources: [at('https://platform.claude.com/docs/zh-CN/models/sonnet-5/overview.md', ...limits)],
  },
  {
    title: 'Claude Opus 5',
    names: named('claude-opus-5'),
    example: 'anthropic/claude-opus-5',
    facts: { contextTokens: 1_000_000, maxOutputTokens: 128_000 },
    sources: [at('https://platform.claude.com/docs/zh-CN/models/opus-5/overview.md', ...limits)],
  },
]
