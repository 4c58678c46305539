import { AppError } from '../../../kernel/errors.ts'
import { isObject, type Members } from '../wire-members.ts'
import { encryptedContent } from './items.ts'
import type { OutputItem, ResponseState } from './response.ts'

const count = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0)

/** Usage in the shape of the Responses API (SDK type `ResponseUsage`); null where the provider told none. */
export const responsesUsage = (usage: unknown): OutputItem | null => {
  if (!isObject(usage)) return null
  const input = isObject(usage['prompt_tokens_details']) ? usage['prompt_tokens_details'] : {}
  const output = isObject(usage['completion_tokens_details']) ? usage['completion_tokens_details'] : {}
  const [asked, said] = [count(usage['prompt_tokens']), count(usage['completion_tokens'])]
  return {
    input_tokens: asked,
    input_tokens_details: {
      cached_tokens: count(input['cached_tokens']),
      cache_write_tokens: count(input['cache_write_tokens']),
    },
    output_tokens: said,
    output_tokens_details: { reasoning_tokens: count(output['reasoning_tokens']) },
    total_tokens: asked + said,
  }
}

/** How a finished answer stands: cut by its cap or a filter it is not complete. */
export const standingOf = (finish: unknown): Pick<ResponseState, 'status' | 'incompleteReason'> => {
  if (finish === 'length') return { status: 'incomplete', incompleteReason: 'max_output_tokens' }
  if (finish === 'content_filter') return { status: 'incomplete', incompleteReason: 'content_filter' }
  return { status: 'completed' }
}

/** What a model thought: its words, and its signed blocks for the next turn. */
export const reasoningItem = (id: string, text: string, blocks: unknown): OutputItem => ({
  id,
  type: 'reasoning',
  status: 'completed',
  summary: [],
  content: text === '' ? [] : [{ type: 'reasoning_text', text }],
  encrypted_content: encryptedContent(blocks),
})

/** What a model says. */
export const messageItem = (id: string, status: string, content: readonly OutputItem[]): OutputItem => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content,
})

/** A text of a message. */
export const textPart = (text: string): OutputItem => ({ type: 'output_text', text, annotations: [], logprobs: [] })

/** A call of a function. */
export const callItem = (id: string, status: string, callId: unknown, name: unknown, words: string): OutputItem => ({
  id,
  type: 'function_call',
  status,
  call_id: callId,
  name,
  arguments: words,
})

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const outputOf = (message: Members, nameItem: (prefix: string) => string): OutputItem[] => {
  const output: OutputItem[] = []
  const thought = textOf(message['reasoning_content']) || textOf(message['reasoning'])
  if (thought !== '' || message['thinking_blocks'] !== undefined)
    output.push(reasoningItem(nameItem('rs'), thought, message['thinking_blocks']))
  const [text, refusal] = [textOf(message['content']), textOf(message['refusal'])]
  const content = [...(text === '' ? [] : [textPart(text)]), ...(refusal === '' ? [] : [{ type: 'refusal', refusal }])]
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : []
  if (content.length > 0 || calls.length === 0) output.push(messageItem(nameItem('msg'), 'completed', content))
  for (const call of calls) {
    const described = isObject(call['function']) ? call['function'] : {}
    output.push(callItem(nameItem('fc'), 'completed', call['id'], described['name'], textOf(described['arguments'])))
  }
  return output
}

/**
 * A whole chat completion as what a response says.
 * @throws AppError upstream_malformed when it is none.
 */
export const translateCompletion = (
  body: Buffer,
  nameItem: (prefix: string) => string,
  completedAt: number,
): ResponseState => {
  let completion: unknown = null
  try {
    completion = JSON.parse(body.toString('utf8')) as unknown
  } catch {
    // Told below.
  }
  const choice: unknown = isObject(completion) && Array.isArray(completion['choices']) ? completion['choices'][0] : null
  if (!isObject(completion) || !isObject(choice) || !isObject(choice['message']))
    throw new AppError('upstream_malformed', { detail: 'The answer is no chat completion.' })
  const standing = standingOf(choice['finish_reason'])
  return {
    ...standing,
    model: textOf(completion['model']),
    output: outputOf(choice['message'], nameItem),
    usage: responsesUsage(completion['usage']),
    ...(standing.status === 'completed' && { completedAt }),
  }
}
