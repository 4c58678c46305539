import type { Exchange } from './exchange.ts'
import { filesOf, type MediaBody } from './media-request.ts'
import { sendWhole } from './plain-writer.ts'
import { type Script, ScriptError, requireMeaning, splitModel } from './script.ts'
import { type StreamEvent, sendStream } from './stream-writer.ts'
import { countTokens } from './tokens.ts'

/** A PNG of one pixel. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
/** Eight by eight pixels of one colour, by sharp 0.34. */
const pictures: Readonly<Record<string, string>> = {
  jpeg:
    '/9j/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8' +
    'fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAIAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEB' +
    'AQAAAAAAAAAAAAAAAAAABAb/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCaAMoH/9k=',
  webp: 'UklGRjoAAABXRUJQVlA4IC4AAACQAQCdASoIAAgAAUAmJaACdLoAA5gA/vFNr+LaR0KZD/7xn/9xn/9xn/yIAAAA',
}
/** Output tokens of every picture of a model that counts them. */
const imageTokens = 1_000
const msPerCharacter = 60
const pcmBytesPerMs = 48
/** A frame of 128 kbit/s at 44.1 kHz. */
const mp3Frame = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x64]), Buffer.alloc(413)])
const mp3FrameMs = 26.122
const pieceBytes = 4_096
const spoken = ['one', 'two', 'three', 'four', 'five']

const namedEvent = (type: string, more: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

const sendEmpty = (exchange: Exchange, script: Script, type: string): Promise<void> =>
  sendWhole(exchange, script, '', { 'content-type': type })

const readCount = (value: unknown): number => {
  const count = value === undefined || value === null ? 1 : Number(value)
  if (!Number.isInteger(count) || count < 1 || count > 10) throw new ScriptError('n must be from 1 to 10')
  return count
}

/** gpt-image and its kin count tokens; the others are paid by the picture. */
const countsTokens = (model: string): boolean => model.includes('gpt-image')

const imageUsage = (exchange: Exchange, script: Script, body: MediaBody, images: number): object | undefined => {
  const { row } = exchange
  const text = countTokens(typeof body['prompt'] === 'string' ? body['prompt'] : '')
  const pictures = filesOf(body, 'image').length * 100
  row.prompt_tokens = text + pictures
  row.images = images
  if (!countsTokens(body.model) || script.usage === 'missing') return undefined
  row.produced_tokens = images * imageTokens
  row.usage_reported = {
    prompt_tokens: row.prompt_tokens,
    completion_tokens: row.produced_tokens,
    total_tokens: row.prompt_tokens + row.produced_tokens,
  }
  return {
    input_tokens: row.prompt_tokens,
    output_tokens: row.produced_tokens,
    total_tokens: row.prompt_tokens + row.produced_tokens,
    input_tokens_details: { text_tokens: text, image_tokens: pictures },
  }
}

/**
 * Answers `POST /v1/images/generations`, `/edits` and `/variations`: a pixel for each picture, or eight by eight with `output_format`
 * `jpeg` or `webp`; with `echo-picture` the one that was sent.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerImages = async (exchange: Exchange, script: Script, body: MediaBody): Promise<void> => {
  const isChange = !exchange.row.path.endsWith('generations')
  if (isChange && filesOf(body, 'image').length === 0) throw new ScriptError('image is required')
  const images = readCount(body['n'])
  const model = splitModel(body.model).base
  if (body.stream === true) {
    requireMeaning(script, 'stream')
    const partial = Number(body['partial_images'] ?? 2)
    const name = isChange ? 'image_edit' : 'image_generation'
    const usage = imageUsage(exchange, script, { ...body, model }, images)
    exchange.row.produced_tokens = 0
    const events: StreamEvent[] = []
    for (let image = 0; image < images; image += 1) {
      for (let index = 0; index < partial; index += 1) {
        const text = namedEvent(`${name}.partial_image`, { b64_json: pixel, partial_image_index: index })
        events.push({ text, tokens: 0, isPart: true })
      }
      const last = image === images - 1
      const text = namedEvent(`${name}.completed`, { b64_json: pixel, ...(last && usage && { usage }) })
      events.push({ text, tokens: imageTokens, isPart: true, isTerminal: last })
    }
    return sendStream(exchange, script, events)
  }
  requireMeaning(script, 'json')
  if (script.empty === true) return sendEmpty(exchange, script, 'application/json')
  const usage = imageUsage(exchange, script, { ...body, model }, images)
  const sent = script['echo-picture'] ? filesOf(body, 'image')[0]?.toString('base64') : undefined
  const picture = sent ?? pictures[String(body['output_format'])] ?? pixel
  const padded = picture.padEnd(Math.floor((script.size ?? 0) / images), 'A')
  const one = body['response_format'] === 'url' ? { url: 'https://pictures.example/1.png' } : { b64_json: padded }
  const data = Array.from({ length: images }, () => one)
  const answer = { created: 1_700_000_000, data, ...(countsTokens(model) && { size: body['size'], quality: 'high' }) }
  await sendWhole(exchange, script, JSON.stringify({ ...answer, ...(usage && { usage }) }))
}

const wav = (ms: number): Buffer => {
  const data = Buffer.alloc(ms * pcmBytesPerMs)
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + data.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt32LE(0x0001_0001, 20)
  header.writeUInt32LE(24_000, 24)
  header.writeUInt32LE(48_000, 28)
  header.writeUInt32LE(0x0010_0002, 32)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(data.length, 40)
  return Buffer.concat([header, data])
}

const soundOf = (format: unknown, ms: number): { bytes: Buffer; type: string } => {
  if (format === 'wav') return { bytes: wav(ms), type: 'audio/wav' }
  if (format === 'pcm') return { bytes: Buffer.alloc(ms * pcmBytesPerMs), type: 'audio/pcm' }
  const frames = Array.from({ length: Math.ceil(ms / mp3FrameMs) }, () => mp3Frame)
  return { bytes: Buffer.concat(frames), type: 'audio/mpeg' }
}

/**
 * Answers `POST /v1/audio/speech` with silence of the length of the text.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerSpeech = async (exchange: Exchange, script: Script, body: MediaBody): Promise<void> => {
  const { row } = exchange
  const text = body['input']
  if (typeof text !== 'string' || text === '') throw new ScriptError('input is required')
  row.prompt_tokens = countTokens(text)
  row.characters = [...text].length
  row.audio_ms = row.characters * msPerCharacter
  const { bytes, type } = soundOf(body['response_format'], row.audio_ms)
  if (body['stream_format'] === 'sse') {
    row.stream = true
    requireMeaning(script, 'stream')
    const output = row.characters
    const events: StreamEvent[] = []
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const audio = bytes.subarray(at, at + pieceBytes).toString('base64')
      events.push({ text: namedEvent('speech.audio.delta', { audio }), tokens: 0, isPart: true })
    }
    const usage = { input_tokens: row.prompt_tokens, output_tokens: output, total_tokens: row.prompt_tokens + output }
    const told = script.usage === 'missing' ? {} : { usage }
    events.push({ text: namedEvent('speech.audio.done', told), tokens: output, isPart: false, isTerminal: true })
    return sendStream(exchange, script, events)
  }
  requireMeaning(script, 'json')
  if (script.empty === true) return sendEmpty(exchange, script, type)
  const padded =
    script.size === undefined ? bytes : Buffer.concat([bytes, Buffer.alloc(Math.max(0, script.size - bytes.length))])
  await sendWhole(exchange, script, padded, { 'content-type': type })
}

/**
 * Answers `POST /v1/text-to-speech/{voice_id}/stream` as the above.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerTextToSpeech = (exchange: Exchange, script: Script, body: MediaBody): Promise<void> => {
  const format = new URL(exchange.request.url ?? '/', 'http://upstream').searchParams.get('output_format')
  return answerSpeech(exchange, script, { ...body, input: body['text'], response_format: format?.split('_')[0] })
}

/** Of a WAV file what its header says; of any other a second for each 16,000 bytes. */
const secondsOf = (file: Buffer): number => {
  if (file.toString('latin1', 0, 4) === 'RIFF') return (file.length - 44) / file.readUInt32LE(28)
  return file.length / 16_000
}

const timeOf = (seconds: number, separator: string): string =>
  new Date(seconds * 1_000).toISOString().slice(11, 23).replace('.', separator)

/**
 * Answers `POST /v1/audio/transcriptions` and `/translations` with five words.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerTranscript = async (exchange: Exchange, script: Script, body: MediaBody): Promise<void> => {
  const { row } = exchange
  const file = filesOf(body, 'file')[0]
  if (file === undefined) throw new ScriptError('file is required')
  const seconds = secondsOf(file)
  row.audio_ms = Math.round(seconds * 1_000)
  const text = spoken.join(' ')
  const inTokens = splitModel(body.model).base.includes('transcribe')
  row.prompt_tokens = inTokens ? Math.ceil(seconds * 10) : 0
  const usage = inTokens
    ? {
        type: 'tokens',
        input_tokens: row.prompt_tokens,
        input_token_details: { text_tokens: 0, audio_tokens: row.prompt_tokens },
        output_tokens: spoken.length,
        total_tokens: row.prompt_tokens + spoken.length,
      }
    : { type: 'duration', seconds }
  const told = script.usage === 'missing' ? {} : { usage }
  if (body.stream === true) {
    requireMeaning(script, 'stream')
    const events: StreamEvent[] = spoken.map((delta) => ({
      text: namedEvent('transcript.text.delta', { delta }),
      tokens: 1,
      isPart: true,
    }))
    events.push({
      text: namedEvent('transcript.text.done', { text, ...told }),
      tokens: 0,
      isPart: false,
      isTerminal: true,
    })
    return sendStream(exchange, script, events)
  }
  requireMeaning(script, 'json')
  row.produced_tokens = spoken.length
  if (script.empty === true) return sendEmpty(exchange, script, 'application/json')
  const format = body['response_format'] ?? 'json'
  if (format === 'text')
    return sendWhole(exchange, script, `${text}\n`, { 'content-type': 'text/plain; charset=utf-8' })
  if (format === 'srt' || format === 'vtt') {
    const separator = format === 'srt' ? ',' : '.'
    const cue = `${timeOf(0, separator)} --> ${timeOf(seconds, separator)}\n${text}\n`
    const [start, type] = format === 'srt' ? ['1\n', 'text/plain; charset=utf-8'] : ['WEBVTT\n\n', 'text/vtt']
    return sendWhole(exchange, script, start + cue, { 'content-type': type })
  }
  const more =
    format === 'verbose_json' ? { task: 'transcribe', language: 'english', duration: seconds, segments: [] } : {}
  await sendWhole(exchange, script, JSON.stringify({ ...more, text, ...told }))
}

/**
 * Answers `POST /v1/moderations`: what holds the word `harm` is flagged.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerModerations = async (exchange: Exchange, script: Script, body: MediaBody): Promise<void> => {
  requireMeaning(script, 'json')
  const { input } = body
  if (input === undefined) throw new ScriptError('input is required')
  if (script.empty === true) return sendEmpty(exchange, script, 'application/json')
  const results = (Array.isArray(input) ? input : [input]).map((one) => {
    const flagged = JSON.stringify(one).includes('harm')
    return { flagged, categories: {}, category_scores: { violence: flagged ? 0.97 : 0.03 } }
  })
  await sendWhole(exchange, script, JSON.stringify({ id: 'modr-1', model: splitModel(body.model).base, results }))
}
