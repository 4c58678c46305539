import { invalid, type Losses, unsupported } from '../translation/losses.ts'
import { isObject, listOf, type Members, membersOf, readArguments, readDataUrl } from '../translation/parts.ts'

/** A content block of Converse (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html). */
type Block = Record<string, unknown>

/** A turn of Converse. */
interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

const imageFormats: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}
const documentFormats: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/html': 'html',
  'text/csv': 'csv',
}

const bytesOf = (url: unknown, location: string, formats: Readonly<Record<string, string>>) => {
  const data = typeof url === 'string' ? readDataUrl(url) : null
  if (data === null)
    throw unsupported([{ place: location, why: 'Send the bytes as a data URL: this provider fetches nothing.' }])
  const format = Object.hasOwn(formats, data.type) ? formats[data.type] : undefined
  if (format === undefined)
    throw invalid(
      location,
      `is ${data.type.slice(0, 40) || 'of no type'}`,
      `Send one of ${Object.keys(formats).join(', ')}.`,
    )
  return { format, source: { bytes: data.data } }
}

/** Letters, digits, white space, hyphens and brackets only (type `DocumentBlock`). */
const documentName = (name: unknown): string => {
  const clean = typeof name === 'string' ? name.replace(/[^A-Za-z0-9()[\] -]+/g, '-').replace(/ {2,}/g, ' ') : ''
  return clean.slice(0, 200) || 'document'
}

const cachePoint = (part: Members): Block[] =>
  isObject(part['cache_control']) || isObject(part['prompt_cache_breakpoint'])
    ? [{ cachePoint: { type: 'default' } }]
    : []

const blocksOf = (part: Members, location: string, losses: Losses): Block[] => {
  switch (part['type']) {
    case 'text':
    case 'refusal': {
      const text = part[part['type']]
      if (typeof text !== 'string') throw invalid(`${location}.${part['type']}`, 'must be a string', 'Send text.')
      return text.trim() === '' ? [] : [{ text }]
    }
    case 'image_url': {
      const given = part['image_url']
      const { url, detail } = isObject(given) ? given : { url: given, detail: undefined }
      if (typeof detail === 'string' && detail !== 'auto')
        losses.note(`${location}.image_url.detail`, 'Scale the image before it is sent.')
      return [{ image: bytesOf(url, `${location}.image_url.url`, imageFormats) }]
    }
    case 'file': {
      const { file_data: data, filename } = membersOf(part['file'])
      const document = bytesOf(data, `${location}.file.file_data`, documentFormats)
      return [{ document: { ...document, name: documentName(filename) } }]
    }
    case 'input_audio':
      throw unsupported([{ place: `${location}.input_audio`, why: 'Send the words as text.' }])
    default:
      throw invalid(`${location}.type`, 'is not known', 'Send parts of type text, image_url or file.')
  }
}

const contentBlocks = (content: unknown, location: string, losses: Losses): Block[] => {
  if (content === undefined || content === null) return []
  if (typeof content === 'string') return content.trim() === '' ? [] : [{ text: content }]
  if (!Array.isArray(content)) throw invalid(location, 'must be a string or a list of parts', 'Send a string.')
  return content.flatMap((part: unknown, index) => {
    const place = `${location}[${index}]`
    if (!isObject(part)) throw invalid(place, 'must be an object', 'Write {"type": "text", "text": "…"}.')
    const blocks = blocksOf(part, place, losses)
    return blocks.length === 0 ? [] : [...blocks, ...cachePoint(part)]
  })
}

/** Bedrock takes ids of up to 64 letters, digits, `_` and `-` (type `ToolUseBlock`). */
const toolId = (id: string): string => id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)

const toolUse = (call: unknown, location: string): Block => {
  if (!isObject(call) || typeof call['id'] !== 'string')
    throw invalid(`${location}.id`, 'must be a string', 'Send the call as the model made it.')
  const described = call['function']
  if (!isObject(described)) throw unsupported([{ place: location, why: 'Use function tools.' }])
  const input = readArguments(described['arguments'], `${location}.function.arguments`)
  return { toolUse: { toolUseId: toolId(call['id']), name: described['name'], input } }
}

/** Thoughts as they were given, in `thinking_blocks`. */
const reasoning = (block: unknown): Block[] => {
  const { type, thinking, signature, data } = membersOf(block)
  if (type === 'redacted_thinking') return [{ reasoningContent: { redactedContent: data } }]
  if (type !== 'thinking') return []
  const signed = typeof signature === 'string' && signature !== '' ? { signature } : {}
  return [{ reasoningContent: { reasoningText: { text: thinking, ...signed } } }]
}

const assistantBlocks = (message: Members, location: string, losses: Losses): Block[] => {
  const { tool_calls: calls, function_call, audio, refusal } = message
  if (isObject(function_call)) throw unsupported([{ place: `${location}.function_call`, why: 'Use tool_calls.' }])
  if (isObject(audio)) losses.note(`${location}.audio`, 'Send what was said as content.')
  return [
    ...listOf(message['thinking_blocks']).flatMap(reasoning),
    ...contentBlocks(message['content'] ?? refusal, `${location}.content`, losses),
    ...listOf(calls).map((call, index) => toolUse(call, `${location}.tool_calls[${index}]`)),
  ]
}

const toolResult = (message: Members, location: string, losses: Losses): Block => {
  const { tool_call_id: id, is_error: isError } = message
  if (typeof id !== 'string') throw invalid(`${location}.tool_call_id`, 'must be a string', 'Name the call.')
  const content = contentBlocks(message['content'], `${location}.content`, losses)
  return {
    toolResult: {
      toolUseId: toolId(id),
      content: content.length > 0 ? content : [{ text: '(empty)' }],
      ...(isError === true && { status: 'error' }),
    },
  }
}

/**
 * A conversation in the words of Converse: system and developer messages first and apart, neighbouring turns of one side
 * joined, tool results as blocks of the user's turn.
 */
export const translateMessages = (messages: unknown, losses: Losses): { system: Block[]; messages: Turn[] } => {
  const system: Block[] = []
  const turns: Turn[] = []
  const add = (role: Turn['role'], blocks: Block[], message: Members): void => {
    const marked = blocks.length === 0 ? blocks : [...blocks, ...cachePoint(message)]
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...marked)
    else if (marked.length > 0) turns.push({ role, content: marked })
  }
  listOf(messages).forEach((message, index) => {
    const location = `messages[${index}]`
    if (!isObject(message)) throw invalid(location, 'must be an object', 'Write {"role": "user", "content": "…"}.')
    if (typeof message['name'] === 'string') losses.note(`${location}.name`, 'Say in the text who speaks.')
    const blocks = (): Block[] => contentBlocks(message['content'], `${location}.content`, losses)
    switch (message['role']) {
      case 'system':
      case 'developer':
        if (turns.length > 0) losses.note(`${location}.role`, 'It was moved to the beginning; send it there.')
        system.push(...blocks(), ...cachePoint(message))
        break
      case 'user':
        add('user', blocks(), message)
        break
      case 'assistant':
        add('assistant', assistantBlocks(message, location, losses), message)
        break
      case 'tool':
        add('user', [toolResult(message, location, losses)], message)
        break
      default:
        throw unsupported([{ place: `${location}.role`, why: 'Use system, developer, user, assistant or tool.' }])
    }
  })
  if (turns.length === 0) throw invalid('messages', 'holds nothing to answer', 'Add a message with the role "user".')
  return { system, messages: turns }
}
