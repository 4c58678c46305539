import type { InferenceRequest } from '../../../domain/inference.ts'
import { nothingTold, readMedia } from '../../../domain/media-report.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { DemoStream } from '../demo/stream.ts'
import type { ProviderAnswer } from '../provider.ts'
import { createLosses, unsupported } from '../translation/losses.ts'

/** Something that was said, with its times in seconds. */
export interface Heard {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly words: readonly { readonly word: string; readonly start: number; readonly end: number }[]
}

const formats = ['json', 'text', 'srt', 'vtt', 'verbose_json']
const fieldsKnown = new Set([
  'model',
  'response_format',
  'language',
  'stream',
  'timestamp_granularities[]',
  'user',
  'strict',
])

/**
 * Reads the fields of a request for a transcript.
 * @param isHeard whether a language is one that the engine hears.
 * @throws ProviderFault `unsupported_parameter` for other languages and for formats that are not known.
 */
export const readHearing = (
  { body, members, media }: InferenceRequest,
  isHeard = (language: string): boolean => /^en(\b|glish|$)/i.test(language),
): { readonly warning: string | null; readonly language: string | null } => {
  const field = (name: string): string | null => {
    const span = members.get(name)
    return span === undefined ? null : body.toString('utf8', span.start, span.end)
  }
  if (!formats.includes(media?.format ?? 'json'))
    throw unsupported([{ place: 'response_format', why: `Write ${formats.join(', ')}.` }])
  const language = field('language')
  if (language !== null && !isHeard(language))
    throw unsupported([{ place: 'language', why: 'This engine does not hear it, or not by this name.' }])
  const losses = createLosses()
  for (const name of members.keys()) if (!fieldsKnown.has(name)) losses.note(name, 'No counterpart.')
  if (field('strict') === 'true') losses.refuse()
  return { warning: losses.warning, language }
}

/** `01:02:03.500`, or with a comma as SubRip writes it. */
const timeOf = (seconds: number, comma: boolean): string => {
  const text = new Date(Math.round(seconds * 1_000)).toISOString().slice(11, 23)
  return comma ? text.replace('.', ',') : text
}

const subtitles = (heard: readonly Heard[], comma: boolean): string =>
  heard
    .map(({ text, start, end }, index) => {
      const times = `${timeOf(start, comma)} --> ${timeOf(end, comma)}`
      return `${comma ? `${index + 1}\n` : ''}${times}\n${text}\n`
    })
    .join('\n')

const writtenAs = (format: string, heard: readonly Heard[], text: string) => {
  if (format === 'srt') return { body: subtitles(heard, true), contentType: 'application/x-subrip; charset=utf-8' }
  if (format === 'vtt') return { body: `WEBVTT\n\n${subtitles(heard, false)}`, contentType: 'text/vtt; charset=utf-8' }
  return format === 'text' ? { body: `${text}\n`, contentType: 'text/plain; charset=utf-8' } : null
}

/** The answer in OpenAI’s shape for what was heard in a recording of so many milliseconds. */
export const answerTranscript = (
  request: InferenceRequest,
  { warning }: { readonly warning: string | null },
  heard: readonly Heard[],
  audioMs: number,
  language = 'english',
): ProviderAnswer => {
  const text = heard.map((one) => one.text).join(' ')
  const seconds = Math.round(audioMs) / 1_000
  const usage = { type: 'duration', seconds }
  const told = warning === null ? {} : { warning }
  if (request.stream) {
    const events = heard.map((one, index) => ({
      type: 'transcript.text.delta',
      delta: (index > 0 ? ' ' : '') + one.text,
    }))
    const all = [...events, { type: 'transcript.text.done', text, usage }]
    const lines = all.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    return { kind: 'events', status: 200, source: new DemoStream(systemClock, lines, 0), ...told }
  }
  const format = request.media?.format ?? 'json'
  const written = writtenAs(format, heard, text)
  if (written !== null)
    return {
      kind: 'json',
      status: 200,
      body: Buffer.from(written.body),
      contentType: written.contentType,
      usage: null,
      media: { ...nothingTold, audioMs: Math.round(audioMs), textLength: text.length },
      ...told,
    }
  const segments = heard.map((one, id) => ({ id, start: one.start, end: one.end, text: one.text }))
  const words = request.members.has('timestamp_granularities[]') && { words: heard.flatMap((one) => one.words) }
  const value =
    format === 'verbose_json'
      ? { task: 'transcribe', language, duration: seconds, text, segments, ...words, usage }
      : { text, usage }
  return {
    kind: 'json',
    status: 200,
    body: Buffer.from(JSON.stringify(value)),
    usage: null,
    media: readMedia(value),
    ...told,
  }
}
