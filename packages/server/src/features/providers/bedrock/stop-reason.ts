import type { FinishReason } from '../translation/finish-reason.ts'
import { type Members, membersOf } from '../translation/parts.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
}

/** OpenAI's word for a `stopReason` (type `ConverseResponse`); a reason that came up later is an ordinary end. */
export const finishReason = (stopReason: unknown): FinishReason =>
  (typeof stopReason === 'string' ? finishReasons[stopReason] : undefined) ?? 'stop'

const count = (value: unknown): number => (typeof value === 'number' ? value : 0)

/**
 * `usage` in OpenAI's shape; null when the input is not counted. Cached input stands beside `inputTokens` (type `TokenUsage`); thoughts are
 * within `outputTokens` and not told apart.
 */
export const openaiUsage = (usage: unknown) => {
  const told: Members = membersOf(usage)
  if (typeof told['inputTokens'] !== 'number') return null
  const read = count(told['cacheReadInputTokens'])
  const written = count(told['cacheWriteInputTokens'])
  const prompt = told['inputTokens'] + read + written
  const completion = count(told['outputTokens'])
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
  }
}
