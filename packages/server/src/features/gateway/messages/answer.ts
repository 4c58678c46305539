import { AppError } from '../../../kernel/errors.ts'
import { isObject, type Members } from '../wire-members.ts'

/** A content block of Anthropic's. */
export type Block = Record<string, unknown>

const reasons: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
}

/** Why an answer ended, in Anthropic's words (SDK type `StopReason`). */
export const stopReason = (finish: unknown): string => reasons[finish as string] ?? 'end_turn'

const count = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0)

/**
 * Usage in Anthropic's shape (SDK type `Usage`): what was read from a cache or written to one stands beside
 * `input_tokens`, where OpenAI keeps it in `prompt_tokens`.
 */
export const messagesUsage = (usage: unknown): Block => {
  const given = isObject(usage) ? usage : {}
  const details = isObject(given['prompt_tokens_details']) ? given['prompt_tokens_details'] : {}
  const read = count(details['cached_tokens'])
  const written = count(details['cache_write_tokens'])
  const forHour = count(details['cache_write_1h_tokens'])
  const output = isObject(given['completion_tokens_details']) ? given['completion_tokens_details'] : {}
  return {
    input_tokens: Math.max(0, count(given['prompt_tokens']) - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: written - forHour, ephemeral_1h_input_tokens: forHour },
    output_tokens: count(given['completion_tokens']),
    output_tokens_details:
      typeof output['reasoning_tokens'] === 'number' ? { thinking_tokens: output['reasoning_tokens'] } : null,
    server_tool_use: null,
  }
}

const argumentsOf = (text: unknown): unknown => {
  if (typeof text !== 'string' || text.trim() === '') return {}
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new AppError('upstream_malformed', { detail: 'The arguments of a tool call are no JSON.' })
  }
}

const thinkingOf = ({ thinking_blocks: blocks, reasoning_content, reasoning }: Members): Block[] => {
  if (Array.isArray(blocks) && blocks.length > 0) return blocks.filter(isObject).map((block) => ({ ...block }))
  const words = reasoning_content ?? reasoning
  return typeof words === 'string' && words !== '' ? [{ type: 'thinking', thinking: words, signature: '' }] : []
}

const toolUse = (call: unknown): Block[] => {
  if (!isObject(call) || !isObject(call['function'])) return []
  const { name, arguments: words } = call['function']
  return [{ type: 'tool_use', id: call['id'], name, input: argumentsOf(words) }]
}

const textOf = (content: unknown): string => (typeof content === 'string' ? content : '')

/** What an answer begins as, and a whole one is: SDK type `Message`. */
export const messageOf = (completion: Members, content: readonly Block[], reason: string | null): Block => ({
  id: completion['id'],
  type: 'message',
  role: 'assistant',
  model: completion['model'],
  content,
  container: null,
  diagnostics: null,
  stop_reason: reason,
  stop_details: null,
  stop_sequence: null,
  usage: messagesUsage(completion['usage']),
})

/**
 * A whole chat completion as a message. Text that the provider refused with stands as text, and the reason says `refusal`.
 * @throws AppError upstream_malformed when it is none.
 */
export const translateCompletion = (body: Buffer): Buffer => {
  const completion: unknown = JSON.parse(body.toString('utf8'))
  const choice: unknown = isObject(completion) && Array.isArray(completion['choices']) ? completion['choices'][0] : null
  if (!isObject(completion) || !isObject(choice) || !isObject(choice['message']))
    throw new AppError('upstream_malformed', { detail: 'The answer is no chat completion.' })
  const { message, finish_reason: finish } = choice as { message: Members; finish_reason?: unknown }
  const text = textOf(message['content']) + textOf(message['refusal'])
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].flatMap(toolUse) : []
  const content = [...thinkingOf(message), ...(text === '' ? [] : [{ type: 'text', text, citations: null }]), ...calls]
  return Buffer.from(JSON.stringify(messageOf(completion, content, stopReason(finish))))
}
