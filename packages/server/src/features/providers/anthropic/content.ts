import { invalid, type Losses, unsupported } from '../translation/losses.ts'
import { isObject, type Members, readDataUrl } from '../translation/parts.ts'

/** A content block of Anthropic's. */
export type Block = Record<string, unknown>

const imageTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

/**
 * Where the prompt up to here shall be cached: Anthropic's own `cache_control`, or OpenAI's `prompt_cache_breakpoint`,
 * whose 12 hours are the longest that there is, one hour.
 */
export const cacheMark = (part: Members): Block => {
  if (isObject(part['cache_control'])) return { cache_control: part['cache_control'] }
  const breakpoint = part['prompt_cache_breakpoint']
  if (!isObject(breakpoint)) return {}
  return { cache_control: { type: 'ephemeral', ...(breakpoint['ttl'] === '12h' && { ttl: '1h' }) } }
}

/** Text as a block; none for white space, which Anthropic refuses. */
export const textBlocks = (text: string): Block[] => (text.trim() === '' ? [] : [{ type: 'text', text }])

const imageSource = (url: string, location: string): Block => {
  const inline = readDataUrl(url)
  if (inline !== null) {
    const type = inline.type === 'image/jpg' ? 'image/jpeg' : inline.type
    if (!imageTypes.includes(type))
      throw invalid(location, `is ${type.slice(0, 40) || 'of no type'}`, `Send one of ${imageTypes.join(', ')}.`)
    return { type: 'base64', media_type: type, data: inline.data }
  }
  if (!/^https:\/\//i.test(url)) throw invalid(location, 'is neither a data URL nor an https URL', 'Send one of these.')
  return { type: 'url', url }
}

const image = (part: Members, location: string, losses: Losses): Block => {
  const given = part['image_url']
  const { url, detail } = isObject(given) ? given : { url: given, detail: undefined }
  if (typeof url !== 'string') throw invalid(`${location}.image_url.url`, 'must be a string', 'Send a URL.')
  if (typeof detail === 'string' && detail !== 'auto')
    losses.note(`${location}.image_url.detail`, 'Scale the image before it is sent.')
  return { type: 'image', source: imageSource(url, `${location}.image_url.url`) }
}

const document = (part: Members, location: string): Block => {
  const { file_data: given, filename } = isObject(part['file']) ? part['file'] : {}
  if (typeof given !== 'string')
    throw unsupported([{ place: `${location}.file.file_id`, why: 'Send the file itself as file_data.' }])
  const inline = readDataUrl(given)
  const title = typeof filename === 'string' && filename !== '' ? { title: filename } : {}
  if (inline?.type === 'application/pdf')
    return { type: 'document', source: { type: 'base64', media_type: inline.type, data: inline.data }, ...title }
  if (inline?.type.startsWith('text/')) {
    const text = Buffer.from(inline.data, 'base64').toString('utf8')
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title }
  }
  throw invalid(
    `${location}.file.file_data`,
    'is no data URL of a PDF or a text',
    'Write "data:application/pdf;base64,…".',
  )
}

const blocksOf = (part: Members, location: string, losses: Losses): Block[] => {
  switch (part['type']) {
    case 'text':
    case 'refusal': {
      const text = part[part['type']]
      if (typeof text !== 'string') throw invalid(`${location}.${part['type']}`, 'must be a string', 'Send text.')
      return textBlocks(text)
    }
    case 'image_url':
      return [image(part, location, losses)]
    case 'file':
      return [document(part, location)]
    case 'input_audio':
      throw unsupported([{ place: `${location}.input_audio`, why: 'Send the words as text.' }])
    default:
      throw invalid(`${location}.type`, 'is not known', 'Send parts of type text, image_url or file.')
  }
}

/** The content of a message as blocks of Anthropic's. */
export const contentBlocks = (content: unknown, location: string, losses: Losses): Block[] => {
  if (content === undefined || content === null) return []
  if (typeof content === 'string') return textBlocks(content)
  if (!Array.isArray(content)) throw invalid(location, 'must be a string or a list of parts', 'Send a string.')
  return content.flatMap((part: unknown, index) => {
    const place = `${location}[${index}]`
    if (!isObject(part)) throw invalid(place, 'must be an object', 'Write {"type": "text", "text": "…"}.')
    return blocksOf(part, place, losses).map((block) => ({ ...block, ...cacheMark(part) }))
  })
}
