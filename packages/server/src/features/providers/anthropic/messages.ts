import { invalid, type Losses, unsupported } from '../translation/losses.ts'
import { isObject, type Members, readArguments } from '../translation/parts.ts'
import { type Block, cacheMark, contentBlocks } from './content.ts'

/** A turn of Anthropic's. */
interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

/** Anthropic takes ids of letters, digits, `_` and `-` only; other providers' are longer on imagination. */
const toolId = (id: string): string => id.replace(/[^A-Za-z0-9_-]/g, '_')

const toolUse = (call: unknown, location: string): Block => {
  if (!isObject(call) || typeof call['id'] !== 'string')
    throw invalid(`${location}.id`, 'must be a string', 'Send the call as the model made it.')
  const described = call['function']
  if (!isObject(described)) throw unsupported([{ place: location, why: 'Use function tools.' }])
  const input = readArguments(described['arguments'], `${location}.function.arguments`)
  return { type: 'tool_use', id: toolId(call['id']), name: described['name'], input, ...cacheMark(call) }
}

const thinkingBlocks = ({ thinking_blocks: given }: Members): Block[] =>
  Array.isArray(given) ? given.filter(isObject).map((block) => ({ ...block })) : []

const assistantBlocks = (message: Members, location: string, losses: Losses): Block[] => {
  const { tool_calls: calls, function_call, audio, refusal } = message
  if (isObject(function_call)) throw unsupported([{ place: `${location}.function_call`, why: 'Use tool_calls.' }])
  if (isObject(audio)) losses.note(`${location}.audio`, 'Send what was said as content.')
  const text = contentBlocks(message['content'] ?? refusal, `${location}.content`, losses)
  const uses = Array.isArray(calls) ? calls.map((call, index) => toolUse(call, `${location}.tool_calls[${index}]`)) : []
  return [...thinkingBlocks(message), ...text, ...uses]
}

const toolResult = (message: Members, location: string, losses: Losses): Block => {
  const { tool_call_id: id, is_error: isError } = message
  if (typeof id !== 'string') throw invalid(`${location}.tool_call_id`, 'must be a string', 'Name the call.')
  const content = contentBlocks(message['content'], `${location}.content`, losses)
  return {
    type: 'tool_result',
    tool_use_id: toolId(id),
    ...(content.length > 0 && { content }),
    ...(isError === true && { is_error: true }),
  }
}

/** The mark of a whole message stands on its last block. */
const withMark = (blocks: Block[], message: Members): Block[] => {
  const last = blocks.at(-1)
  if (last !== undefined) Object.assign(last, cacheMark(message))
  return blocks
}

/** Anthropic refuses white space at the end of an answer that it shall continue. */
const trimPrefill = (turn: Turn | undefined): void => {
  const last = turn?.role === 'assistant' ? turn.content.at(-1) : undefined
  if (typeof last?.['text'] === 'string') last['text'] = last['text'].trimEnd()
}

/**
 * A conversation in Anthropic's words: system and developer messages first and apart, neighbouring turns of one side
 * joined, tool results as blocks of the user's turn. Thinking comes back in `thinking_blocks`, as it was given;
 * `reasoning_content` alone has no signature and stays behind.
 */
export const translateMessages = (messages: unknown, losses: Losses): { system: Block[]; messages: Turn[] } => {
  const system: Block[] = []
  const turns: Turn[] = []
  const add = (role: Turn['role'], blocks: Block[]): void => {
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else if (blocks.length > 0) turns.push({ role, content: blocks })
  }
  const list = Array.isArray(messages) ? (messages as unknown[]) : []
  list.forEach((message, index) => {
    const location = `messages[${index}]`
    if (!isObject(message)) throw invalid(location, 'must be an object', 'Write {"role": "user", "content": "…"}.')
    if (typeof message['name'] === 'string') losses.note(`${location}.name`, 'Say in the text who speaks.')
    const blocks = (): Block[] => contentBlocks(message['content'], `${location}.content`, losses)
    switch (message['role']) {
      case 'system':
      case 'developer':
        if (turns.length > 0) losses.note(`${location}.role`, 'It was moved to the beginning; send it there.')
        system.push(...withMark(blocks(), message))
        break
      case 'user':
        add('user', withMark(blocks(), message))
        break
      case 'assistant':
        add('assistant', withMark(assistantBlocks(message, location, losses), message))
        break
      case 'tool':
        add('user', withMark([toolResult(message, location, losses)], message))
        break
      default:
        throw unsupported([{ place: `${location}.role`, why: 'Use system, developer, user, assistant or tool.' }])
    }
  })
  if (turns.length === 0) throw invalid('messages', 'holds nothing to answer', 'Add a message with the role "user".')
  trimPrefill(turns.at(-1))
  return { system, messages: turns }
}
