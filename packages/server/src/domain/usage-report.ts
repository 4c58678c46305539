import type { Usage } from './usage.ts'

/** Beyond this a count is a fault of its provider: no call comes near it, and no ledger could hold its cost. */
const mostTokens = 1e10

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostTokens

const isAbsent = (value: unknown): boolean => value === undefined || value === null

const firstCount = (...values: readonly unknown[]): number => values.find(isCount) ?? 0

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/**
 * Reads the `usage` object of an OpenAI-compatible provider, of a whole answer or a stream. Null when it does not count
 * the input, or has a count that is no integer from 0 to 10¹⁰: such a report says nothing. Zero stays zero. Without
 * `completion_tokens` the total tells the output. xAI keeps reasoning out of `completion_tokens` (then the total tells);
 * DeepSeek names cached input `prompt_cache_hit_tokens`. `cache_write_1h_tokens` comes from our own translation only.
 */
export const readUsage = (value: unknown): Usage | null => {
  const report = membersOf(value)
  const { prompt_tokens: inputTokens, completion_tokens: completion, total_tokens: total } = report
  if (!isCount(inputTokens) || !(isCount(completion) || isAbsent(completion))) return null
  const said = isCount(completion) ? completion : Math.max(0, firstCount(total) - inputTokens)
  const reasoning = firstCount(membersOf(report['completion_tokens_details'])['reasoning_tokens'])
  const isApart = reasoning > 0 && total === inputTokens + said + reasoning
  const outputTokens = isApart ? said + reasoning : said
  const details = membersOf(report['prompt_tokens_details'])
  const cached = Math.min(firstCount(details['cached_tokens'], report['prompt_cache_hit_tokens']), inputTokens)
  const written = Math.min(firstCount(details['cache_write_tokens']), inputTokens - cached)
  return {
    inputTokens,
    cachedInputTokens: cached,
    cacheWriteInputTokens: written,
    cacheWriteHourInputTokens: Math.min(firstCount(details['cache_write_1h_tokens']), written),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  }
}
