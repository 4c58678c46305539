import type { InferenceRequest } from '../../../domain/inference.ts'
import { nothingTold, readMedia } from '../../../domain/media-report.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import type { ProviderAnswer } from '../provider.ts'
import { demoTokens } from './answer.ts'
import { drawPicture, pixelsOf } from './picture.ts'
import { playWords } from './sound.ts'
import { DemoStream } from './stream.ts'

const PAUSE_MS = 15
const PIECE_BYTES = 24_000
const MOST_PARTIAL = 3
const transcript = 'This is a simulated transcript from the demo model of Headgate; nobody listened.'

type Fields = Readonly<Record<string, unknown>>

/** What a request says: the members of its JSON, or the fields of its form. */
const fieldsOf = ({ body, members, media }: InferenceRequest): Fields => {
  if (typeof media?.contentType !== 'string') return JSON.parse(body.toString('utf8')) as Fields
  return Object.fromEntries([...members].map(([name, { start, end }]) => [name, body.toString('utf8', start, end)]))
}

const event = (value: { readonly type: string; readonly [name: string]: unknown }): string =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`

const json = (value: object, images = 0): ProviderAnswer => ({
  kind: 'json',
  status: 200,
  body: Buffer.from(JSON.stringify(value)),
  usage: null,
  media: { ...readMedia(value), images },
})

const usageOf = (input: number, output: number) => ({
  input_tokens: input,
  output_tokens: output,
  total_tokens: input + output,
})

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const answerImages = async (request: InferenceRequest, clock: Clock): Promise<ProviderAnswer> => {
  const fields = fieldsOf(request)
  const prompt = textOf(fields['prompt'])
  const { width, height } = pixelsOf(fields['size'])
  const images = request.media?.images ?? 1
  const size = `${width}x${height}`
  const pictures = await Promise.all(
    Array.from({ length: images }, async (_, index) => {
      const picture = await drawPicture(`${prompt}\n${JSON.stringify(fields['seed'] ?? null)}\n${index}`, width, height)
      return picture.toString('base64')
    }),
  )
  const created = Math.floor(clock.now() / 1_000)
  const usage = usageOf(demoTokens(prompt).length, 0)
  const about = { created, size, output_format: 'png', background: 'opaque' }
  if (request.stream) {
    const name = request.operation === 'images' ? 'image_generation' : 'image_edit'
    const partial = Math.min(MOST_PARTIAL, Math.max(0, Number(fields['partial_images'] ?? 0) || 0))
    const events = pictures.flatMap((b64_json) => [
      ...Array.from({ length: partial }, (_, index) =>
        event({ type: `${name}.partial_image`, b64_json, partial_image_index: index, ...about }),
      ),
      event({ type: `${name}.completed`, b64_json, usage, ...about }),
    ])
    return { kind: 'events', status: 200, source: new DemoStream(clock, events, PAUSE_MS) }
  }
  const isUrl = request.media?.format === 'url'
  const data = pictures.map((b64_json) =>
    isUrl ? { url: `data:image/png;base64,${b64_json}`, revised_prompt: prompt } : { b64_json, revised_prompt: prompt },
  )
  return json({ ...about, data, usage }, images)
}

const answerSpeech = (request: InferenceRequest, clock: Clock): ProviderAnswer => {
  const format = request.media?.format ?? 'wav'
  const words = demoTokens(textOf(fieldsOf(request)['input']))
  const isRaw = format === 'pcm'
  const sound = playWords(words, isRaw)
  const told = format === 'wav' || isRaw ? {} : { warning: 'the demo model speaks wav and pcm only' }
  const pieces: Buffer[] = []
  for (let at = 0; at < sound.length; at += PIECE_BYTES) pieces.push(sound.subarray(at, at + PIECE_BYTES))
  if (request.stream) {
    const events = pieces.map((piece) => event({ type: 'speech.audio.delta', audio: piece.toString('base64') }))
    events.push(event({ type: 'speech.audio.done', usage: usageOf(words.length, words.length) }))
    return { kind: 'events', status: 200, source: new DemoStream(clock, events, PAUSE_MS), ...told }
  }
  const contentType = isRaw ? 'audio/pcm' : 'audio/wav'
  return { kind: 'binary', status: 200, contentType, source: new DemoStream(clock, pieces, PAUSE_MS), ...told }
}

/** `01:02.500` or `00:01:02,500`. */
const timeOf = (ms: number, comma: boolean): string => {
  const text = new Date(ms).toISOString().slice(11, 23)
  return comma ? text.replace('.', ',') : text
}

const subtitles = (format: string, ms: number): { body: string; contentType: string } | null => {
  const end = (comma: boolean) => `${timeOf(0, comma)} --> ${timeOf(ms, comma)}\n${transcript}\n`
  if (format === 'srt') return { body: `1\n${end(true)}`, contentType: 'application/x-subrip; charset=utf-8' }
  if (format === 'vtt') return { body: `WEBVTT\n\n${end(false)}`, contentType: 'text/vtt; charset=utf-8' }
  return format === 'text' ? { body: `${transcript}\n`, contentType: 'text/plain; charset=utf-8' } : null
}

const answerTranscript = (request: InferenceRequest, clock: Clock): ProviderAnswer => {
  const ms = request.media?.audioMsBound ?? 0
  const seconds = Math.round(ms) / 1_000
  const usage = { type: 'duration', seconds }
  if (request.stream) {
    const words = demoTokens(transcript)
    const events = words.map((delta) => event({ type: 'transcript.text.delta', delta }))
    events.push(event({ type: 'transcript.text.done', text: transcript, usage }))
    return { kind: 'events', status: 200, source: new DemoStream(clock, events, PAUSE_MS) }
  }
  const format = request.media?.format ?? 'json'
  const written = subtitles(format, ms)
  if (written !== null)
    return {
      kind: 'json',
      status: 200,
      body: Buffer.from(written.body),
      contentType: written.contentType,
      usage: null,
      media: { ...nothingTold, audioMs: ms, textLength: transcript.length },
    }
  if (format !== 'verbose_json') return json({ text: transcript, usage })
  const segment = { id: 0, start: 0, end: seconds, text: transcript }
  return json({
    task: 'transcribe',
    language: 'english',
    duration: seconds,
    text: transcript,
    segments: [segment],
    usage,
  })
}

const categories = ['harassment', 'hate', 'illicit', 'self-harm', 'sexual', 'violence']

const answerModeration = (request: InferenceRequest, model: string, clock: Clock): ProviderAnswer => {
  const { input } = fieldsOf(request)
  // Parts belong together: they are one input, as are the words of one text.
  const count = Array.isArray(input) && input.every((one) => typeof one === 'string') ? input.length : 1
  const of = (value: unknown) => Object.fromEntries(categories.map((name) => [name, value]))
  const result = { flagged: false, categories: of(false), category_scores: of(0) }
  return json({ id: prefixedId('modr', clock.now()), model, results: Array.from({ length: count }, () => result) })
}

/** Pictures, sounds, transcripts and verdicts without any model; null for what is none of them. */
export const answerMedia = (
  request: InferenceRequest,
  model: string,
  clock: Clock,
): ProviderAnswer | Promise<ProviderAnswer> | null => {
  switch (request.operation) {
    case 'images':
    case 'image_edits':
    case 'image_variations':
      return answerImages(request, clock)
    case 'speech':
      return answerSpeech(request, clock)
    case 'transcriptions':
    case 'translations':
      return answerTranscript(request, clock)
    case 'moderations':
      return answerModeration(request, model, clock)
    default:
      return null
  }
}
