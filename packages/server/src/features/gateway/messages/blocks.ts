import { unsupported } from '../unsupported.ts'
import { invalid, isObject, type Members } from '../wire-members.ts'

/** A part or message of OpenAI's. */
export type Part = Record<string, unknown>

const textOf = (block: Members, location: string): string => {
  const { text } = block as { text?: unknown }
  if (typeof text !== 'string') throw invalid(`${location}.text`, 'must be a string', 'Send text.')
  return text
}

const sourceOf = (block: Members, location: string): Members => {
  const { source } = block as { source?: unknown }
  if (!isObject(source)) throw invalid(`${location}.source`, 'must be an object', 'Write {"type": "base64", …}.')
  return source
}

const dataUrl = ({ media_type: type, data }: Members, location: string): string => {
  if (typeof type !== 'string' || typeof data !== 'string')
    throw invalid(
      `${location}.source`,
      'needs media_type and data',
      'Write {"type": "base64", "media_type": "…", "data": "…"}.',
    )
  return `data:${type};base64,${data}`
}

const imagePart = (block: Members, location: string): Part => {
  const source = sourceOf(block, location)
  if (source['type'] === 'base64') return { type: 'image_url', image_url: { url: dataUrl(source, location) } }
  if (source['type'] === 'url' && typeof source['url'] === 'string')
    return { type: 'image_url', image_url: { url: source['url'] } }
  throw unsupported(`${location}.source`, 'Send the picture as base64 or its URL.')
}

const documentPart = (block: Members, location: string): Part => {
  const source = sourceOf(block, location)
  const filename = typeof block['title'] === 'string' && block['title'] !== '' ? block['title'] : 'document'
  if (source['type'] === 'base64') return { type: 'file', file: { filename, file_data: dataUrl(source, location) } }
  if (source['type'] === 'text' && typeof source['data'] === 'string') return { type: 'text', text: source['data'] }
  throw unsupported(`${location}.source`, 'Send the document as base64 or text.')
}

/** A text, picture or document as a part of OpenAI's. @throws AppError for any other block. */
export const partOf = (block: Members, location: string): Part => {
  switch (block['type']) {
    case 'text':
      return { type: 'text', text: textOf(block, location) }
    case 'image':
      return imagePart(block, location)
    case 'document':
      return documentPart(block, location)
    default:
      throw unsupported(`${location}.type`, 'Send blocks of type text, image, document, tool_use or tool_result.')
  }
}

/** The blocks of a content; a text is one block. */
export const blocksOf = (content: unknown, location: string): readonly Members[] => {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalid(location, 'must be a string or a list of blocks', 'Send a string.')
  return content.map((block: unknown, index) => {
    if (!isObject(block))
      throw invalid(`${location}[${index}]`, 'must be an object', 'Write {"type": "text", "text": "…"}.')
    return block
  })
}

/** Parts as a content: one text alone is a string, which every server takes. */
export const contentOf = (parts: readonly Part[]): string | readonly Part[] => {
  const [first] = parts
  return parts.length === 1 && first?.['type'] === 'text' ? (first['text'] as string) : parts
}
