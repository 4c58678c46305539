import { invalid, isObject, type Members } from '../wire-members.ts'
import { unsupported } from '../unsupported.ts'

/** A part or message of a chat. */
export type Part = Record<string, unknown>

const send = 'Send text, pictures, files, function calls and their outputs.'

const place = (location: string, index: number): string => `${location}[${index}]`

const textOf = (part: Members, member: string, location: string): string => {
  const text = part[member]
  if (typeof text !== 'string') throw invalid(`${location}.${member}`, 'must be a string', 'Send text.')
  return text
}

const imagePart = (part: Members, location: string): Part => {
  const { image_url: url, detail } = part
  if (typeof url !== 'string')
    throw unsupported(`${location}.file_id`, 'Send the picture as image_url: its address or a data URL.')
  return { type: 'image_url', image_url: { url, ...(typeof detail === 'string' && { detail }) } }
}

const filePart = (part: Members, location: string): Part => {
  const { file_data: data, filename } = part
  if (typeof data !== 'string') throw unsupported(`${location}.file_id`, 'Send the file itself as file_data.')
  return { type: 'file', file: { filename: typeof filename === 'string' ? filename : 'file', file_data: data } }
}

/** One part of a content of the Responses API as a part of a chat's. */
const partOf = (part: Members, location: string): Part => {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: textOf(part, 'text', location) }
    case 'refusal':
      return { type: 'text', text: textOf(part, 'refusal', location) }
    case 'input_image':
      return imagePart(part, location)
    case 'input_file':
      return filePart(part, location)
    case 'input_audio':
      return { type: 'input_audio', input_audio: part['input_audio'] }
    default:
      throw unsupported(`${location}.type`, send)
  }
}

const contentOf = (content: unknown, location: string): unknown => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw invalid(location, 'must be a string or a list of parts', 'Send a string.')
  const parts = content.map((part: unknown, index) => {
    const where = place(location, index)
    if (!isObject(part)) throw invalid(where, 'must be an object', 'Write {"type": "input_text", "text": "…"}.')
    return partOf(part, where)
  })
  const [only] = parts
  return parts.length === 1 && only?.['type'] === 'text' ? only['text'] : parts
}

const roles = new Set(['user', 'assistant', 'system', 'developer'])
// What every server knows.
const roleOf = (role: string): string => (role === 'developer' ? 'system' : role)

/** What a model thought, for the provider that thought it: this house's own envelope of Anthropic's signed blocks. */
const thinkingOf = ({ encrypted_content: sealed }: Members): readonly unknown[] => {
  if (typeof sealed !== 'string') return []
  try {
    const blocks: unknown = JSON.parse(Buffer.from(sealed, 'base64').toString('utf8'))
    return Array.isArray(blocks) ? blocks : []
  } catch {
    return []
  }
}

/** Signed blocks of thinking as `encrypted_content`; null where there are none. */
export const encryptedContent = (blocks: unknown): string | null =>
  Array.isArray(blocks) && blocks.length > 0 ? Buffer.from(JSON.stringify(blocks)).toString('base64') : null

/**
 * Items of the Responses API as the messages of a chat: a text and the calls that follow it are one turn of the assistant.
 * @throws AppError of the request family.
 */
export const translateItems = (items: readonly unknown[], location = 'input'): Part[] => {
  const messages: Part[] = []
  let thinking: readonly unknown[] = []
  const assistant = (): Part => {
    const last = messages.at(-1)
    if (last?.['role'] === 'assistant' && thinking.length === 0) return last
    const turn: Part = { role: 'assistant', content: null, ...(thinking.length > 0 && { thinking_blocks: thinking }) }
    thinking = []
    messages.push(turn)
    return turn
  }
  items.forEach((item, index) => {
    const where = place(location, index)
    if (!isObject(item)) throw invalid(where, 'must be an object', 'Write {"role": "user", "content": "…"}.')
    const { type = 'message', role } = item
    if (type === 'message') {
      if (typeof role !== 'string' || !roles.has(role))
        throw invalid(`${where}.role`, 'is not known', 'Write user, assistant, system or developer.')
      const content = contentOf(item['content'], `${where}.content`)
      if (role !== 'assistant') messages.push({ role: roleOf(role), content })
      else {
        const turn = assistant()
        if (turn['content'] === null && turn['tool_calls'] === undefined) turn['content'] = content
        else messages.push({ role, content })
      }
    } else if (type === 'function_call') {
      const { call_id: id, name, arguments: words } = item
      if (typeof id !== 'string' || typeof name !== 'string')
        throw invalid(where, 'needs call_id and name', 'Send the call as the model made it.')
      const turn = assistant()
      const calls = (turn['tool_calls'] ?? []) as Part[]
      turn['tool_calls'] = [...calls, { id, type: 'function', function: { name, arguments: words ?? '{}' } }]
    } else if (type === 'function_call_output') {
      if (typeof item['call_id'] !== 'string')
        throw invalid(`${where}.call_id`, 'must be a string', 'Name the call that it answers.')
      const content = contentOf(item['output'], `${where}.output`)
      messages.push({ role: 'tool', tool_call_id: item['call_id'], content })
    } else if (type === 'reasoning') thinking = thinkingOf(item)
    else throw unsupported(`${where}.type`, send)
  })
  return messages
}
