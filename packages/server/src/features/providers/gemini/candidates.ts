import type { FinishReason } from '../translation/finish-reason.ts'
import { isObject, listOf, type Members, membersOf, textOf } from '../translation/parts.ts'

const refusals = new Set([
  'SAFETY',
  'RECITATION',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
])

/** OpenAI's word for a `finishReason` (ai.google.dev/api/generate-content#FinishReason); one that came up later is an ordinary end. */
export const finishReason = (reason: unknown, hasCalls: boolean): FinishReason => {
  if (reason === 'MAX_TOKENS') return 'length'
  if (typeof reason === 'string' && refusals.has(reason)) return 'content_filter'
  return hasCalls ? 'tool_calls' : 'stop'
}

/** Why a prompt was not answered at all; null where it was. */
export const blockReason = (answer: Members): string | null => {
  const { blockReason: reason } = membersOf(answer['promptFeedback'])
  return typeof reason === 'string' && listOf(answer['candidates']).length === 0 ? reason : null
}

/** What one candidate says, or a piece of it. */
export interface Said {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly Members[]
  /** Signs the thought behind a text. */
  readonly signature: string | null
}

/** Ids of calls that have none; `next` counts within an answer. */
const callOf = (part: Members, callId: () => string): Members => {
  const call = membersOf(part['functionCall'])
  const { thoughtSignature: signature } = part
  return {
    id: typeof call['id'] === 'string' && call['id'] !== '' ? call['id'] : callId(),
    type: 'function',
    function: { name: call['name'], arguments: JSON.stringify(call['args'] ?? {}) },
    ...(typeof signature === 'string' && { extra_content: { google: { thought_signature: signature } } }),
  }
}

/** Reads the parts of a candidate; kinds that are not known are passed over. */
export const readParts = (candidate: Members, callId: () => string): Said => {
  let text = ''
  let reasoning = ''
  let signature: string | null = null
  const calls: Members[] = []
  for (const part of listOf(membersOf(candidate['content'])['parts'])) {
    if (!isObject(part)) continue
    if (isObject(part['functionCall'])) calls.push(callOf(part, callId))
    else if (part['thought'] === true) reasoning += textOf(part['text'])
    else {
      text += textOf(part['text'])
      if (typeof part['thoughtSignature'] === 'string') signature = part['thoughtSignature']
    }
  }
  return { text, reasoning, calls, signature }
}

/** The signature of a text, where Google's own OpenAI endpoint has it; nothing without one. */
export const signed = (signature: string | null): Members =>
  signature === null ? {} : { extra_content: { google: { thought_signature: signature } } }

const count = (value: unknown): number => (typeof value === 'number' ? value : 0)

/**
 * `usageMetadata` in OpenAI's shape; null when the input is not counted. Gemini keeps cached input within `promptTokenCount`, and
 * thoughts out of `candidatesTokenCount` (ai.google.dev/api/generate-content#UsageMetadata).
 */
export const openaiUsage = (metadata: unknown) => {
  const usage = membersOf(metadata)
  if (typeof usage['promptTokenCount'] !== 'number') return null
  const prompt = usage['promptTokenCount'] + count(usage['toolUsePromptTokenCount'])
  const thoughts = count(usage['thoughtsTokenCount'])
  const completion = count(usage['candidatesTokenCount']) + thoughts
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: count(usage['cachedContentTokenCount']) },
    completion_tokens_details: { reasoning_tokens: thoughts },
  }
}
