import type { ServerResponse } from 'node:http'
import type { StreamSource } from '../domain/upstream.ts'
import type { Cancellation } from '../kernel/cancellation.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { EventWriter } from './event-writer.ts'
import { asAppError } from './fail.ts'
import { READER_STALL_MS } from './stalled-reader.ts'

const TICK_MS = 1_000
const keepAlive = Buffer.from(': keep-alive\n\n')

interface OpenStream {
  /** The status line has left. */
  committed: boolean
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
  readonly stream: Promise<StreamSource>
  /** Headers at the moment the status line leaves. */
  readonly headers: () => Record<string, string>
  /** Text of an error event. */
  readonly presentEvent: (fault: AppError) => string
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
      } else if (now - stream.writtenAt >= options.keepAliveMs) {
        stream.writtenAt = now
        stream.writer.write(keepAlive)
      }
    }
  })

  /**
   * Answers with events; resolves to the fault that ended the stream, or null, once everything is handed to the socket.
   * Rejects only while the status line has not left, so that the caller still gets a plain error.
   */
  const answer = ({ response, stream, headers, presentEvent, cancellation }: EventsAnswer): Promise<AppError | null> =>
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
        if (entry.committed) writer.end(presentEvent(fault))
        else reject(fault)
        finish(fault)
      }
      const writer = new EventWriter(response)
      const entry: OpenStream = {
        committed: false,
        writtenAt: 0,
        pausedAt: null,
        response,
        writer,
        abort: letGo,
        endWith,
      }
      open.add(entry)
      const commit = () => {
        if (entry.committed || done) return
        entry.committed = true
        commitTimer.cancel()
        entry.writtenAt = clock.monotonic()
        writer.begin({
          ...headers(),
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'private, no-store',
          'x-accel-buffering': 'no',
        })
      }
      const commitTimer = clock.after(options.commitAfterMs, () => {
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
          commit()
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
