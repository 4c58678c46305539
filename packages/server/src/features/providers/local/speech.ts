import type { InferenceRequest } from '../../../domain/inference.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { DemoStream } from '../demo/stream.ts'
import type { ProviderAnswer } from '../provider.ts'
import { createLosses, invalid, type Losses, unsupported } from '../translation/losses.ts'
import { readStrict } from '../translation/parameter-rules.ts'
import { atRate, pcmOf, type Sound, wavOf } from './wav.ts'

/** OpenAI’s bare samples come 24,000 a second (platform.openai.com/docs/guides/text-to-speech). */
const pcmRate = 24_000
const pieceBytes = 24_000
/** As many as OpenAI takes in one call. */
const mostCharacters = 4_096
const known = new Set(['model', 'input', 'voice', 'response_format', 'speed', 'stream_format', 'user', 'strict'])

/** What is to be spoken, and how. */
export interface Speaking {
  readonly input: string
  /** One of those that the engine has. */
  readonly voice: string
  /** 1 is the usual one. */
  readonly speed: number
  readonly isRaw: boolean
  readonly warning: string | null
}

const readVoice = (voice: unknown, voices: readonly string[], usual: string, losses: Losses): string => {
  const name = typeof voice === 'string' ? voice.toLowerCase() : ''
  if (voices.includes(name)) return name
  if (voice !== undefined && voice !== null) losses.note('voice', `This engine has ${voices.slice(0, 40).join(', ')}.`)
  return usual
}

/**
 * Reads a request for speech; a voice that the engine has not is left out with a warning.
 * @throws ProviderFault `unsupported_parameter` for a format other than WAV and PCM, or with `strict` for what would be left out.
 */
export const readSpeaking = (
  request: InferenceRequest,
  { voices, usual }: { readonly voices: readonly string[]; readonly usual: string },
): Speaking => {
  const body = JSON.parse(request.body.toString('utf8')) as Readonly<Record<string, unknown>>
  const input = body['input'] as string
  const { speed = 1, response_format: format } = body
  if (format !== undefined && format !== null && format !== 'wav' && format !== 'pcm')
    throw unsupported([{ place: 'response_format', why: 'Local engines make wav and pcm: write "wav".' }])
  if (input.length > mostCharacters)
    throw invalid('input', `has more than ${mostCharacters} characters`, 'Speak it in parts.')
  if (speed !== null && (typeof speed !== 'number' || !(speed >= 0.25 && speed <= 4)))
    throw invalid('speed', 'must be a number from 0.25 to 4', 'Write 1.')
  const losses = createLosses()
  const voice = readVoice(body['voice'], voices, usual, losses)
  // OpenAI’s own answer to no format is MP3.
  if (format === undefined || format === null) losses.note('response_format', 'Write "wav".')
  for (const [name, value] of Object.entries(body))
    if (!known.has(name) && value !== null) losses.note(name, 'No counterpart.')
  if (readStrict(body)) losses.refuse()
  // A zero byte would end the text for the engine.
  return {
    input: input.replaceAll('\0', ' '),
    voice,
    speed: speed ?? 1,
    isRaw: format === 'pcm',
    warning: losses.warning,
  }
}

/** The answer with a sound that is all there: bytes, or OpenAI’s events of speech. */
export const answerSound = (
  request: InferenceRequest,
  { isRaw, warning }: Speaking,
  sound: Sound,
  clock: Clock,
): ProviderAnswer => {
  const bytes = isRaw ? pcmOf(atRate(sound, pcmRate)) : wavOf(sound)
  const told = warning === null ? {} : { warning }
  if (!request.stream)
    return {
      kind: 'binary',
      status: 200,
      contentType: isRaw ? 'audio/pcm' : 'audio/wav',
      source: new DemoStream(clock, [bytes], 0),
      ...told,
    }
  const events: string[] = []
  const add = (event: { readonly type: string }) =>
    events.push(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const audio = bytes.toString('base64', at, Math.min(at + pieceBytes, bytes.length))
    add({ type: 'speech.audio.delta', audio } as { type: string })
  }
  add({ type: 'speech.audio.done' })
  return { kind: 'events', status: 200, source: new DemoStream(clock, events, 0), ...told }
}
