import type { Members } from '../wire-members.ts'
import type { ResponseRequest } from './request.ts'

/** An item of a response's output. */
export type OutputItem = Record<string, unknown>

/** Where a response stands: SDK type `ResponseStatus`. */
export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

/** Why a response failed, in words for people and a code of the catalogue. */
export interface ResponseFault {
  readonly code: string
  readonly message: string
}

/** What changes while a response is made. */
export interface ResponseState {
  readonly status: ResponseStatus
  readonly model: string
  readonly output: readonly OutputItem[]
  readonly usage: OutputItem | null
  readonly incompleteReason?: string | undefined
  readonly fault?: ResponseFault | undefined
  /** Seconds since the epoch. */
  readonly completedAt?: number | undefined
}

/** A response as it is told: SDK type `Response`. */
export type ResponseObject = Readonly<Record<string, unknown>> & {
  readonly id: string
  readonly status: ResponseStatus
}

/** Writes responses to one request: what was asked for is said again in each. @param createdAt seconds since the epoch. */
export const describeResponse =
  (id: string, createdAt: number, { body, store, background, previousId, model }: ResponseRequest) =>
  (state: ResponseState): ResponseObject => {
    const echoed = (name: string, usual: unknown): unknown => (body as Members)[name] ?? usual
    return {
      id,
      object: 'response',
      created_at: createdAt,
      status: state.status,
      background,
      completed_at: state.completedAt ?? null,
      error: state.fault ?? null,
      incomplete_details: state.incompleteReason === undefined ? null : { reason: state.incompleteReason },
      instructions: echoed('instructions', null),
      max_output_tokens: echoed('max_output_tokens', null),
      max_tool_calls: echoed('max_tool_calls', null),
      metadata: echoed('metadata', {}),
      model: state.model === '' ? model : state.model,
      output: state.output,
      parallel_tool_calls: echoed('parallel_tool_calls', true),
      previous_response_id: previousId,
      prompt_cache_key: echoed('prompt_cache_key', null),
      reasoning: echoed('reasoning', { effort: null, summary: null }),
      safety_identifier: echoed('safety_identifier', null),
      service_tier: echoed('service_tier', 'default'),
      store,
      temperature: echoed('temperature', null),
      text: echoed('text', { format: { type: 'text' } }),
      tool_choice: echoed('tool_choice', 'auto'),
      tools: echoed('tools', []),
      top_logprobs: echoed('top_logprobs', 0),
      top_p: echoed('top_p', null),
      truncation: echoed('truncation', 'disabled'),
      usage: state.usage,
      user: echoed('user', null),
    }
  }
