import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { BinarySource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CallAnswer, createFlow } from './flow.ts'

/** Signs what models make, and tells in the headers what became of it. */
export interface MarkPorts {
  readonly signs: (what: 'images' | 'audio') => boolean
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

/** The same call, whose pictures and speech are signed before they leave. Other calls go through untouched. */
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
    if (!/^audio\/(x-|vnd\.)?wave?\b/.test(contentType)) {
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
    return call(exchange, asked, signal, without)
  }
}
