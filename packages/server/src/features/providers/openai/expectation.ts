import type { InferenceRequest } from '../../../domain/inference.ts'
import type { ProviderFault } from '../provider.ts'
import { readJsonAnswer } from './json-body.ts'
import type { WholeReading } from './whole-reading.ts'
import { readImagesAnswer, readModerationAnswer, readTranscript } from './media-body.ts'

/** Finds the end of the first event of a stream; bytes may come in any pieces. */
export interface EventScanner {
  /** Index just behind the first event within `chunk`; -1 when it is not complete yet. */
  scan(chunk: Buffer): number
}

/** A stream that is no `text/event-stream`. */
export interface Framing {
  isType(type: string | string[] | undefined): boolean
  scanner(): EventScanner
  /** The fault that a first event tells of; null when it tells of none. */
  faultOf(head: Buffer, secrets: readonly string[]): ProviderFault | null
}

/** What a call expects of its answer. */
export interface Expectation {
  /** `bytes`: what is not text, handed on as it comes. */
  readonly flow: 'whole' | 'events' | 'bytes'
  /** Nothing may come for as long as the whole call may take: a picture is made in silence. */
  readonly isSlow: boolean
  /** How events are framed where not as server-sent events. */
  readonly framing?: Framing
  /** Longest first event of a stream. */
  readonly firstEventBytes: number
  /** @throws ProviderFault when it is not what it should be. */
  readonly read: (body: Buffer, status: number, secrets: readonly string[], type: string) => WholeReading
}

/** The relay keeps the same cap for every event. */
const eventBytes = 1_048_576
/** An event may hold a picture. */
const mediaEventBytes = 33_554_432

const readChat: Expectation['read'] = (body, status, secrets) => ({ usage: readJsonAnswer(body, status, secrets) })

/** A whole answer of text or vectors. */
export const wholeAnswer: Expectation = { flow: 'whole', isSlow: false, firstEventBytes: eventBytes, read: readChat }
/** A stream of text. */
export const eventAnswer: Expectation = { ...wholeAnswer, flow: 'events' }

const media: Expectation = { ...wholeAnswer, firstEventBytes: mediaEventBytes }
const images: Expectation = { ...media, isSlow: true, read: readImagesAnswer }
const speech: Expectation = { ...media, flow: 'bytes' }
const transcript: Expectation = { ...media, read: readTranscript }
const moderation: Expectation = { ...media, read: readModerationAnswer }

/** What a request is answered with. */
export const expectationOf = ({ operation, stream }: InferenceRequest): Expectation => {
  switch (operation) {
    case 'chat':
    case 'embeddings':
      return stream ? eventAnswer : wholeAnswer
    case 'speech':
      return stream ? { ...media, flow: 'events' } : speech
    case 'transcriptions':
    case 'translations':
      return stream ? { ...transcript, flow: 'events' } : transcript
    case 'moderations':
      return moderation
    default:
      return stream ? { ...images, flow: 'events' } : images
  }
}
