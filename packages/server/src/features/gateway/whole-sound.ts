import type { BinarySource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'

/** All of a stream, or its fault. */
export const wholeOf = (source: BinarySource, signal: CancelSignal): Promise<Buffer> =>
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
export const sourceOf = (contentType: string, bytes: Buffer): BinarySource => {
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
