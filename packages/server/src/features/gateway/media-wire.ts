import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import { imageOutputTokens, type MediaRequest, spokenTokensPerSecond } from '../../domain/media.ts'
import { AppError } from '../../kernel/errors.ts'
import { invalid, isBlank, located, type Members, readBoolean, readCount, readModel, readUser } from './wire-members.ts'

/** What a body says, beyond where it stands. */
export type MediaReading = Omit<InferenceRequest, 'operation' | 'body' | 'members'>

/** More than any provider makes at once. */
export const mostImages = 10
const bytesPerToken = 4
/** The slowest that speech is: five characters a second, at a quarter of the usual speed. */
const slowestMsPerCharacter = 800
const mostWord = 64

/** A short word of the request, such as a size; null when absent. */
export const readWord = (body: Members, name: string, example: string): string | null => {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string' || !/^[\w.:-]{1,64}$/.test(value))
    throw invalid(name, `must be a word of at most ${mostWord} letters, digits and . : _ -`, `Write "${example}".`)
  return value
}

/** A text that a model can work on. @throws AppError `prompt_empty`. */
export const readText = (body: Members, name: string, fix: string): string => {
  const value = body[name]
  if (value === undefined || value === null || isBlank(value)) throw new AppError('prompt_empty', located(name, fix))
  if (typeof value !== 'string') throw invalid(name, 'must be a string', fix)
  return value
}

/** What a request asks for where it asks for nothing of the kind. */
export const nothingAsked: MediaRequest = {
  images: 0,
  size: null,
  quality: null,
  characters: 0,
  audioMsBound: 0,
  audioMs: null,
  outputTokensBound: 0,
  inputTokensEstimate: 0,
  format: null,
  contentType: null,
}

/** The facts that all requests for images or audio have. Their streams have no option for usage: it comes unasked. */
export const readingOf = (
  body: Members,
  given: { readonly stream: boolean; readonly inputTokensBound: number; readonly media: MediaRequest },
): MediaReading => ({
  model: readModel(body),
  includeUsage: true,
  maxOutputTokens: 0,
  choices: 1,
  hasFiles: false,
  user: readUser(body),
  ...given,
})

/** What is said of images, in JSON or in a form. */
export const readImages = (
  body: Members,
): Pick<MediaRequest, 'images' | 'size' | 'quality' | 'outputTokensBound' | 'format'> => {
  const size = readWord(body, 'size', '1024x1024')
  const quality = readWord(body, 'quality', 'high')
  return {
    images: readCount(body, 'n', mostImages) ?? 1,
    size,
    quality,
    outputTokensBound: imageOutputTokens(size, quality),
    format: readWord(body, 'response_format', 'b64_json'),
  }
}

/** Input tokens of a text of so many bytes, roughly. */
export const tokensOfText = (bytes: number): number => Math.max(1, Math.ceil(bytes / bytesPerToken))

const readGeneration = (body: Members, bytes: number): MediaReading => {
  const prompt = readText(body, 'prompt', 'Write "prompt": "A lighthouse in a storm".')
  return readingOf(body, {
    stream: readBoolean(body, 'stream'),
    inputTokensBound: bytes,
    media: { ...nothingAsked, ...readImages(body), inputTokensEstimate: tokensOfText(Buffer.byteLength(prompt)) },
  })
}

const readSpeech = (body: Members, bytes: number): MediaReading => {
  const input = readText(body, 'input', 'Write "input": "The words to be spoken.".')
  const characters = [...input].length
  const streamFormat = readWord(body, 'stream_format', 'sse')
  const audioMsBound = characters * slowestMsPerCharacter
  return readingOf(body, {
    stream: streamFormat === 'sse',
    inputTokensBound: bytes,
    media: {
      ...nothingAsked,
      characters,
      audioMsBound,
      outputTokensBound: Math.ceil((audioMsBound / 1_000) * spokenTokensPerSecond),
      inputTokensEstimate: tokensOfText(Buffer.byteLength(input)),
      format: readWord(body, 'response_format', 'mp3'),
    },
  })
}

const isEmptyPart = (part: unknown): boolean => isBlank(part) || isBlank((part as { text?: unknown } | null)?.text)

const readModeration = (body: Members, bytes: number): MediaReading => {
  const { input } = body as { input?: unknown }
  const fix = 'Write "input": "The text to be judged.".'
  if (Array.isArray(input)) {
    const blank = input.findIndex(isEmptyPart)
    if (input.length === 0 || blank !== -1)
      throw new AppError('prompt_empty', located(blank === -1 ? 'input' : `input[${blank}]`, fix))
  } else readText(body, 'input', fix)
  const media = { ...nothingAsked, inputTokensEstimate: tokensOfText(bytes) }
  return readingOf(body, { stream: false, inputTokensBound: bytes, media })
}

/**
 * Reads the JSON of a request for images, speech or moderation.
 * @throws AppError of the request family.
 */
export const readMediaJson = (operation: Operation, body: Members, bytes: number): MediaReading => {
  switch (operation) {
    case 'images':
      return readGeneration(body, bytes)
    case 'speech':
      return readSpeech(body, bytes)
    case 'moderations':
      return readModeration(body, bytes)
    default:
      throw new AppError('unsupported_media_type', { detail: 'This route takes a form: multipart/form-data.' })
  }
}
