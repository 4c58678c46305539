import { describe, expect, it } from 'vitest'
import { isLicenceRefused } from '../../domain/licences.ts'
import type { ModelFacts } from '../../domain/model-facts.ts'
import { knownFacts } from './facts.ts'
import { knownModels } from './known-models.ts'

describe('the registry of models', () => {
  it('says of each fact where and when it was read, and nothing that was read nowhere', () => {
    for (const { title, facts, sources } of knownModels) {
      const read = new Set(sources.flatMap((source) => source.facts))
      expect([...read].sort(), title).toEqual(Object.keys(facts).sort())
      for (const source of sources) {
        expect(source.url).toMatch(/^https:\/\/\S+$/)
        expect(source.read).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      }
    }
  })

  it.each<[string, Partial<ModelFacts>]>([
    ['gpt-4o-mini', { maxOutputTokens: 16_384, structuredOutput: true }],
    ['gpt-4o-mini-2024-07-18', { maxOutputTokens: 16_384 }],
    ['openai/gpt-4o', { structuredOutput: null, tools: true }],
    ['gpt-4o-mini-tts', { licence: null }],
    ['eu.anthropic.claude-haiku-4-5-20251001-v1:0', { contextTokens: 200_000 }],
    ['meta-llama/Llama-3.3-70B-Instruct', { licence: 'Llama-3.3-Community' }],
    ['llama3.3:70b', { attribution: 'Built with Llama' }],
    // Made of a Llama by somebody else, under terms of their own.
    ['deepseek-r1-distill-llama-70b', { licence: null }],
    ['hermes-3-llama-3.1-405b', { licence: null }],
    ['qwen3:8b', { licence: 'Apache-2.0' }],
    ['qwen3-max', { licence: null }],
    ['black-forest-labs/FLUX.1-schnell', { licence: 'Apache-2.0' }],
    ['flux.1-dev', { licence: 'FLUX.1-dev-Non-Commercial' }],
    ['whisper-1', { input: ['audio'], licence: 'MIT' }],
  ])('knows %s', (model, facts) => {
    expect(knownFacts('openai', model).facts).toMatchObject(facts)
  })
})

it('allows and denies licences by name, by beginning, and where none is known', () => {
  const refused = (allow: string[], deny: string[], licence: string | null) =>
    isLicenceRefused({ allow, deny }, licence)
  expect(refused([], [], null)).toBe(false)
  expect(refused([], ['MIT'], 'mit')).toBe(true)
  expect(refused(['llama*'], [], 'Llama-3.3-Community')).toBe(false)
  expect(refused(['llama*'], ['llama-3.3*'], 'Llama-3.3-Community')).toBe(true)
  expect(refused(['mit'], [], null)).toBe(true)
  expect(refused(['mit', 'unknown'], [], null)).toBe(false)
})
