import { audioMs } from '../../domain/audio-length.ts'
import type { InferenceRequest, MemberSpan, Operation } from '../../domain/inference.ts'
import { heardTokensPerSecond, mostInputImageTokens } from '../../domain/media.ts'
import { AppError } from '../../kernel/errors.ts'
import {
  nothingAsked,
  type MediaReading,
  readImages,
  readingOf,
  readText,
  readWord,
  tokensOfText,
} from './media-wire.ts'
import { type FormPart, outlineForm } from '../../kernel/multipart.ts'
import { invalid, located, type Members } from './wire-members.ts'

/** The least that a second of speech takes in a file: six kilobits (RFC 6716, 2.1.1). */
const leastBytesPerSecond = 750
/** Where headers stand, at the ends of a file. */
const endBytes = 65_536
const mostFieldBytes = 1_048_576

/** Fields whose repetition would let two parsers disagree on who pays for what. */
const decisiveFields = new Set([
  'model',
  'prompt',
  'n',
  'size',
  'quality',
  'stream',
  'response_format',
  'user',
  'file',
  'safe',
])

const readFields = (body: Buffer, parts: readonly FormPart[]): Record<string, unknown> => {
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const { name, fileName, start, end } of parts) {
    if (decisiveFields.has(name) && name in fields)
      throw new AppError('duplicate_parameter', located(name, 'Send it once.', 'stands more than once'))
    if (fileName !== null) fields[name] ??= null
    else if (end - start > mostFieldBytes) throw invalid(name, 'is longer than 1 MiB', 'Send files as files.')
    else fields[name] = body.toString('utf8', start, end)
  }
  return fields
}

/** Fields of a form are text: numbers and switches are read from it. */
const asTyped = (fields: Members): Members => {
  const { n, stream } = fields
  return {
    ...fields,
    ...(typeof n === 'string' && { n: /^\d{1,9}$/.test(n) ? Number(n) : n }),
    ...(typeof stream === 'string' && { stream: stream === 'true' || (stream === 'false' ? false : stream) }),
  }
}

const filesNamed = (parts: readonly FormPart[], ...names: readonly string[]): readonly FormPart[] =>
  parts.filter(({ name, fileName, start, end }) => fileName !== null && end > start && names.includes(name))

const requireFile = (files: readonly FormPart[], name: string, what: string): void => {
  if (files.length === 0) throw invalid(name, 'is missing or empty', `Send the ${what} as a file in the field ${name}.`)
}

const readImageForm = (operation: Operation, parts: readonly FormPart[], fields: Members): MediaReading => {
  const files = filesNamed(parts, 'image', 'image[]')
  requireFile(files, 'image', 'picture')
  const prompt =
    operation === 'image_edits' ? readText(fields, 'prompt', 'Write what shall change: prompt="Add a red door".') : ''
  const pictures = (files.length + filesNamed(parts, 'mask').length) * mostInputImageTokens
  const text = Buffer.byteLength(prompt)
  return readingOf(fields, {
    stream: operation === 'image_edits' && fields['stream'] === true,
    inputTokensBound: text + pictures,
    media: { ...nothingAsked, ...readImages(fields), inputTokensEstimate: tokensOfText(text) + pictures },
  })
}

const readAudioForm = (
  operation: Operation,
  body: Buffer,
  parts: readonly FormPart[],
  fields: Members,
  mostAudioSeconds: number,
): MediaReading => {
  const files = filesNamed(parts, 'file')
  requireFile(files, 'file', 'audio')
  const { start, end } = files[0] as FormPart
  const file = body.subarray(start, end)
  const known = audioMs(file.subarray(0, endBytes), file.subarray(-endBytes), file.length, null)
  const most = mostAudioSeconds * 1_000
  if (known !== null && known > most)
    throw invalid('file', `is longer than ${mostAudioSeconds} seconds`, 'Cut it into shorter pieces.')
  const audioMsBound = Math.ceil(known ?? Math.min(most, (file.length * 1_000) / leastBytesPerSecond))
  const { prompt } = fields
  const text = typeof prompt === 'string' ? Buffer.byteLength(prompt) : 0
  const heard = Math.ceil((audioMsBound / 1_000) * heardTokensPerSecond)
  return readingOf(fields, {
    stream: operation === 'transcriptions' && fields['stream'] === true,
    inputTokensBound: text + heard,
    media: {
      ...nothingAsked,
      audioMsBound,
      audioMs: known,
      // Nobody says more words than are heard as tokens.
      outputTokensBound: Math.max(heard, 1),
      inputTokensEstimate: tokensOfText(text) + heard,
      format: readWord(fields, 'response_format', 'json'),
    },
  })
}

/**
 * Reads a form in OpenAI's wire format. Its bytes go upstream as they came, but for the name of the model.
 * @throws AppError of the request family.
 */
export const readForm = (
  operation: Operation,
  body: Buffer,
  contentType: string,
  mostAudioSeconds: number,
): InferenceRequest => {
  const parts = outlineForm(body, contentType)
  const fields = asTyped(readFields(body, parts))
  if (fields['stream'] !== undefined && typeof fields['stream'] !== 'boolean')
    throw invalid('stream', 'must be true or false', 'Write stream=true.')
  const isImage = operation === 'image_edits' || operation === 'image_variations'
  const reading = isImage
    ? readImageForm(operation, parts, fields)
    : readAudioForm(operation, body, parts, fields, mostAudioSeconds)
  const members = new Map<string, MemberSpan>(
    parts.flatMap(({ name, fileName, start, end }) => (fileName === null ? [[name, { start, end }] as const] : [])),
  )
  return { operation, body, members, ...reading, media: { ...nothingAsked, ...reading.media, contentType } }
}
