import { AppError } from '../../kernel/errors.ts'

const lineFeed = 10
const carriageReturn = 13
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** A single event may be this long; a longer one is a fault of the provider. */
export const maxEventBytes = 1_048_576
/** Memory kept between events for the next one that arrives in pieces. */
const keptBytes = 4_096
const mebibyte = 1_048_576

/** What to do with an event: hand it on, leave it out, or leave it out and read no further. */
export type Verdict = 'forward' | 'drop' | 'stop'

export interface FrameSink {
  /**
   * Judges one whole event, its blank line included, in `bytes` from `start` to `end`. `lines` counts the lines before the
   * blank one. The bytes are only valid during the call.
   */
  event(bytes: Buffer, start: number, end: number, lines: number): Verdict
  /** Takes whole events, in order. */
  forward(events: Buffer): void
}

/** Cuts a byte stream at the ends of its server-sent events. */
export interface Frames {
  /**
   * Takes the next bytes; what follows the last event end is held.
   * @throws AppError `upstream_malformed` when one event exceeds `most` bytes, 1 MiB unless told; the events before it have been forwarded.
   */
  push(chunk: Buffer): void
  /** The start of an event whose end has not come. */
  held(): Buffer
}

/**
 * Finds event ends by one pass over the bytes (blank line after LF, CR or CRLF, in any mix; WHATWG HTML 9.2.6), without
 * decoding them. A chunk that ends with an event and needs no change is forwarded as it came, uncopied.
 */
export const createFrames = (sink: FrameSink, most: number = maxEventBytes): Frames => {
  let store = Buffer.alloc(0)
  let length = 0
  let lineEmpty = true
  let afterReturn = false
  let lines = 0
  let first = true
  let stopped = false
  /** Next line feed and carriage return of the chunk in hand; behind the cursor when not looked up yet. */
  let feedAt = -1
  let returnAt = -1

  const tooLong = () =>
    new AppError('upstream_malformed', { detail: `One event of the stream exceeds ${most / mebibyte} MiB.` })

  const hold = (bytes: Buffer, start: number, end: number): void => {
    const needed = length + end - start
    if (needed > most) throw tooLong()
    if (needed > store.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(most, Math.max(512, needed, store.length * 2)))
      store.copy(grown, 0, 0, length)
      store = grown
    }
    bytes.copy(store, length, start, end)
    length = needed
  }

  /** The next line end at or after `from`, found by native search. */
  const findLineEnd = (chunk: Buffer, from: number): number => {
    if (feedAt < from) {
      feedAt = chunk.indexOf(lineFeed, from)
      if (feedAt < 0) feedAt = chunk.length
    }
    if (returnAt < from) {
      returnAt = chunk.indexOf(carriageReturn, from)
      if (returnAt < 0) returnAt = chunk.length
    }
    return Math.min(feedAt, returnAt)
  }

  /** Where the event that `from` stands in ends, or -1 when the chunk does not tell. */
  const findEnd = (chunk: Buffer, from: number): number => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (byte === lineFeed) {
        if (afterReturn) {
          afterReturn = false
        } else if (lineEmpty) {
          return at + 1
        } else {
          lineEmpty = true
          lines += 1
        }
      } else if (byte === carriageReturn) {
        if (lineEmpty) {
          afterReturn = chunk[at + 1] !== lineFeed
          return afterReturn ? at + 1 : at + 2
        }
        lineEmpty = true
        afterReturn = true
        lines += 1
      } else {
        lineEmpty = false
        afterReturn = false
        at = findLineEnd(chunk, at) - 1
      }
    }
    return -1
  }

  /** Length of the byte order mark that the very first event may start with. */
  const markLength = (bytes: Buffer, start: number): number => {
    if (!first) return 0
    first = false
    return bytes.length >= start + 3 && bytes.compare(byteOrderMark, 0, 3, start, start + 3) === 0 ? 3 : 0
  }

  const judge = (bytes: Buffer, start: number, end: number): Verdict => {
    const count = lines
    lines = 0
    if (end - start > most) throw tooLong()
    return sink.event(bytes, start, end, count)
  }

  return {
    push: (chunk) => {
      feedAt = -1
      returnAt = -1
      let from = 0
      let runStart = 0
      let runEnd = 0
      const flush = () => {
        const start = runStart
        runStart = runEnd
        if (runEnd > start) sink.forward(chunk.subarray(start, runEnd))
      }
      try {
        while (!stopped) {
          const end = findEnd(chunk, from)
          if (end < 0) {
            if (from < chunk.length) hold(chunk, from, chunk.length)
            return
          }
          if (length > 0) {
            hold(chunk, from, end)
            const whole = store.subarray(markLength(store, 0), length)
            length = 0
            const verdict = judge(whole, 0, whole.length)
            runStart = end
            runEnd = end
            if (verdict === 'stop') stopped = true
            else if (verdict === 'forward') sink.forward(Buffer.from(whole))
            if (store.length > keptBytes) store = Buffer.alloc(0)
          } else {
            const start = from + markLength(chunk, from)
            if (start > from) runStart = start
            const verdict = judge(chunk, start, end)
            if (verdict === 'forward') {
              runEnd = end
            } else {
              flush()
              runStart = end
              runEnd = end
              if (verdict === 'stop') stopped = true
            }
          }
          from = end
        }
      } finally {
        flush()
      }
    },
    held: () => store.subarray(0, length),
  }
}
