import type { MediaRequest, MediaTold } from '../../domain/media.ts'
import { nothingTold, readMedia } from '../../domain/media-report.ts'
import { AppError } from '../../kernel/errors.ts'
import { readEvent } from '../../kernel/sse.ts'
import { createFrames, type Verdict } from './frames.ts'
import type { MediaFlow } from './media-flow.ts'
import { errorMessage, presentable } from './provider-words.ts'
import { parseChunk } from './usage-chunk.ts'

/** An event may hold a picture. */
const mostEventBytes = 33_554_432
/** Larger events are looked at by their ends: between them is a picture. */
const wholeBytes = 65_536
const searchedBytes = 16_384

/** The types of OpenAI's events that end an image, speech or a transcript. */
const lastTypes = /"type"\s*:\s*"(?:[a-z_]+\.completed|speech\.audio\.done|transcript\.text\.done)"/
const errorType = /"type"\s*:\s*"error"|^\s*\{\s*"error"\s*:/

/** The members of an event that say anything of usage; a picture among them is left out. */
const readLarge = (text: string): MediaTold => {
  const usage = /"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})/.exec(text)?.[1]
  const word = (name: string) => new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]{1,64})"`).exec(text)?.[1]
  const told = parseChunk(`{"usage":${usage ?? 'null'}}`)
  return readMedia({ ...told, size: word('size'), quality: word('quality') })
}

const add = (one: MediaTold['tokens'], other: MediaTold['tokens']): MediaTold['tokens'] => {
  if (one === null || other === null) return one ?? other
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    mediaInput: one.mediaInput + other.mediaInput,
    mediaOutput: one.mediaOutput + other.mediaOutput,
  }
}

/** Whole events up to the protocol's own last one, which is held back until the call is settled. */
export const createEventFlow = (
  hand: (bytes: Buffer) => void,
  asked: MediaRequest,
  redact: (words: string) => string,
): MediaFlow => {
  let told: MediaTold = nothingTold
  let completed = 0
  let held: Buffer | null = null
  let fault: AppError | null = null

  const takeError = (data: string): Verdict => {
    const event = parseChunk(data)
    const message = errorMessage(event?.['error'] ?? event)
    const words = message === null ? null : presentable(redact(message))
    fault = new AppError('upstream_error', words ? { detail: `The provider says: ${words}` } : {})
    return 'stop'
  }

  const takeLast = (bytes: Buffer, text: string): Verdict => {
    if (held !== null) hand(held)
    held = Buffer.from(bytes)
    completed += 1
    const read = text === '' ? nothingTold : readLarge(text)
    const images = asked.images > 0 ? completed : 0
    told = { ...read, images, tokens: add(told.tokens, read.tokens), textLength: told.textLength }
    return completed >= Math.max(1, asked.images) ? 'stop' : 'drop'
  }

  const frames = createFrames(
    {
      event: (bytes, start, end) => {
        const event = bytes.subarray(start, end)
        const isLarge = event.length > wholeBytes
        const head = isLarge ? event.toString('latin1', 0, searchedBytes) : ''
        const { name, data } = isLarge
          ? { name: /^event: ?(\S+)/m.exec(head)?.[1] ?? '', data: head }
          : readEvent(event)
        if (data === null) return 'forward'
        if (!isLarge && (name === 'error' || errorType.test(data.slice(0, 512)))) return takeError(data)
        if (!lastTypes.test(isLarge ? `${head}${event.toString('latin1', event.length - searchedBytes)}` : data))
          return 'forward'
        return takeLast(event, isLarge ? `${head}\n${event.toString('latin1', event.length - searchedBytes)}` : data)
      },
      forward: hand,
    },
    mostEventBytes,
  )

  return {
    push: (bytes) => {
      frames.push(bytes)
      if (fault !== null) throw fault
    },
    isDone: () => completed >= Math.max(1, asked.images),
    faultAtEnd: () => (completed > 0 ? null : new AppError('upstream_truncated')),
    last: () => held,
    told: () => told,
  }
}
