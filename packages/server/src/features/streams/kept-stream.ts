import type { StreamSource } from '../../domain/upstream.ts'
import { Cancellation } from '../../kernel/cancellation.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { createLog } from './kept-log.ts'
import { createLogReader, type LogReader } from './log-reader.ts'
import { createMirrorWriter, type MirrorWriter } from './mirror-writer.ts'
import { cutEvents } from './number-events.ts'
import { asAppError, faultEvent, keptEvent, withCursor } from './stream-fault.ts'
import type {
  KeptCall,
  KeptStream,
  PresentFault,
  StreamBounds,
  StreamEnding,
  StreamHead,
  StreamMirror,
} from './streams.ports.ts'

interface Options {
  readonly call: KeptCall
  readonly holder: string
  readonly clock: Clock
  readonly mirror: StreamMirror | null
  readonly present: PresentFault
  readonly bounds: () => StreamBounds
  /** Told how much more is held, or how much less. */
  readonly onBytes: (change: number) => void
  /** Whether all of them together hold too much. */
  readonly isCrowded: () => boolean
  /** Told when it has ended. */
  readonly onEnd: (stream: KeptStream) => void
  /** Told that a call without a stream, and whose id nobody knows, need not be kept. */
  readonly onVoid: (stream: KeptStream) => void
}

/** Begins a call and keeps what it gives. The provider's pace is held back only where the buffer is full and a reader behind. */
export const createKeptStream = ({
  call,
  holder,
  clock,
  mirror,
  present,
  bounds,
  onBytes,
  isCrowded,
  onEnd,
  onVoid,
}: Options): KeptStream => {
  const { id, protocol, requestId, lingerMs } = call
  const head: StreamHead = { holder, protocol, requestId }
  const log = createLog(onBytes)
  const readers = new Set<LogReader>()
  const signal = new Cancellation()
  let producer: StreamSource | null = null
  let isAnnounced = false
  let isHeldBack = false
  let loneliness: Timer | null = null

  const pumpAll = (): void => {
    for (const reader of readers) reader.pump()
  }

  /** Number of the last event that nobody who is here still waits for. */
  const readByAll = (): number => {
    if (readers.size === 0) return writer?.isWatched() === true ? writer.written() : log.base - 1
    let least = log.last
    for (const { cursor } of readers) least = Math.min(least, cursor)
    return least
  }
  /** Keeps within the bounds: what all have read goes first, and where that is not enough, nothing more comes. */
  const makeRoom = (): void => {
    if (log.ending !== null) return
    const isFull = () => log.bytes > bounds().streamBytes || isCrowded()
    let hasRoom = !isFull()
    if (!hasRoom) {
      const read = readByAll()
      while (log.base <= read && log.bytes > 0 && isFull()) log.drop()
      hasRoom = !isFull()
    }
    if (hasRoom === !isHeldBack) return
    isHeldBack = !hasRoom
    if (isHeldBack) producer?.pause()
    else producer?.resume()
  }

  const close = (ending: StreamEnding, event: Buffer | null): void => {
    loneliness?.cancel()
    log.end(ending, event)
    writer?.changed()
    pumpAll()
    onEnd(stream)
  }
  const closeWith = (state: 'failed' | 'cancelled', fault: AppError): void =>
    close({ state, code: fault.code }, faultEvent(present, head, { id, fault, cursor: log.last }))

  const waitForReaders = (milliseconds: number | null): void => {
    loneliness?.cancel()
    if (milliseconds === null || log.ending !== null) return
    const decide = (isWatched: boolean): void => {
      // Somebody may have come and gone meanwhile.
      if (readers.size > 0 || loneliness !== mine) return
      if (isWatched) waitForReaders(milliseconds)
      else stream.end('failed', new AppError('stream_abandoned'))
    }
    const mine = clock.after(milliseconds, () => {
      if (writer === null) decide(false)
      else void writer.askWatched().then(decide)
    })
    loneliness = mine
  }

  const attach = (after: number): LogReader => {
    loneliness?.cancel()
    const reader = createLogReader({
      log,
      after,
      tell: (fault, cursor) => present(protocol, withCursor(fault, id, cursor), requestId, cursor + 1),
      onRead: makeRoom,
      onLeave: (gone) => {
        readers.delete(gone)
        if (log.ending !== null) return
        if (readers.size === 0) waitForReaders(lingerMs)
        makeRoom()
      },
    })
    readers.add(reader)
    return reader
  }

  const follow = (source: StreamSource): StreamSource => {
    if (log.ending !== null) {
      source.abort()
      throw new AppError(log.ending.code ?? 'internal_error')
    }
    producer = source
    const reader = attach(0)
    source.start({
      data: (bytes) => {
        if (log.ending !== null) return
        for (const event of cutEvents(bytes)) log.append(keptEvent(head, event, log.last + 1))
        writer?.changed()
        pumpAll()
        makeRoom()
      },
      end: () => {
        if (log.ending === null) close({ state: 'completed', code: null }, null)
      },
      fail: (fault) => {
        if (log.ending === null) closeWith('failed', asAppError(fault))
      },
    })
    return reader
  }

  const stream: KeptStream = {
    id,
    head,
    log,
    get first() {
      return first
    },
    announced: () => {
      if (isAnnounced) return
      isAnnounced = true
      if (producer === null) void writer?.announce()
    },
    left: (reason) => {
      if (reason instanceof AppError) stream.end('failed', reason)
      else if (producer !== null) return
      else if (isAnnounced || lingerMs === null) waitForReaders(lingerMs)
      else signal.abort()
    },
    attach,
    standing: () => ({
      id,
      state: log.ending?.state ?? 'running',
      last: log.last,
      code: log.ending?.code ?? null,
    }),
    end: (state, fault) => {
      if (log.ending !== null) return
      closeWith(state, fault)
      if (producer === null) signal.abort(fault)
      else producer.abort()
    },
    beat: () => {
      if (producer !== null || isAnnounced) writer?.beat()
    },
    shared: async () => writer?.flush(),
    forgotten: () => writer?.stop(),
  }
  const writer: MirrorWriter | null =
    mirror === null
      ? null
      : createMirrorWriter({
          id,
          head,
          log,
          mirror,
          clock,
          keepMs: () => bounds().keepMs,
          onWritten: makeRoom,
          onCancelled: () => stream.end('cancelled', new AppError('stream_cancelled')),
          onBuried: () => stream.end('failed', new AppError('stream_interrupted')),
        })
  // Whoever has the id can read on every replica; of a call that is refused none of them hears.
  if (lingerMs === null) stream.announced()
  const first = call.begin(signal).then(
    async (source) => {
      const reader = follow(source)
      await writer?.announce()
      return reader
    },
    (thrown: unknown) => {
      if (log.ending === null) closeWith('failed', asAppError(thrown))
      if (!isAnnounced) onVoid(stream)
      throw thrown
    },
  )
  return stream
}
