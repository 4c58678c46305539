import { readMedia } from '../../../domain/media-report.ts'
import { AppError } from '../../../kernel/errors.ts'
import { type Expectation, wholeAnswer } from '../openai/expectation.ts'
import { type ProviderAnswer, ProviderFault } from '../provider.ts'
import { createLosses, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import { isObject, listOf, type Members, membersOf, textOf } from '../translation/parts.ts'
import type { TranslatedRequest } from '../translation/translated-request.ts'
import { blockReason, finishReason } from './candidates.ts'
import { refusedPrompt } from './faults.ts'

/** Shapes that Gemini draws (ai.google.dev/gemini-api/docs/image-generation). */
const shapes = new Set(['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'])

const carried = new Set(['model', 'prompt', 'n', 'size', 'seed', 'strict', 'user'])
/** Values that ask for nothing beyond the default. */
export const idle: ReadonlySet<unknown> = new Set<unknown>([null, 'auto', 'b64_json'])

const divisor = (one: number, other: number): number => (other === 0 ? one : divisor(other, one % other))

/** The shape of a size such as `1024x1536`; null where it is none of these. */
export const shapeOf = (size: string, known: ReadonlySet<string> = shapes): string | null => {
  const [, width = '0', height = '0'] = /^(\d{1,5})x(\d{1,5})$/.exec(size) ?? []
  const common = divisor(Number(width), Number(height))
  const shape = common === 0 ? '' : `${Number(width) / common}:${Number(height) / common}`
  return known.has(shape) ? shape : null
}

/** A request for pictures in Gemini’s words, which draws one at a time. */
export interface TranslatedPictures extends TranslatedRequest {
  /** How often it is asked. */
  readonly count: number
}

/**
 * An OpenAI request for pictures as `generateContent`. Of a size the shape is kept.
 * @throws ProviderFault `unsupported_parameter` for a stream, or with `strict` for what would be left out.
 */
export const translatePictures = (bytes: Buffer): TranslatedPictures => {
  const body = JSON.parse(bytes.toString('utf8')) as Members
  if (body['stream'] === true) throw unsupported([{ place: 'stream', why: 'Leave it out: pictures come whole.' }])
  const losses = createLosses()
  for (const [name, value] of Object.entries(body))
    if (!carried.has(name) && name !== 'stream' && !idle.has(value)) losses.note(name, 'No counterpart.')
  const { prompt, n, size, seed } = body
  const shape = shapeOf(textOf(size))
  if (textOf(size) !== '' && size !== 'auto' && shape === null)
    losses.note('size', 'Gemini draws in the shapes 1:1, 2:3, 3:2, 3:4, 4:3, 4:5, 5:4, 9:16, 16:9 and 21:9.')
  if (readStrict(body)) losses.refuse()
  const request = {
    contents: [{ role: 'user', parts: [{ text: textOf(prompt) }] }],
    generationConfig: {
      responseModalities: ['IMAGE'],
      ...(shape !== null && { imageConfig: { aspectRatio: shape } }),
      ...(typeof seed === 'number' && { seed }),
    },
  }
  const count = typeof n === 'number' && Number.isInteger(n) && n > 0 ? n : 1
  return { body: Buffer.from(JSON.stringify(request)), warning: losses.warning, count }
}

/** Made in silence; it is read with the pictures. */
export const pictureAnswer: Expectation = { ...wholeAnswer, isSlow: true, read: () => ({ usage: null }) }

const malformed = (): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })

const parse = (body: Buffer): Members => {
  try {
    return membersOf(JSON.parse(body.toString('utf8')))
  } catch {
    throw malformed()
  }
}

const picturesOf = (answer: Members): string[] => {
  const blocked = blockReason(answer)
  if (blocked !== null) throw refusedPrompt(blocked)
  const candidates = listOf(answer['candidates']).filter(isObject)
  if (candidates.length === 0) throw malformed()
  const parts = candidates.flatMap((candidate) => listOf(membersOf(candidate['content'])['parts']))
  const pictures = parts.flatMap((part) => {
    const { mimeType, data } = membersOf(membersOf(part)['inlineData'])
    return textOf(mimeType).startsWith('image/') && textOf(data) !== '' ? [textOf(data)] : []
  })
  if (pictures.length > 0) return pictures
  const reason = textOf(candidates[0]?.['finishReason'])
  if (finishReason(reason, false) === 'content_filter') throw refusedPrompt(reason)
  throw new ProviderFault('upstream_error', {
    upstreamStatus: 200,
    retry: 'elsewhere',
    detail: 'The provider says: no picture was made.',
  })
}

const count = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** Of `usageMetadata`: input and output, and what of the output were pictures; null where nothing is counted. */
const countsOf = (answer: Members) => {
  const usage = membersOf(answer['usageMetadata'])
  if (typeof usage['promptTokenCount'] !== 'number') return null
  const drawn = listOf(usage['candidatesTokensDetails'])
    .map(membersOf)
    .filter(({ modality }) => modality === 'IMAGE')
    .reduce((sum, { tokenCount }) => sum + count(tokenCount), 0)
  const output = count(usage['candidatesTokenCount']) + count(usage['thoughtsTokenCount'])
  return { input: usage['promptTokenCount'], output, drawn }
}

interface Drawn {
  readonly pictures: readonly string[]
  readonly counts: ReturnType<typeof countsOf>
  readonly fault: unknown
}

const readDrawn = (answer: Buffer | Error): Drawn => {
  if (answer instanceof Error) return { pictures: [], counts: null, fault: answer }
  let read: Members | null = null
  try {
    read = parse(answer)
    return { pictures: picturesOf(read), counts: countsOf(read), fault: null }
  } catch (fault) {
    return { pictures: [], counts: read && countsOf(read), fault }
  }
}

const codeOf = (fault: unknown): string => (fault instanceof AppError ? fault.code : 'internal_error')

/**
 * Answers of Gemini as one of OpenAI’s. Where some were made and others not, those that were made are told, as they were paid for, and a
 * warning says why others are missing.
 * @throws ProviderFault where none was made: the first that befell one, such as `upstream_content_refused` for a prompt or a picture that
 *   was blocked, `upstream_error` where none was drawn, `upstream_malformed` for what is no answer.
 */
export const joinPictures = (
  answers: readonly (Buffer | Error)[],
  created: number,
): ProviderAnswer & { kind: 'json' } => {
  const read = answers.map(readDrawn)
  const pictures = read.flatMap((one) => one.pictures)
  const missing = read.filter(({ fault }) => fault !== null)
  if (pictures.length === 0) throw missing[0]?.fault ?? malformed()
  const codes = [...new Set(missing.map(({ fault }) => codeOf(fault)))].join(' ')
  const warning = `${missing.length} of ${answers.length} pictures were not made: ${codes}`
  // What never came has nothing to be counted.
  const counts = read.flatMap((one) => (one.fault !== null && one.counts === null ? [] : [one.counts]))
  const sum = (of: 'input' | 'output' | 'drawn') => counts.reduce((total, one) => total + (one?.[of] ?? 0), 0)
  const isCounted = counts.every((one) => one !== null)
  const usage = {
    input_tokens: sum('input'),
    output_tokens: sum('output'),
    total_tokens: sum('input') + sum('output'),
    output_tokens_details: { image_tokens: sum('drawn') },
  }
  const data = pictures.map((b64_json) => ({ b64_json }))
  const answer = { created, data, ...(isCounted && { usage }) }
  const media = { ...readMedia(answer), images: data.length }
  const body = Buffer.from(JSON.stringify(answer))
  return { kind: 'json', status: 200, body, usage: null, media, ...(missing.length > 0 && { warning }) }
}
