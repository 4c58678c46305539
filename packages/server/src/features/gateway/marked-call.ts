import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { BinarySource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CallAnswer, createFlow } from './flow.ts'

/** Signs what models make, and tells in the headers what became of it. */
export interface MarkPorts {
  readonly signs: (what: 'images' | 'audio' | 'text') => boolean
  readonly markImages: (exchange: Exchange, body: Buffer) => Promise<Buffer>
  readonly markSound: (exchange: Exchange, sound: Buffer) => Promise<Buffer>
}

type Call = ReturnType<typeof createFlow>

const notSigned = (exchange: Exchange, reason: 'stream' | 'format'): void => {
  exchange.headers[header.provenance] = `unsigned; reason=${reason}`
}

/** All of a stream, or its fault. */
const wholeOf = (source: BinarySource, signal: CancelSignal): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const leave = () => {
      source.abort()
      reject(new AppError('client_closed_request'))
    }
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave)
    const finish = (then: () => void) => {
      signal.removeEventListener('abort', leave)
      then()
    }
    source.start({
      data: (chunk) => void chunks.push(chunk),
      end: () => finish(() => resolve(Buffer.concat(chunks))),
      fail: (fault) => finish(() => reject(fault)),
    })
  })

/** A source of bytes that are all there. */
const sourceOf = (contentType: string, bytes: Buffer): BinarySource => {
  let isOver = false
  return {
    contentType,
    start: (listener) => {
      if (isOver) return
      isOver = true
      listener.data(bytes)
      listener.end()
    },
    pause: () => {},
    resume: () => {},
    abort: () => {
      isOver = true
    },
  }
}

/** Sounds that can carry a manifest: WAV and MP3. */
const signable = /^audio\/((x-|vnd\.)?wave?|mpeg|mp3)\b/

/** A value of a structured header (RFC 8941, 3.3.3 and 3.3.4): a token where it can be one. */
const told = (value: string): string =>
  /^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(value)
    ? value
    : `"${value.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`

/** That a model wrote it, which one, and for which request. */
const originOf = ({ id, headers }: Exchange): string => {
  const [model, provider] = [headers[header.model] ?? 'unknown', headers[header.provider] ?? 'unknown']
  return `ai; model=${told(model)}; provider=${told(provider)}; request=${told(id)}`
}

/** The same call, whose pictures and speech are signed before they leave, and whose texts tell their origin. Other calls go through untouched. */
export const createMarkedCall = (call: Call, ports: MarkPorts): Call => {
  const images = async (exchange: Exchange, made: CallAnswer): Promise<CallAnswer> => {
    if (made.kind === 'json')
      return { ...made, answer: { ...made.answer, body: await ports.markImages(exchange, made.answer.body) } }
    notSigned(exchange, 'stream')
    return made
  }
  const speech = async (exchange: Exchange, made: CallAnswer, signal: CancelSignal): Promise<CallAnswer> => {
    if (made.kind !== 'binary') {
      notSigned(exchange, 'stream')
      return made
    }
    const { contentType } = made.source as BinarySource
    if (!signable.test(contentType)) {
      notSigned(exchange, 'format')
      return made
    }
    const sound = await ports.markSound(exchange, await wholeOf(made.source as BinarySource, signal))
    return { kind: 'binary', source: sourceOf(contentType, sound) }
  }
  return (exchange, asked, signal, without) => {
    const { operation } = asked
    if (operation.startsWith('image') && ports.signs('images'))
      return call(exchange, asked, signal, without).then((made) => images(exchange, made))
    if (operation === 'speech' && ports.signs('audio'))
      return call(exchange, asked, signal, without).then((made) => speech(exchange, made, signal))
    if (operation === 'chat' && ports.signs('text'))
      return call(exchange, asked, signal, without).then((made) => {
        exchange.headers[header.origin] = originOf(exchange)
        return made
      })
    return call(exchange, asked, signal, without)
  }
}
