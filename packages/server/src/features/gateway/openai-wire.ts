import { type InferenceRequest, type MemberSpan, type Operation, replaceSpan } from '../../domain/inference.ts'
import { AppError } from '../../kernel/errors.ts'
import { outlineJson, parseJson } from '../../kernel/json.ts'
import { readMediaJson } from './media-wire.ts'
import {
  invalid,
  isBlank,
  isObject,
  located,
  type Members,
  readBoolean,
  readCount,
  readModel,
  readUser,
} from './wire-members.ts'

/** Members whose repetition would let two parsers disagree on who pays for what. */
const decisiveMembers = [
  'model',
  'messages',
  'input',
  'prompt',
  'max_tokens',
  'max_completion_tokens',
  'user',
  'stream',
  'safe',
  'store',
  'stream_options',
  'n',
  'size',
  'quality',
]
/**
 * Most input tokens that one picture can cost, beyond its bytes: 48 tiles of 5,667 tokens would pass every published
 * rate, the dearest being 2,833 + 8 × 5,667 (platform.openai.com/docs/guides/images-vision, gpt-4o-mini, high detail).
 */
const TOKENS_PER_IMAGE = 48_169
const MAX_CHOICES = 128
const MOST_OUTPUT_TOKENS = 10_000_000

/** The cap of the output; the larger where both names stand, because a provider may heed either. */
const readOutputCap = (body: Members): number | null => {
  const present = readCount(body, 'max_completion_tokens', MOST_OUTPUT_TOKENS)
  const former = readCount(body, 'max_tokens', MOST_OUTPUT_TOKENS)
  return present !== null && former !== null ? Math.max(present, former) : (present ?? former)
}

/** Parts whose tokens are bounded: by their bytes, or as pictures. */
const boundedParts = new Set(['text', 'refusal', 'image_url', 'input_audio'])

interface Weight {
  readonly blank: boolean
  readonly images: number
  readonly hasFiles: boolean
}

/** The address of a picture that is not in the part itself; null where it is. */
const addressIn = ({ image_url: given }: Members): string | null => {
  const url = isObject(given) ? given['url'] : given
  return typeof url === 'string' && !/^data:/i.test(url.slice(0, 5)) ? url : null
}

/** Whether a message holds nothing that a model could answer, how many pictures it holds, and whether any file. */
const weighContent = (content: unknown, location: string, urls: string[]): Weight => {
  if (content === undefined || content === null || isBlank(content)) return { blank: true, images: 0, hasFiles: false }
  if (typeof content === 'string') return { blank: false, images: 0, hasFiles: false }
  if (!Array.isArray(content))
    throw invalid(location, 'must be a string or a list of parts', 'Send the text as a string.')
  let images = 0
  let blank = true
  let hasFiles = false
  content.forEach((part: unknown, index) => {
    if (!isObject(part))
      throw invalid(`${location}[${index}]`, 'must be an object', 'Write {"type": "text", "text": "…"}.')
    if (part['type'] === 'image_url') {
      images++
      const url = addressIn(part)
      if (url !== null) urls.push(url)
    }
    if (!boundedParts.has(part['type'] as string)) hasFiles = true
    if (part['type'] !== 'text' || !isBlank(part['text'] ?? '')) blank = false
  })
  return { blank, images, hasFiles }
}

const readMessages = (body: Members): Omit<Weight, 'blank'> & { readonly urls: readonly string[] } => {
  const urls: string[] = []
  const { messages } = body as { messages?: unknown }
  const fix = 'Write [{"role": "user", "content": "…"}].'
  if (messages === undefined || messages === null || (Array.isArray(messages) && messages.length === 0))
    throw new AppError('messages_empty', located('messages', fix))
  if (!Array.isArray(messages)) throw invalid('messages', 'must be a list', fix)
  let images = 0
  let hasFiles = false
  let last = { blank: true, carries: false, role: '' }
  messages.forEach((message: unknown, index) => {
    const location = `messages[${index}]`
    if (!isObject(message)) throw invalid(location, 'must be an object', 'Write {"role": "user", "content": "…"}.')
    if (typeof message['role'] !== 'string')
      throw invalid(`${location}.role`, 'must be a string', 'For example "user".')
    const weight = weighContent(message['content'], `${location}.content`, urls)
    images += weight.images
    hasFiles ||= weight.hasFiles
    const carries = message['tool_calls'] !== undefined || message['function_call'] !== undefined
    last = { blank: weight.blank, carries, role: message['role'] }
  })
  if (last.blank && !last.carries && last.role === 'user')
    throw new AppError(
      'prompt_empty',
      located(`messages[${messages.length - 1}].content`, 'Write what the model shall answer.'),
    )
  return { images, hasFiles, urls }
}

const noContent = { images: 0, hasFiles: false, urls: [] }

const readInput = (body: Members): void => {
  const { input } = body as { input?: unknown }
  const fix = 'Write "input": "some text".'
  if (input === undefined || input === null || isBlank(input)) throw new AppError('prompt_empty', located('input', fix))
  if (typeof input === 'string') return
  const isItem = (item: unknown) => typeof item === 'string' || typeof item === 'number' || Array.isArray(item)
  if (!Array.isArray(input) || !input.every(isItem))
    throw invalid('input', 'must be a string, a list of strings or of tokens', fix)
  const blank = input.findIndex(isBlank)
  if (input.length === 0 || blank !== -1)
    throw new AppError('prompt_empty', located(blank === -1 ? 'input' : `input[${blank}]`, fix))
}

const asksForUsage = (body: Members): boolean => {
  const options = body['stream_options']
  if (options === undefined || options === null) return false
  if (!isObject(options)) throw invalid('stream_options', 'must be an object', 'Write {"include_usage": true}.')
  return options['include_usage'] === true
}

/**
 * Reads a body in OpenAI's wire format: refuses what cannot be served and takes down the facts that decide routing,
 * admission and money. Everything else goes through untouched.
 * @throws AppError of the request family.
 */
export const readInferenceRequest = (operation: Operation, bytes: Buffer): InferenceRequest => {
  const { members, duplicates } = outlineJson(bytes)
  const body = parseJson(bytes)
  if (!isObject(body)) throw invalid('body', 'must be a JSON object', 'Write {"model": "…", …}.')
  const repeated = duplicates.find((name) => decisiveMembers.includes(name))
  if (repeated !== undefined)
    throw new AppError('duplicate_parameter', located(repeated, 'Send it once.', 'stands more than once'))
  if (operation !== 'chat' && operation !== 'embeddings')
    return { operation, body: bytes, members, ...readMediaJson(operation, body, bytes.length) }
  const model = readModel(body)
  const { images, hasFiles, urls } = operation === 'chat' ? readMessages(body) : noContent
  if (operation === 'embeddings') readInput(body)
  const request: InferenceRequest = {
    operation,
    model,
    stream: operation === 'chat' && readBoolean(body, 'stream'),
    includeUsage: operation === 'chat' && asksForUsage(body),
    maxOutputTokens: operation === 'chat' ? readOutputCap(body) : 0,
    choices: readCount(body, 'n', MAX_CHOICES) ?? 1,
    inputTokensBound: bytes.length + images * TOKENS_PER_IMAGE,
    hasFiles,
    user: readUser(body),
    body: bytes,
    members,
  }
  return urls.length === 0 ? request : { ...request, imageUrls: urls }
}

/**
 * The same request with an output cap that the provider must keep: in the place of the member's value where it stands
 * already (a second one further on would win), else as the first member.
 */
export const withOutputCap = (request: InferenceRequest, member: string, cap: number): InferenceRequest => {
  const { body, members } = request
  const standing = members.get(member)
  const start = standing?.start ?? body.indexOf(0x7b) + 1
  const end = standing?.end ?? start
  const name = standing ? '' : `"${member}":`
  const digits = String(cap)
  const value = `${name}${digits}${standing ? '' : ','}`
  const growth = value.length - (end - start)
  const shifted = new Map<string, MemberSpan>()
  for (const [other, span] of members) {
    shifted.set(other, span.start < end ? span : { start: span.start + growth, end: span.end + growth })
  }
  const valueStart = start + name.length
  shifted.set(member, { start: valueStart, end: valueStart + digits.length })
  return {
    ...request,
    maxOutputTokens: cap,
    body: replaceSpan(body, start, end, value),
    members: shifted,
  }
}
