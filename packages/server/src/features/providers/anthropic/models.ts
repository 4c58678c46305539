import { type ListedModel, ProviderFault } from '../provider.ts'
import { isObject } from '../translation/parts.ts'
import { readAbilities, type ThinkingAbilities } from './thinking.ts'

/** A model of Anthropic's, and how it thinks. */
export interface DescribedModel extends ListedModel {
  /** null when the list does not say. */
  readonly abilities: ThinkingAbilities | null
}

const positive = (value: unknown): number | null => (typeof value === 'number' && value > 0 ? Math.floor(value) : null)

const seconds = (date: unknown): number | null => {
  const time = typeof date === 'string' ? Date.parse(date) : Number.NaN
  return time > 0 ? Math.floor(time / 1000) : null
}

/**
 * Entries of Anthropic's model list (SDK type `ModelInfo`), without the retired ones, which cannot be called.
 * @throws ProviderFault `upstream_malformed`.
 */
export const readModels = (list: unknown): DescribedModel[] => {
  const data = isObject(list) ? list['data'] : undefined
  if (!Array.isArray(data)) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  return data.filter(isObject).flatMap((entry) => {
    const { id, lifecycle, max_input_tokens, created_at, capabilities } = entry
    if (typeof id !== 'string' || id === '' || id.length > 256 || lifecycle === 'retired') return []
    return [
      {
        id,
        operations: ['chat' as const],
        contextTokens: positive(max_input_tokens),
        created: seconds(created_at),
        abilities: readAbilities(capabilities),
      },
    ]
  })
}
