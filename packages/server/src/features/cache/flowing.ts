import type { StreamListener, StreamSource } from '../../domain/upstream.ts'

const CHUNK_BYTES = 16_384

/** A stream of bytes that are all there. */
export const replay = (body: Buffer): StreamSource => {
  let listener: StreamListener | null = null
  let at = 0
  let isPaused = false
  let isOver = false
  const flow = (): void => {
    while (listener !== null && !isPaused && !isOver) {
      if (at >= body.length) {
        isOver = true
        listener.end()
        return
      }
      const chunk = body.subarray(at, at + CHUNK_BYTES)
      at += chunk.length
      listener.data(chunk)
    }
  }
  return {
    start: (given) => {
      listener = given
      flow()
    },
    pause: () => {
      isPaused = true
    },
    resume: () => {
      if (!isPaused) return
      isPaused = false
      flow()
    },
    abort: () => {
      isOver = true
    },
  }
}

/** Passes a stream on and writes it down; `body` is null where it was longer than `most`. */
export const tape = (
  source: StreamSource,
  most: number,
): { readonly source: StreamSource; readonly body: () => Buffer | null } => {
  let chunks: Buffer[] = []
  let size = 0
  return {
    body: () => (size > most ? null : Buffer.concat(chunks)),
    source: {
      start: (listener) =>
        source.start({
          data: (chunk) => {
            size += chunk.length
            // A copy: the memory of a part is used again.
            if (size <= most) chunks.push(Buffer.from(chunk))
            else chunks = []
            listener.data(chunk)
          },
          end: () => listener.end(),
          fail: (fault) => listener.fail(fault),
        }),
      pause: () => source.pause(),
      resume: () => source.resume(),
      abort: () => source.abort(),
      ...(source.tell !== undefined && { tell: (fault: Error) => (source.tell as (fault: Error) => string)(fault) }),
    },
  }
}
