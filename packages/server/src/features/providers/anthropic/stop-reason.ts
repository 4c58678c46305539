import type { FinishReason } from '../translation/finish-reason.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

/** OpenAI's word for a `stop_reason` (SDK type `StopReason`); a reason that came up later is an ordinary end. */
export const finishReason = (stopReason: unknown): FinishReason =>
  (typeof stopReason === 'string' ? finishReasons[stopReason] : undefined) ?? 'stop'

/** What Anthropic says of a refusal (`stop_details.explanation`); null when it says nothing. */
export const refusalText = (stopReason: unknown, stopDetails: unknown): string | null => {
  if (stopReason !== 'refusal' || typeof stopDetails !== 'object' || stopDetails === null) return null
  const { explanation } = stopDetails as { explanation?: unknown }
  return typeof explanation === 'string' && explanation !== '' ? explanation : null
}
