import { readMedia } from '../../../domain/media-report.ts'
import { type ProviderAnswer, ProviderFault } from '../provider.ts'
import { createLosses, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import { isObject, listOf, type Members, membersOf, textOf } from '../translation/parts.ts'
import type { TranslatedRequest } from '../translation/translated-request.ts'
import { refusedPrompt } from './faults.ts'
import { idle, shapeOf } from './images.ts'

/** Shapes that Imagen draws (ai.google.dev/gemini-api/docs/imagen). */
const shapes: ReadonlySet<string> = new Set(['1:1', '3:4', '4:3', '9:16', '16:9'])
/** Models that are told a size; the fast ones and those before refuse it. */
const sized = /^imagen-4\.0-(ultra-)?generate/
/** Most pictures of one call. */
const MOST_PICTURES = 4
/** From this length of its longer side on, a picture is wanted at 2K. */
const LARGE_SIDE = 1_800

const carried = new Set(['model', 'prompt', 'n', 'size', 'output_format', 'strict', 'user'])
const formats: Readonly<Record<string, string>> = { png: 'image/png', jpeg: 'image/jpeg' }

/** Whether a model is one of the Imagen family, with or without `models/` before its name. */
export const isImagen = (model: string): boolean => /^(models\/)?imagen-/.test(model)

/**
 * An OpenAI request for pictures as `predict` (ai.google.dev/gemini-api/docs/imagen). Of a size the shape is kept, and whether it is large.
 * @throws ProviderFault `unsupported_parameter` for a stream or more than four pictures, or with `strict` for what would be left out.
 */
export const translatePrediction = (bytes: Buffer, model: string): TranslatedRequest => {
  const body = JSON.parse(bytes.toString('utf8')) as Members
  if (body['stream'] === true) throw unsupported([{ place: 'stream', why: 'Leave it out: pictures come whole.' }])
  const losses = createLosses()
  for (const [name, value] of Object.entries(body))
    if (!carried.has(name) && name !== 'stream' && !idle.has(value)) losses.note(name, 'No counterpart.')
  const { prompt, n, output_format: format } = body
  const count = typeof n === 'number' && Number.isInteger(n) && n > 0 ? n : 1
  if (count > MOST_PICTURES) throw unsupported([{ place: 'n', why: 'Imagen draws four pictures at most.' }])
  const size = textOf(body['size'])
  const aspectRatio = shapeOf(size, shapes)
  if (size !== '' && size !== 'auto' && aspectRatio === null)
    losses.note('size', 'Imagen draws in the shapes 1:1, 3:4, 4:3, 9:16 and 16:9.')
  const isLarge = sized.test(model) && aspectRatio !== null && Math.max(...size.split('x').map(Number)) >= LARGE_SIDE
  const mimeType = formats[textOf(format)]
  if (textOf(format) !== '' && mimeType === undefined) losses.note('output_format', 'Imagen writes PNG and JPEG.')
  if (readStrict(body)) losses.refuse()
  const parameters = {
    sampleCount: count,
    includeRaiReason: true,
    ...(aspectRatio !== null && { aspectRatio }),
    ...(isLarge && { sampleImageSize: '2K' }),
    ...(mimeType !== undefined && { outputOptions: { mimeType } }),
  }
  const request = { instances: [{ prompt: textOf(prompt) }], parameters }
  return { body: Buffer.from(JSON.stringify(request)), warning: losses.warning }
}

/**
 * Predictions as an answer of OpenAI’s. Of several, those that were filtered are left out.
 * @throws ProviderFault `upstream_content_refused` where all were filtered, `upstream_error` where none was made, `upstream_malformed`
 *   where it is no answer.
 */
export const readPredictions = (body: Buffer, created: number): ProviderAnswer & { kind: 'json' } => {
  let answer: unknown
  try {
    answer = JSON.parse(body.toString('utf8'))
  } catch {
    answer = null
  }
  if (!isObject(answer)) throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  const predictions = listOf(answer['predictions']).map(membersOf)
  const data = predictions.flatMap(({ bytesBase64Encoded: bytes }) =>
    textOf(bytes) === '' ? [] : [{ b64_json: textOf(bytes) }],
  )
  if (data.length === 0) {
    const reason = predictions.map(({ raiFilteredReason }) => textOf(raiFilteredReason)).find((one) => one !== '')
    if (reason !== undefined) throw refusedPrompt(reason)
    throw new ProviderFault('upstream_error', {
      upstreamStatus: 200,
      retry: 'elsewhere',
      detail: 'The provider says: no picture was made.',
    })
  }
  const made = { created, data }
  const media = { ...readMedia(made), images: data.length }
  return { kind: 'json', status: 200, body: Buffer.from(JSON.stringify(made)), usage: null, media }
}
