import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { BinarySource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { CallAnswer, createFlow } from './flow.ts'
import { type ByteSink, recordedBytes, recordedEvents, recordWhole, type TextSink } from './recorded-output.ts'
import { sourceOf, wholeOf } from './whole-sound.ts'

/** Signs what models make, tells in the headers what became of it, and keeps a record of its origin. */
export interface MarkPorts {
  readonly signs: (what: 'images' | 'audio' | 'text') => boolean
  readonly records: (what: 'images' | 'audio' | 'text') => boolean
  /** Whether they get a mark in their pixels. */
  readonly stamps: (what: 'images' | 'audio' | 'text') => boolean
  readonly markImages: (exchange: Exchange, body: Buffer) => Promise<Buffer>
  readonly markSound: (exchange: Exchange, sound: Buffer) => Promise<Buffer>
  readonly recordTexts: (exchange: Exchange) => TextSink
  readonly recordSound: (exchange: Exchange) => ByteSink
}

type Call = ReturnType<typeof createFlow>

const notSigned = (exchange: Exchange, reason: 'stream' | 'format'): void => {
  exchange.headers[header.provenance] = `unsigned; reason=${reason}`
}

/** Sounds that can carry a manifest: WAV and MP3. */
const signable = /^audio\/((x-|vnd\.)?wave?|mpeg|mp3)\b/

/** A value of a structured header (RFC 8941, 3.3.3 and 3.3.4): a token where it can be one. */
const inHeader = (value: string): string =>
  /^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(value)
    ? value
    : `"${value.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`

/** That a model wrote it, which one, and for which request. */
const originOf = ({ id, headers }: Exchange): string => {
  const [model, provider] = [headers[header.model] ?? 'unknown', headers[header.provider] ?? 'unknown']
  return `ai; model=${inHeader(model)}; provider=${inHeader(provider)}; request=${inHeader(id)}`
}

/**
 * The same call, whose pictures and speech are signed before they leave, whose texts tell their origin, and of whose outputs a record is kept.
 * Other calls go through untouched.
 */
export const createMarkedCall = (call: Call, ports: MarkPorts): Call => {
  const images = async (exchange: Exchange, made: CallAnswer): Promise<CallAnswer> => {
    if (made.kind === 'json')
      return { ...made, answer: { ...made.answer, body: await ports.markImages(exchange, made.answer.body) } }
    if (ports.signs('images') || ports.stamps('images')) notSigned(exchange, 'stream')
    return made
  }
  const unsigned = (exchange: Exchange, made: CallAnswer, reason: 'stream' | 'format'): CallAnswer => {
    if (ports.signs('audio')) notSigned(exchange, reason)
    if (made.kind !== 'binary' || !ports.records('audio')) return made
    return { ...made, source: recordedBytes(made.source as BinarySource, ports.recordSound(exchange)) }
  }
  const speech = async (exchange: Exchange, made: CallAnswer, signal: CancelSignal): Promise<CallAnswer> => {
    if (made.kind !== 'binary') return unsigned(exchange, made, 'stream')
    const { contentType } = made.source as BinarySource
    if (!signable.test(contentType) || !ports.signs('audio')) return unsigned(exchange, made, 'format')
    const sound = await ports.markSound(exchange, await wholeOf(made.source as BinarySource, signal))
    return { kind: 'binary', source: sourceOf(contentType, sound) }
  }
  const text = (exchange: Exchange, made: CallAnswer): CallAnswer => {
    exchange.headers[header.origin] = originOf(exchange)
    if (!ports.records('text')) return made
    const sink = ports.recordTexts(exchange)
    if (made.kind === 'events') return { ...made, source: recordedEvents(made.source, sink) }
    if (made.kind === 'json') recordWhole(made.answer, sink)
    return made
  }
  const isMarked = (what: 'images' | 'audio' | 'text'): boolean =>
    ports.signs(what) || ports.records(what) || ports.stamps(what)
  /** What was recorded is found by the request: it says under which. */
  const told = (exchange: Exchange, made: CallAnswer, what: 'images' | 'audio'): CallAnswer => {
    if (ports.records(what) || ports.stamps(what)) exchange.headers[header.origin] = originOf(exchange)
    return made
  }
  return (exchange, asked, signal, without) => {
    const { operation } = asked
    if (operation.startsWith('image') && isMarked('images'))
      return call(exchange, asked, signal, without)
        .then((made) => images(exchange, made))
        .then((made) => told(exchange, made, 'images'))
    if (operation === 'speech' && isMarked('audio'))
      return call(exchange, asked, signal, without)
        .then((made) => speech(exchange, made, signal))
        .then((made) => told(exchange, made, 'audio'))
    if (operation === 'chat' && isMarked('text'))
      return call(exchange, asked, signal, without).then((made) => text(exchange, made))
    return call(exchange, asked, signal, without)
  }
}
