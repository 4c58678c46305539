import { invalid, isObject, located, type Members } from '../wire-members.ts'
import { AppError } from '../../../kernel/errors.ts'
import { blocksOf, contentOf, type Part, partOf } from './blocks.ts'

const place = (location: string, index: number): string => `${location}[${index}]`

const toolMessage = (block: Members, location: string, lost: string[]): Part => {
  const { tool_use_id: id, content, is_error: isError } = block
  if (typeof id !== 'string') throw invalid(`${location}.tool_use_id`, 'must be a string', 'Name the call.')
  if (isError === true) lost.push(`${location}.is_error`)
  const blocks = content === undefined || content === null ? [] : blocksOf(content, `${location}.content`)
  const parts = blocks.map((one, index) => partOf(one, place(`${location}.content`, index)))
  return { role: 'tool', tool_call_id: id, content: parts.length === 0 ? '' : contentOf(parts) }
}

/** Results of tools are messages of their own, before what the user says to them. */
const userMessages = (content: unknown, location: string, lost: string[]): Part[] => {
  const results: Part[] = []
  const parts: Part[] = []
  blocksOf(content, location).forEach((block, index) => {
    const where = place(location, index)
    if (block['type'] === 'tool_result') results.push(toolMessage(block, where, lost))
    else parts.push(partOf(block, where))
  })
  return parts.length > 0 || results.length === 0 ? [...results, { role: 'user', content: contentOf(parts) }] : results
}

const toolCall = (block: Members, location: string): Part => {
  const { id, name, input } = block
  if (typeof id !== 'string') throw invalid(`${location}.id`, 'must be a string', 'Send the call as the model made it.')
  if (typeof name !== 'string')
    throw invalid(`${location}.name`, 'must be a string', 'Send the call as the model made it.')
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } }
}

/** Thinking is for the model that thought it: where it goes, it goes as it was written. */
const isThinking = ({ type }: Members): boolean => type === 'thinking' || type === 'redacted_thinking'

const assistantMessage = (content: unknown, location: string): Part => {
  const calls: Part[] = []
  const parts: Part[] = []
  blocksOf(content, location).forEach((block, index) => {
    const where = place(location, index)
    if (block['type'] === 'tool_use') calls.push(toolCall(block, where))
    else if (!isThinking(block)) parts.push(partOf(block, where))
  })
  return {
    role: 'assistant',
    content: parts.length === 0 ? null : contentOf(parts),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

const systemMessage = (system: unknown): Part[] => {
  if (system === undefined || system === null || system === '') return []
  const parts = blocksOf(system, 'system').map((block, index) => partOf(block, place('system', index)))
  return parts.length === 0 ? [] : [{ role: 'system', content: contentOf(parts) }]
}

/** The conversation in OpenAI's words; adds to `lost` what has none. @throws AppError of the request family. */
export const translateTurns = ({ system, messages }: Members, lost: string[]): readonly Part[] => {
  const fix = 'Write [{"role": "user", "content": "…"}].'
  if (messages === undefined || messages === null || (Array.isArray(messages) && messages.length === 0))
    throw new AppError('messages_empty', located('messages', fix))
  if (!Array.isArray(messages)) throw invalid('messages', 'must be a list', fix)
  const turns = messages.flatMap((message: unknown, index) => {
    const location = place('messages', index)
    if (!isObject(message)) throw invalid(location, 'must be an object', 'Write {"role": "user", "content": "…"}.')
    const content = `${location}.content`
    if (message['role'] === 'user') return userMessages(message['content'], content, lost)
    if (message['role'] === 'assistant') return [assistantMessage(message['content'], content)]
    throw invalid(`${location}.role`, 'must be user or assistant', 'Say in `system` what the model shall be.')
  })
  return [...systemMessage(system), ...turns]
}
