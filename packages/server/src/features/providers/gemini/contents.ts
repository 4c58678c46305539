import { invalid, type Losses, unsupported } from '../translation/losses.ts'
import { isObject, listOf, type Members, membersOf, readArguments, readDataUrl, textOf } from '../translation/parts.ts'

/** A part of Gemini's. */
type Part = Record<string, unknown>

/** A turn of Gemini's. */
interface Content {
  readonly role: 'user' | 'model'
  readonly parts: Part[]
}

const inline = (url: unknown, location: string): Part => {
  const data = typeof url === 'string' ? readDataUrl(url) : null
  if (data === null)
    throw unsupported([{ place: location, why: 'Send the bytes as a data URL: this provider fetches nothing.' }])
  return { inlineData: { mimeType: data.type === 'image/jpg' ? 'image/jpeg' : data.type, data: data.data } }
}

const partsOf = (part: Members, location: string, losses: Losses): Part[] => {
  switch (part['type']) {
    case 'text':
    case 'refusal': {
      const text = part[part['type']]
      if (typeof text !== 'string') throw invalid(`${location}.${part['type']}`, 'must be a string', 'Send text.')
      return text === '' ? [] : [{ text }]
    }
    case 'image_url': {
      const given = part['image_url']
      const { url, detail } = isObject(given) ? given : { url: given, detail: undefined }
      if (typeof detail === 'string' && detail !== 'auto')
        losses.note(`${location}.image_url.detail`, 'Scale the image before it is sent.')
      return [inline(url, `${location}.image_url.url`)]
    }
    case 'input_audio': {
      const { data, format } = membersOf(part['input_audio'])
      if (typeof data !== 'string' || (format !== 'wav' && format !== 'mp3'))
        throw invalid(`${location}.input_audio`, 'must hold data and a format', 'Send wav or mp3.')
      return [{ inlineData: { mimeType: `audio/${format}`, data } }]
    }
    case 'file':
      return [inline(membersOf(part['file'])['file_data'], `${location}.file.file_data`)]
    default:
      throw invalid(`${location}.type`, 'is not known', 'Send parts of type text, image_url, input_audio or file.')
  }
}

const contentParts = (content: unknown, location: string, losses: Losses): Part[] => {
  if (content === undefined || content === null || content === '') return []
  if (typeof content === 'string') return [{ text: content }]
  if (!Array.isArray(content)) throw invalid(location, 'must be a string or a list of parts', 'Send a string.')
  return content.flatMap((part: unknown, index) => {
    const place = `${location}[${index}]`
    if (!isObject(part)) throw invalid(place, 'must be an object', 'Write {"type": "text", "text": "…"}.')
    return partsOf(part, place, losses)
  })
}

/** What signs a thought stands where Google's own OpenAI endpoint has it (ai.google.dev/gemini-api/docs/thought-signatures). */
const signatureOf = (holder: Members): Part => {
  const { thought_signature: signature } = membersOf(membersOf(holder['extra_content'])['google'])
  return typeof signature === 'string' ? { thoughtSignature: signature } : {}
}

const functionCall = (call: unknown, location: string, named: Map<string, string>): Part => {
  if (!isObject(call) || typeof call['id'] !== 'string')
    throw invalid(`${location}.id`, 'must be a string', 'Send the call as the model made it.')
  const described = call['function']
  if (!isObject(described) || typeof described['name'] !== 'string')
    throw unsupported([{ place: location, why: 'Use function tools.' }])
  const args = readArguments(described['arguments'], `${location}.function.arguments`)
  named.set(call['id'], described['name'])
  return { functionCall: { id: call['id'], name: described['name'], args }, ...signatureOf(call) }
}

const modelParts = (message: Members, location: string, losses: Losses, named: Map<string, string>): Part[] => {
  const { tool_calls: calls, function_call, audio, refusal } = message
  if (isObject(function_call)) throw unsupported([{ place: `${location}.function_call`, why: 'Use tool_calls.' }])
  if (isObject(audio)) losses.note(`${location}.audio`, 'Send what was said as content.')
  const said = contentParts(message['content'] ?? refusal, `${location}.content`, losses)
  const last = said.at(-1)
  if (last !== undefined) Object.assign(last, signatureOf(message))
  const asked = listOf(calls).map((call, index) => functionCall(call, `${location}.tool_calls[${index}]`, named))
  return [...said, ...asked]
}

/** Gemini takes an object; other results go under the names that its reference gives, `output` and `error` (type `FunctionResponse`). */
const responseOf = (parts: readonly Part[], isError: boolean): Members => {
  const text = parts.map((part) => textOf(part['text'])).join('')
  if (isError) return { error: text }
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Plain text.
  }
  return { output: text }
}

const functionResponse = (
  message: Members,
  location: string,
  losses: Losses,
  named: ReadonlyMap<string, string>,
): Part[] => {
  const id = message['tool_call_id']
  const name = typeof id === 'string' ? named.get(id) : undefined
  if (name === undefined)
    throw invalid(`${location}.tool_call_id`, 'names no call of this conversation', 'Send the call before its result.')
  const parts = contentParts(message['content'], `${location}.content`, losses)
  const files = parts.filter((part) => 'inlineData' in part)
  return [{ functionResponse: { id, name, response: responseOf(parts, message['is_error'] === true) } }, ...files]
}

/**
 * A conversation in Gemini's words: system and developer messages first and apart, neighbouring turns of one side
 * joined, tool results as parts of the user's turn.
 */
export const translateContents = (messages: unknown, losses: Losses): { system: Part[]; contents: Content[] } => {
  const system: Part[] = []
  const contents: Content[] = []
  const named = new Map<string, string>()
  const add = (role: Content['role'], parts: Part[]): void => {
    const last = contents.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else if (parts.length > 0) contents.push({ role, parts })
  }
  listOf(messages).forEach((message, index) => {
    const location = `messages[${index}]`
    if (!isObject(message)) throw invalid(location, 'must be an object', 'Write {"role": "user", "content": "…"}.')
    if (typeof message['name'] === 'string') losses.note(`${location}.name`, 'Say in the text who speaks.')
    switch (message['role']) {
      case 'system':
      case 'developer':
        if (contents.length > 0) losses.note(`${location}.role`, 'It was moved to the beginning; send it there.')
        system.push(...contentParts(message['content'], `${location}.content`, losses))
        break
      case 'user':
        add('user', contentParts(message['content'], `${location}.content`, losses))
        break
      case 'assistant':
        add('model', modelParts(message, location, losses, named))
        break
      case 'tool':
        add('user', functionResponse(message, location, losses, named))
        break
      default:
        throw unsupported([{ place: `${location}.role`, why: 'Use system, developer, user, assistant or tool.' }])
    }
  })
  if (contents.length === 0) throw invalid('messages', 'holds nothing to answer', 'Add a message with the role "user".')
  return { system, contents }
}
