import type { Usage } from '../../domain/usage.ts'

/** The parsed JSON of an event. */
export type Chunk = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Chunk =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const membersOf = (value: unknown): Chunk => (isObject(value) ? value : {})

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0

const firstCount = (...values: readonly unknown[]): number => Math.ceil(values.find(isCount) ?? 0)

/**
 * Reads the `usage` object of an OpenAI-compatible provider; null when it counts nothing. Zero stays zero. xAI keeps
 * reasoning out of `completion_tokens` (then the total tells); DeepSeek names cached input `prompt_cache_hit_tokens`.
 */
export const readUsage = (value: unknown): Usage | null => {
  if (!isObject(value)) return null
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = value
  if (!isCount(prompt) && !isCount(completion)) return null
  const inputTokens = firstCount(prompt)
  const said = firstCount(completion)
  const reasoning = firstCount(membersOf(value['completion_tokens_details'])['reasoning_tokens'])
  const apart = reasoning > 0 && total === inputTokens + said + reasoning
  const outputTokens = apart ? said + reasoning : said
  const cached = firstCount(
    membersOf(value['prompt_tokens_details'])['cached_tokens'],
    value['prompt_cache_hit_tokens'],
  )
  return {
    inputTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  }
}

/** What the gateway adds to the usage chunk, because it is not known when the headers leave. */
export interface HeadgateMember {
  readonly cost_usd: string | null
  readonly model: string
  readonly provider: string
  readonly attempts: number
  readonly estimated: boolean
  readonly request_id: string
}

/** The usage chunk for the caller: the provider's chunk without choices, and with our member. */
export const usageChunk = (chunk: Chunk, headgate: HeadgateMember): Chunk => ({ ...chunk, choices: [], headgate })

/** Parses the JSON of an event; null when it is no object. */
export const parseChunk = (json: string): Chunk | null => {
  try {
    const value: unknown = JSON.parse(json)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
