import { createLosses, invalid, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import { membersOf, type Members, textOf } from '../translation/parts.ts'
import type { TranslatedRequest } from '../translation/translated-request.ts'

/** Formats by OpenAI’s names (codec, sample rate, kilobits); `pcm` of both is 16 bit, little-endian, at 24 kHz. */
const formats: Readonly<Record<string, string>> = { mp3: 'mp3_44100_128', opus: 'opus_48000_64', pcm: 'pcm_24000' }

/** Members of ElevenLabs’ own request that may be sent as they are. */
const own = [
  'language_code',
  'seed',
  'previous_text',
  'next_text',
  'previous_request_ids',
  'next_request_ids',
  'apply_text_normalization',
  'apply_language_text_normalization',
  'pronunciation_dictionary_locators',
] as const

const carried = new Set<string>([
  ...own,
  ...['model', 'input', 'voice', 'response_format', 'speed', 'stream_format', 'strict', 'voice_settings'],
])

/** As ElevenLabs writes the ids of voices. */
const voiceId = /^[A-Za-z0-9]{20}$/

/** A speech request in ElevenLabs’ words. */
export interface TranslatedSpeech extends TranslatedRequest {
  /** Below the address, with its query. */
  readonly path: string
}

const voiceOf = (voice: unknown, voices: Readonly<Record<string, string>>): string => {
  const name = textOf(voice) || textOf(membersOf(voice)['id'])
  if (Object.hasOwn(voices, name)) return voices[name] as string
  if (voiceId.test(name)) return name
  const known = Object.keys(voices)
  const ways = known.length === 0 ? 'the id of a voice' : `${known.join(', ')}, or the id of a voice`
  throw invalid('voice', 'is not known', `Write ${ways}.`)
}

/**
 * An OpenAI speech request as `POST /v1/text-to-speech/{voice_id}/stream` (elevenlabs.io/docs/api-reference/text-to-speech/stream). Members of
 * ElevenLabs’ own go through.
 * @throws ProviderFault `invalid_parameter` for a voice that is not known; `unsupported_parameter` for a format that it does not have,
 *   for events, or with `strict` for what would be left out.
 */
export const translateSpeech = (
  bytes: Buffer,
  model: string,
  voices: Readonly<Record<string, string>>,
): TranslatedSpeech => {
  const body = JSON.parse(bytes.toString('utf8')) as Members
  const losses = createLosses()
  for (const [name, value] of Object.entries(body))
    if (!carried.has(name) && value !== null) losses.note(name, 'No counterpart.')
  if (readStrict(body)) losses.refuse()
  const { input, voice, response_format: asked, speed, stream_format: flow } = body
  const format = formats[asked === undefined || asked === null ? 'mp3' : textOf(asked)]
  if (format === undefined)
    throw unsupported([{ place: 'response_format', why: `Write ${Object.keys(formats).join(', ')}.` }])
  if (flow === 'sse')
    throw unsupported([{ place: 'stream_format', why: 'Leave it out: the sound comes as it is made.' }])
  const settings = {
    ...membersOf(body['voice_settings']),
    ...(typeof speed === 'number' && { speed }),
  }
  const more = Object.fromEntries(own.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])))
  const translated = {
    text: textOf(input),
    model_id: model,
    ...(Object.keys(settings).length > 0 && { voice_settings: settings }),
    ...more,
  }
  return {
    path: `/text-to-speech/${encodeURIComponent(voiceOf(voice, voices))}/stream?output_format=${format}`,
    body: Buffer.from(JSON.stringify(translated)),
    warning: losses.warning,
  }
}
