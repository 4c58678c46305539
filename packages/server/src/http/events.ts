import type { ServerResponse } from 'node:http'
import type { BinarySource, StreamSource } from '../domain/upstream.ts'
import type { Cancellation } from '../kernel/cancellation.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { EventWriter } from './event-writer.ts'
import { asAppError } from './fail.ts'
import { READER_STALL_MS } from './stalled-reader.ts'

const TICK_MS = 1_000
const EVENTS = 'text/event-stream; charset=utf-8'
/** Longer than any call. */
const NEVER_MS = 86_400_000

/** Ends a connection in the middle of an answer: by a reset, because a reader may take the end of a stream for that of the body. */
const cutOff = (response: ServerResponse): void => {
  const { socket } = response
  // TLS cannot be reset from here; there the missing end of the chunks says it.
  if (socket && !('encrypted' in socket)) socket.resetAndDestroy()
  else response.destroy()
}
const keepAlive = Buffer.from(': keep-alive\n\n')

interface OpenStream {
  /** The status line has left. */
  committed: boolean
  /** No events: nothing of ours may stand between its bytes. */
  isBinary: boolean
  writtenAt: number
  pausedAt: number | null
  readonly response: ServerResponse
  readonly writer: EventWriter
  /** Lets the provider go, whether it has answered or not. */
  readonly abort: () => void
  readonly endWith: (fault: AppError) => void
}

/** What an event answer needs of the request it belongs to. */
export interface EventsAnswer {
  readonly response: ServerResponse
  /** Events; or bytes, which say what they are. */
  readonly stream: Promise<StreamSource | BinarySource>
  /** Headers at the moment the status line leaves. */
  readonly headers: () => Record<string, string>
  /** Text of an error event. */
  readonly presentEvent: (fault: AppError) => string
  /** Told that the status line leaves. */
  readonly begun?: (() => void) | undefined
  /** What comes is no events: the status line waits for it as long as it takes. */
  readonly isBinary?: boolean
  /** Cancelled when the caller leaves before the stream has begun. */
  readonly cancellation: Cancellation
}

/**
 * Writes server-sent events: the status line waits for the first real part, at most `commitAfterMs`; then comments keep
 * the connection alive whenever nothing else was written for `keepAliveMs`. One clock tick serves all open streams.
 */
export const createEvents = (options: { clock: Clock; commitAfterMs: number; keepAliveMs: number }) => {
  const { clock } = options
  const open = new Set<OpenStream>()
  const calls = new Set<Cancellation>()
  const ticker = clock.every(Math.min(TICK_MS, options.keepAliveMs), () => {
    const now = clock.monotonic()
    for (const stream of open) {
      if (!stream.committed) continue
      if (stream.pausedAt !== null) {
        if (now - stream.pausedAt >= READER_STALL_MS) stream.response.destroy()
      } else if (!stream.isBinary && now - stream.writtenAt >= options.keepAliveMs) {
        stream.writtenAt = now
        stream.writer.write(keepAlive)
      }
    }
  })

  /**
   * Answers with events; resolves to the fault that ended the stream, or null, once everything is handed to the socket.
   * Rejects only while the status line has not left, so that the caller still gets a plain error.
   */
  const answer = ({
    response,
    stream,
    headers,
    presentEvent,
    cancellation,
    begun,
    isBinary = false,
  }: EventsAnswer): Promise<AppError | null> =>
    new Promise((resolve, reject) => {
      let source: StreamSource | null = null
      let done = false
      const letGo = () => (source ? source.abort() : cancellation.abort())
      const finish = (fault: AppError | null) => {
        if (done) return
        done = true
        commitTimer.cancel()
        open.delete(entry)
        resolve(fault)
      }
      const endWith = (fault: AppError) => {
        if (done) return
        if (entry.isBinary) cutOff(response)
        else if (entry.committed) writer.end(source?.tell?.(fault) ?? presentEvent(fault))
        else reject(fault)
        finish(fault)
      }
      const writer = new EventWriter(response)
      const entry: OpenStream = {
        committed: false,
        isBinary: false,
        writtenAt: 0,
        pausedAt: null,
        response,
        writer,
        abort: letGo,
        endWith,
      }
      open.add(entry)
      const commit = (contentType = EVENTS) => {
        if (entry.committed || done) return
        entry.committed = true
        begun?.()
        commitTimer.cancel()
        entry.writtenAt = clock.monotonic()
        writer.begin({
          ...headers(),
          'content-type': contentType,
          'cache-control': 'private, no-store',
          'x-accel-buffering': 'no',
        })
      }
      const commitTimer = clock.after(isBinary ? NEVER_MS : options.commitAfterMs, () => {
        commit()
        writer.write(keepAlive)
      })
      const leave = () => {
        if (done) return
        letGo()
        finish(new AppError('client_closed_request'))
      }
      response.on('close', leave)
      // Whoever left before this sends no event any more.
      if (response.destroyed) leave()
      const onDrain = () => {
        if (entry.pausedAt === null) return
        entry.pausedAt = null
        source?.resume()
      }
      stream.then(
        (ready) => {
          if (done) {
            ready.abort()
            return
          }
          source = ready
          if ('contentType' in ready) {
            entry.isBinary = true
            commit(ready.contentType)
          } else commit()
          ready.start({
            data: (chunk) => {
              entry.writtenAt = clock.monotonic()
              if (writer.write(chunk, onDrain) || entry.pausedAt !== null) return
              entry.pausedAt = entry.writtenAt
              ready.pause()
            },
            end: () => {
              if (done) return
              writer.end()
              finish(null)
            },
            fail: (fault) => endWith(asAppError(fault)),
          })
        },
        (fault: unknown) => endWith(asAppError(fault)),
      )
    })

  /** Ends every open stream with an error, as an event where the status line has left; used when the drain window is over. */
  const endAll = (fault: AppError) => {
    for (const stream of [...open]) {
      stream.endWith(fault)
      stream.abort()
    }
    for (const call of [...calls]) call.abort(fault)
  }

  /** Lets `endAll` end a call too that has no stream, until it is released. */
  const watch = (call: Cancellation): void => void calls.add(call)
  const release = (call: Cancellation): void => void calls.delete(call)

  return {
    answer,
    watch,
    release,
    endAll,
    /** Open streams. */
    count: () => open.size,
    /** Whether any stream or watched call is open. */
    isBusy: () => open.size + calls.size > 0,
    stop: () => ticker.cancel(),
  }
}

export type Events = ReturnType<typeof createEvents>
