import type { TemplateOperation } from '../../../domain/call-template.ts'
import type { TemplateValues } from '../../../kernel/template.ts'
import type { Losses } from '../translation/losses.ts'
import { isObject, listOf, type Members, membersOf, textOf } from '../translation/parts.ts'

/** By which values a member of a request is carried; a member that stands in none of these is lost. */
const carriers: Readonly<Record<TemplateOperation, Readonly<Record<string, readonly string[]>>>> = {
  chat: {
    messages: ['prompt', 'messages'],
    max_tokens: ['max_tokens'],
    max_completion_tokens: ['max_tokens'],
    temperature: ['temperature'],
    seed: ['seed'],
  },
  images: {
    prompt: ['prompt'],
    size: ['size', 'width', 'height'],
    quality: ['quality'],
    n: ['n'],
    seed: ['seed'],
    output_format: ['format'],
  },
  speech: {
    input: ['prompt'],
    instructions: ['system'],
    voice: ['voice'],
    response_format: ['format'],
    speed: ['speed'],
  },
}

/** Members that ask the provider for nothing. */
const idle = new Set(['model', 'stream', 'stream_options', 'strict', 'user', 'metadata'])
/** Of these a value asks for nothing beyond the default. */
const usual: Readonly<Record<string, unknown>> = { n: 1, response_format: 'b64_json', stream_format: 'audio' }

/** The words of a message. */
const wordsOf = ({ content }: Members): string => {
  if (typeof content === 'string') return content
  const parts = listOf(content).filter(isObject)
  return parts.map((part) => textOf(part['text'])).join('')
}

const ofChat = (body: Members): TemplateValues => {
  const messages = listOf(body['messages']).filter(isObject)
  const isOf = (...roles: string[]) => messages.filter((message) => roles.includes(textOf(message['role'])))
  return {
    prompt: wordsOf(isOf('user').at(-1) ?? {}),
    system: isOf('system', 'developer').map(wordsOf).join('\n\n'),
    messages,
    max_tokens: body['max_completion_tokens'] ?? body['max_tokens'],
    temperature: body['temperature'],
    seed: body['seed'],
  }
}

const ofImages = (body: Members): TemplateValues => {
  const { prompt, size, quality, n, seed, output_format: format } = body
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(textOf(size)) ?? []
  const pixels = width === undefined ? {} : { width: Number(width), height: Number(height) }
  return { prompt, size, quality, n: n ?? 1, seed, format, ...pixels }
}

const ofSpeech = (body: Members): TemplateValues => ({
  prompt: body['input'],
  system: body['instructions'],
  voice: textOf(body['voice']) || textOf(membersOf(body['voice'])['id']),
  format: body['response_format'] ?? 'mp3',
  speed: body['speed'] ?? 1,
})

const readers = { chat: ofChat, images: ofImages, speech: ofSpeech }

/** What a request gives a template to fill. */
export const valuesOf = (operation: TemplateOperation, body: Members): TemplateValues => readers[operation](body)

/** Whether a conversation is more than instructions and one text, which `{prompt}` and `{system}` carry. */
const isLong = (body: Members): boolean => {
  const messages = listOf(body['messages']).filter(isObject)
  const spoken = messages.filter(({ role }) => role !== 'system' && role !== 'developer')
  const isPlain = messages.every(
    ({ content }) => typeof content === 'string' || listOf(content).every((part) => membersOf(part)['type'] === 'text'),
  )
  return spoken.length > 1 || !isPlain
}

/** Notes what of a request a template has no place for. */
export const noteLosses = (
  operation: TemplateOperation,
  body: Members,
  used: ReadonlySet<string>,
  losses: Losses,
): void => {
  const carried = carriers[operation]
  for (const [name, value] of Object.entries(body)) {
    if (idle.has(name) || value === null || usual[name] === value) continue
    const by = Object.hasOwn(carried, name) ? carried[name] : undefined
    if (by?.some((one) => used.has(one)) !== true) losses.note(name, 'The template of this model has no place for it.')
  }
  if (operation !== 'chat' || used.has('messages')) return
  if (isLong(body)) losses.note('messages', 'The template takes one text: {messages} would carry all.')
  else if (!used.has('system') && valuesOf('chat', body)['system'] !== '')
    losses.note('messages', 'The template has no place for instructions: {system}.')
}
